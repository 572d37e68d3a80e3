//! Strict JSON (RFC 8259) for everything that is signed or decides whether a signature is believed.
//!
//! RFC 7519 §4 lets a parser refuse repeated member names or keep the last; two parsers that choose
//! differently read two different tokens out of one signature. Here a repeated name is an error at any depth.
//!
//! ```
//! let error = secevent_jose::json::parse(br#"{"events":{"iss":1,"iss":2}}"#).unwrap_err();
//! assert_eq!(error.to_string(), r#"duplicate member "iss" at /events (JWT-007)"#);
//! ```

mod document;
mod names;
mod parser;
mod string;

pub use document::{Document, Json, Object};
pub use serde_json::{Map, Value};

use crate::error::shown;

/// A SET of the published profiles nests eight deep; 64 leaves room and bounds the stack.
const DEPTH_MAX: usize = 64;

/// Parses one JSON value.
///
/// Refused: bytes that are not UTF-8, a byte order mark, a repeated member name, nesting deeper than 64,
/// a number outside the range of `f64`, a lone surrogate escape, and anything but whitespace after the value.
/// Members keep the order of the text.
// spec: JWT-007
// spec: BCP-012
pub fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    Ok(Document::parse(bytes.to_vec())?.root().to_value())
}

/// Parses one JSON object; as [`parse`], and any other kind of value is refused.
pub fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, JsonError> {
    let document = Document::parse(bytes.to_vec())?;
    document.root().as_object().map(Object::to_map).ok_or(JsonError(Fault::NotAnObject))
}

/// What is wrong with the JSON, and where.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(transparent)]
pub struct JsonError(Fault);

impl JsonError {
    /// A value that is no object where one is wanted.
    pub const NOT_AN_OBJECT: Self = Self(Fault::NotAnObject);

    /// Whether the fault is a repeated member name (RFC 7519 §4), the one that is never an accident of
    /// transport.
    pub fn is_duplicate(&self) -> bool {
        matches!(self.0, Fault::Duplicate { .. })
    }
}

#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
enum Fault {
    #[error("duplicate member {} at {} (JWT-007)", shown(name), pointer(within))]
    Duplicate {
        name: String,
        /// Names of the enclosing objects and positions in the enclosing arrays, innermost first.
        within: Vec<String>,
    },
    #[error("line {line} column {column}: {reason}")]
    Syntax { line: usize, column: usize, reason: String },
    #[error("a JSON object is wanted here, and this is another kind of value")]
    NotAnObject,
}

impl Fault {
    /// Adds a step on the way out of a value, so that well-formed input pays nothing for it.
    #[cold]
    fn enclose(&mut self, step: impl FnOnce() -> String) {
        if let Self::Duplicate { within, .. } = self {
            within.push(step());
        }
    }
}

