//! Strict JSON (RFC 8259) for everything that is signed or decides whether a signature is believed.
//!
//! RFC 7519 §4 lets a parser refuse repeated member names or keep the last; two parsers that choose
//! differently read two different tokens out of one signature. Here a repeated name is an error at any depth.
//!
//! ```
//! let error = secevent_jose::json::parse(br#"{"events":{"iss":1,"iss":2}}"#).unwrap_err();
//! assert_eq!(error.to_string(), r#"duplicate member "iss" at /events (JWT-007)"#);
//! ```

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
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
    let mut fault = None;
    let mut json = serde_json::Deserializer::from_slice(bytes);
    Node { fault: &mut fault, depth: 0 }
        .deserialize(&mut json)
        .and_then(|value| json.end().map(|()| value))
        .map_err(|error| JsonError(fault.unwrap_or_else(|| Fault::from(&error))))
}

/// Parses one JSON object; as [`parse`], and any other kind of value is refused.
pub fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, JsonError> {
    match parse(bytes)? {
        Value::Object(members) => Ok(members),
        _ => Err(JsonError(Fault::NotAnObject)),
    }
}

/// What is wrong with the JSON, and where.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(transparent)]
pub struct JsonError(Fault);

impl JsonError {
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

impl From<&serde_json::Error> for Fault {
    fn from(error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        let place = format!(" at line {line} column {column}");
        Self::Syntax { line, column, reason: text.strip_suffix(&place).unwrap_or(&text).to_owned() }
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

/// One value at a known depth. A fault that `serde_json` has no words for is left in `fault`; the path to it
/// is added on the way out, so that well-formed input pays nothing for it.
struct Node<'f> {
    fault: &'f mut Option<Fault>,
    depth: usize,
}

impl Node<'_> {
    fn child(&mut self) -> Node<'_> {
        Node { fault: self.fault, depth: self.depth + 1 }
    }

    fn check_depth<E: serde::de::Error>(&self) -> Result<(), E> {
        if self.depth < DEPTH_MAX {
            return Ok(());
        }
        Err(E::custom(format_args!("nested deeper than {DEPTH_MAX}")))
    }

    fn duplicate<E: serde::de::Error>(&mut self, name: String) -> E {
        *self.fault = Some(Fault::Duplicate { name, within: Vec::new() });
        E::custom("duplicate member")
    }

    fn enclose(&mut self, step: &impl ToString) {
        if let Some(Fault::Duplicate { within, .. }) = self.fault {
            within.push(step.to_string());
        }
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Value, A::Error> {
        self.check_depth()?;
        let mut array = Vec::new();
        loop {
            match items.next_element_seed(self.child()) {
                Ok(Some(item)) => array.push(item),
                Ok(None) => return Ok(array.into()),
                Err(error) => {
                    self.enclose(&array.len());
                    return Err(error);
                }
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Value, A::Error> {
        self.check_depth()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(self.duplicate(name));
            }
            match members.next_value_seed(self.child()) {
                Ok(value) => object.insert(name, value),
                Err(error) => {
                    self.enclose(&name);
                    return Err(error);
                }
            };
        }
        Ok(object.into())
    }
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

    // spec: BCP-012
    #[test]
    fn what_two_parsers_could_read_differently_is_refused() {
        assert_eq!(message("{\n\"a\":tru}"), "line 2 column 8: expected ident");
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

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[\\[{}\":,a0\\]]{0,40}") {
            let _ = parse(&bytes);
            let _ = parse(text.as_bytes());
        }
    }
}
