//! Subject matching (SSF 1.0 §8.1.3.1) and the canonical form that an index uses.

use serde_json::{Map, Value};

use super::SubjectId;

/// How two complex subjects are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Matching {
    /// Members that only one side has are wildcards, and at least one member is shared and identical.
    ///
    /// Without that condition `user: alice` would match `device: d1` (SUB-068).
    #[default]
    SharedMember,
    /// The words of SSF 1.0 §8.1.3.1 alone: no member may differ.
    Literal,
}

impl SubjectId {
    /// Whether an event about `self` is wanted by somebody who added `added`; symmetric.
    ///
    /// Simple subjects match when they are identical (SUB-061), complex ones member by member (SUB-062);
    /// a simple and a complex one never do (SUB-069).
    // spec: SUB-061, SUB-062, SUB-065, SUB-067, SUB-068, SUB-069
    pub fn matches(&self, added: &Self, matching: Matching) -> bool {
        match (self.format() == "complex", added.format() == "complex") {
            (false, false) => self == added,
            (true, true) => complex_match(&self.members, &added.members, matching),
            _ => false,
        }
    }
}

fn complex_match(one: &Map<String, Value>, other: &Map<String, Value>, matching: Matching) -> bool {
    let mut shared = 0;
    for (name, value) in one.iter().filter(|(name, _)| *name != "format") {
        match other.get(name) {
            Some(same) if same == value => shared += 1,
            Some(_) => return false,
            None => {}
        }
    }
    shared > 0 || matching == Matching::Literal
}

/// Writes an object with its members sorted by name, recursively, without white space.
pub(super) fn write_canonical(members: &Map<String, Value>, out: &mut String) {
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_unstable_by_key(|(name, _)| *name);
    write_list(out, ['{', '}'], sorted, |(name, value), out| {
        out.push_str(&Value::from(name.as_str()).to_string());
        out.push(':');
        write_value(value, out);
    });
}

fn write_value(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => write_canonical(members, out),
        Value::Array(items) => write_list(out, ['[', ']'], items, write_value),
        // The two zeros of a float are equal, so they have one text.
        Value::Number(zero) if zero.is_f64() && zero.as_f64() == Some(0.0) => out.push_str("0.0"),
        scalar => out.push_str(&scalar.to_string()),
    }
}

fn write_list<T>(
    out: &mut String,
    [open, close]: [char; 2],
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(T, &mut String),
) {
    out.push(open);
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(close);
}
