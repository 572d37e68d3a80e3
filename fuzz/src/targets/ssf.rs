//! The documents of delivery and of stream management. What is read, written and read again is the same.

use std::fmt::Debug;

use secevent_ssf::{
    Refusal,
    delivery::{
        SetError,
        poll::{PollRequest, PollResponse},
    },
    metadata::{SSF_CONFIGURATION, TransmitterMetadata, judge_metadata, well_known},
    stream::{
        AddSubject, CreateStream, RemoveSubject, StatusDocument, StreamConfig, UpdateStream,
        VerificationRequest,
    },
};
use serde::Serialize;
use serde_json::Value;

use super::{alike, refused};

fn round<T: Serialize + Debug>(data: &[u8], parse: impl Fn(&[u8]) -> Result<T, Refusal>) -> Option<T> {
    let read = match parse(data) {
        Ok(read) => read,
        Err(refusal) => {
            assert!(!refusal.id.is_empty() && !refusal.mend.is_empty(), "{refusal}");
            return None;
        }
    };
    let text = serde_json::to_string(&read).expect("a document is JSON");
    let again = parse(text.as_bytes()).unwrap_or_else(|refusal| panic!("{text}: {refusal}"));
    let [one, other] = [&read, &again].map(|document| serde_json::to_value(document).expect("it is JSON"));
    assert!(alike(&one, &other), "{one}\n{other}");
    Some(read)
}

/// Poll requests and responses, and error reports.
pub fn poll(data: &[u8]) {
    if let Some(request) = round(data, PollRequest::parse) {
        let refused = |id: &String| request.set_errs.iter().any(|(other, _)| other == id);
        assert!(request.set_errs.is_empty() || request.ack.iter().take(64).all(|id| !refused(id)));
    }
    round(data, PollResponse::parse);
    if let Some(error) = SetError::parse(data) {
        let text = serde_json::to_vec(&error).expect("an error is JSON");
        assert_eq!(SetError::parse(&text), Some(error));
    }
}

/// Every document of stream management.
pub fn stream(data: &[u8]) {
    round(data, CreateStream::parse);
    let update = round(data, UpdateStream::parse);
    if let Some(config) = round(data, StreamConfig::parse) {
        // Whether it is echoed rightly is for the tests; any pair can be compared.
        let _ = update.map(|update| update.check_echoed(&config));
    }
    round(data, StatusDocument::parse);
    let answer = round(data, StatusDocument::parse_answer);
    assert!(answer.is_some() || StatusDocument::parse(data).is_err(), "an answer is read more kindly");
    round(data, AddSubject::parse);
    round(data, RemoveSubject::parse);
    round(data, VerificationRequest::parse);
}

/// A transmitter's metadata, under its own name.
pub fn metadata(data: &[u8]) {
    let findings = judge_metadata(data);
    let document = serde_json::from_slice::<Value>(data).unwrap_or_default();
    let issuer = document["issuer"].as_str().unwrap_or_default();
    for allow_http in [false, true] {
        let read = round(data, |data| TransmitterMetadata::parse(data, issuer, allow_http));
        if let Some(metadata) = read {
            assert_eq!(metadata.issuer, issuer);
            assert!(TransmitterMetadata::parse(data, issuer, true).is_ok(), "`allow_http` only widens");
        } else {
            assert!(allow_http || refused(&findings), "the judge is stricter than the reader");
        }
        if let Ok(url) = well_known(issuer, SSF_CONFIGURATION, allow_http) {
            let scheme = url.split(':').next().unwrap_or_default().to_ascii_lowercase();
            assert!(scheme == "https" || (allow_http && scheme == "http"), "{url}");
        }
    }
    assert!(
        TransmitterMetadata::parse(data, "https://another.example", true).is_err()
            || issuer == "https://another.example"
    );
}
