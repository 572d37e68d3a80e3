//! The two readers below everything else, each beside the one that everybody uses.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secevent_jose::json::{Document, Json, parse, parse_object};
use serde_json::Value;

use super::has_float;

/// What we take, `serde_json` takes as the same value; what we refuse it refuses, save what is stricter here.
pub fn json(data: &[u8]) {
    let theirs = serde_json::from_slice::<Value>(data);
    let document = match Document::parse(data.to_vec()) {
        Ok(document) => document,
        Err(error) => {
            let stricter = error.is_duplicate() || error.to_string().contains("nested deeper");
            return assert!(theirs.is_err() || stricter, "{error}");
        }
    };
    let value = document.root().to_value();
    assert_eq!(Some(&value), theirs.as_ref().ok(), "{theirs:?}");
    assert_eq!(document.text().as_bytes(), data);
    assert_eq!(document, document.clone());
    assert_eq!(parse_object(data).is_ok(), value.is_object());
    walk(document.root(), &value);
    if !has_float(&value) {
        assert_eq!(parse(value.to_string().as_bytes()), Ok(value));
    }
}

fn walk(json: Json<'_>, value: &Value) {
    let kinds = [
        json.is_null(),
        json.as_bool().is_some(),
        json.is_number(),
        json.as_str().is_some(),
        json.as_array().is_some(),
        json.as_object().is_some(),
    ];
    assert_eq!(kinds.into_iter().filter(|is| *is).count(), 1, "a value is of one kind");
    assert_eq!(json.as_number().is_some(), json.is_number(), "a number can be read");
    if let Some(object) = json.as_object() {
        assert_eq!(object.len(), object.to_map().len(), "names are unique");
        assert_eq!(object.is_empty(), object.iter().next().is_none());
        // Looking up each name of a huge object would only take time.
        for (name, inner) in object.iter().take(64) {
            assert!(object.contains(name) && object.get(name) == Some(inner));
            walk(inner, &value[name]);
        }
    }
    if let Some(items) = json.as_array() {
        items.enumerate().for_each(|(i, item)| walk(item, &value[i]));
    }
}

/// The reference implementation accepts the same texts and reads the same bytes; one text for one byte sequence.
pub fn base64url(data: &[u8]) {
    let text = secevent_jose::base64url(data);
    assert_eq!(secevent_jose::base64url_decode(&text).as_deref(), Ok(data));
    assert_eq!(text, URL_SAFE_NO_PAD.encode(data));
    let Ok(text) = std::str::from_utf8(data) else { return };
    let read = secevent_jose::base64url_decode(text);
    assert_eq!(read.clone().ok(), URL_SAFE_NO_PAD.decode(text).ok());
    if let Ok(bytes) = read {
        assert_eq!(secevent_jose::base64url(&bytes), text);
    }
}