/// The path as a JSON Pointer (RFC 6901), escaped and cut like all text of a peer.
fn pointer(within: &[String]) -> String {
    let mut path: String = within
        .iter()
        .rev()
        .flat_map(|step| ["/".to_owned(), step.replace('~', "~0").replace('/', "~1")])
        .collect();
    if path.is_empty() {
        path.push('/');
    }
    shown(&path).trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(text: &str) -> String {
        parse(text.as_bytes()).unwrap_err().to_string()
    }

    // spec: JWT-007
    #[test]
    fn a_repeated_member_is_refused_at_any_depth_and_named() {
        for (text, at) in [
            (r#"{"a":1,"a":1}"#, "/"),
            (r#"{"a":1,"\u0061":2}"#, "/"),
            (r#"{"events":{"a":1,"b":2,"a":3}}"#, "/events"),
            (r#"{"x":[0,{"y/z~":{"a":{},"a":{}}}]}"#, "/x/1/y~1z~0"),
        ] {
            assert_eq!(message(text), format!("duplicate member \"a\" at {at} (JWT-007)"));
            assert!(parse(text.as_bytes()).unwrap_err().is_duplicate());
        }
        assert!(parse(br#"{"a":{"a":1},"A":[{"a":1},{"a":1}]}"#).is_ok());
    }

    // spec: JWT-007
    #[test]
    fn a_repeated_member_is_found_among_few_and_many() {
        for count in [1, 15, 16, 17, 100] {
            let members: Vec<_> = (0..count).map(|n| format!("\"m{n}\":{{}}")).collect();
            let distinct = members.join(",");
            assert!(parse(format!("{{{distinct}}}").as_bytes()).is_ok());
            for twice in members {
                let text = format!("{{{distinct},{twice}}}");
                assert!(parse(text.as_bytes()).unwrap_err().is_duplicate(), "{text}");
            }
        }
    }

    // spec: BCP-012
    #[test]
    fn what_two_parsers_could_read_differently_is_refused() {
        assert_eq!(message("{\n\"a\":tru}"), "line 2 column 5: a value is expected here");
        for text in [
            "",
            " ",
            "{} {}",
            "{},",
            "\u{feff}{}",
            "{a:1}",
            "{'a':1}",
            "{\"a\":1,}",
            "NaN",
            "-Infinity",
            "1e400",
            "01",
            "+1",
            ".5",
            "0x1",
            r#""\ud800""#,
            r#""\udc00\ud800""#,
            "\"\n\"",
            "// c\n1",
        ] {
            assert!(!parse(text.as_bytes()).unwrap_err().is_duplicate(), "{text:?}");
        }
        assert!(parse(b"\"\xff\"").is_err());
        assert!(parse(b"\"\xed\xa0\x80\"").is_err());
    }

    #[test]
    fn depth_is_bounded_for_arrays_and_objects_alike() {
        let nested = |open: &str, close: &str, depth| open.repeat(depth) + "1" + &close.repeat(depth);
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            assert!(parse(nested(open, close, DEPTH_MAX).as_bytes()).is_ok());
            assert!(message(&nested(open, close, DEPTH_MAX + 1)).ends_with("nested deeper than 64"));
            assert!(parse(nested(open, close, 10_000).as_bytes()).is_err());
        }
    }

    #[test]
    fn an_object_keeps_its_order_and_nothing_else_is_one() {
        let object = parse_object(br#"{"z":1,"a":2,"m":3}"#).unwrap();
        assert_eq!(object.keys().collect::<Vec<_>>(), ["z", "a", "m"]);
        for other in ["[]", "\"{}\"", "null", "1"] {
            assert_eq!(parse_object(other.as_bytes()), Err(JsonError(Fault::NotAnObject)));
        }
    }

    /// Floats are eighths, since `serde_json` reads others to within one unit in the last place.
    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<i32>().prop_map(|n| Value::from(f64::from(n) / 8.0)),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::vec((any::<String>(), inner), 0..8)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_serde_json_writes_is_read_back_equal(value in any_json()) {
            prop_assert_eq!(parse(value.to_string().as_bytes()), Ok(value));
        }

        /// What we take, serde_json takes as the same value; what we refuse it refuses, save what is stricter here.
        #[test]
        fn serde_json_agrees(
            text in "[\\[{]{0,3}([\"a-c]|\\\\u00e9|\\\\ud83d\\\\ude00|\\\\n|[-0-9.eE+]{1,4}|true|null|[:, \\]}]){0,12}[\\]}]{0,3}",
        ) {
            let theirs = serde_json::from_str::<Value>(&text);
            match parse(text.as_bytes()) {
                Ok(ours) => prop_assert_eq!(Some(ours), theirs.ok()),
                Err(error) => prop_assert!(theirs.is_err() || error.is_duplicate(), "{}: {}", text, error),
            }
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[\\[{}\":,a0\\]]{0,40}") {
            let _ = parse(&bytes);
            let _ = parse(text.as_bytes());
        }
    }
}
