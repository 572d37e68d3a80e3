//! A JSON text and where its values are: one buffer and one list, whatever the number of values.

use std::fmt;

use serde_json::{Map, Number, Value};

use super::{JsonError, parser};

/// A strict JSON text, parsed.
///
/// Values are looked at through [`Json`] and [`Object`], which borrow; nothing is copied but escaped strings.
#[derive(Clone)]
pub struct Document {
    /// The text as it came, then the strings that it wrote with escapes.
    pub(super) content: String,
    pub(super) text_bytes: usize,
    /// Values in the order of the text; members as name and value in turn.
    pub(super) nodes: Vec<Node>,
}

/// One value: a range of the content, of a string without its quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) start: u32,
    pub(super) end: u32,
    /// The node behind this value and all that is in it.
    pub(super) next: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Null,
    True,
    False,
    Number,
    String,
    Array,
    Object,
}

impl Document {
    /// Parses one JSON value; see [`parse`](super::parse) for what is refused.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, JsonError> {
        parser::parse(bytes)
    }

    /// The whole value.
    pub const fn root(&self) -> Json<'_> {
        Json { document: self, at: 0 }
    }

    /// The text as it came.
    pub fn text(&self) -> &str {
        &self.content[..self.text_bytes]
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("bytes", &self.text_bytes).finish_non_exhaustive()
    }
}

/// Documents are equal when their values are; the order of members does not count.
impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        self.root() == other.root()
    }
}

/// A value of a document.
#[derive(Clone, Copy)]
pub struct Json<'d> {
    document: &'d Document,
    at: u32,
}

impl<'d> Json<'d> {
    #[inline]
    fn node(self) -> Node {
        self.document.nodes[self.at as usize]
    }

    #[inline]
    fn at(self, at: u32) -> Self {
        Self { at, ..self }
    }

    /// The JSON text of this value; of a string what it stands for.
    #[inline]
    fn content(self) -> &'d str {
        let Node { start, end, .. } = self.node();
        &self.document.content[start as usize..end as usize]
    }

    /// The string, if it is one.
    #[inline]
    pub fn as_str(self) -> Option<&'d str> {
        (self.node().kind == Kind::String).then(|| self.content())
    }

    /// The object, if it is one.
    #[inline]
    pub fn as_object(self) -> Option<Object<'d>> {
        (self.node().kind == Kind::Object).then_some(Object(self))
    }

    /// The items, if it is an array.
    #[inline]
    pub fn as_array(self) -> Option<impl Iterator<Item = Self> + Clone> {
        (self.node().kind == Kind::Array).then(|| self.children())
    }

    /// The number, if it is one.
    pub fn as_number(self) -> Option<Number> {
        let number = (self.node().kind == Kind::Number).then(|| self.content())?;
        // Most are seconds and fit; the rest goes the long way.
        match number.parse::<u64>() {
            Ok(whole) => Some(whole.into()),
            Err(_) => serde_json::from_str(number).ok(),
        }
    }

    /// Whether it is a number.
    #[inline]
    pub fn is_number(self) -> bool {
        self.node().kind == Kind::Number
    }

    /// The boolean, if it is one.
    pub fn as_bool(self) -> Option<bool> {
        match self.node().kind {
            Kind::True => Some(true),
            Kind::False => Some(false),
            _ => None,
        }
    }

    /// Whether it is null.
    pub fn is_null(self) -> bool {
        self.node().kind == Kind::Null
    }

    /// A copy that owns itself.
    pub fn to_value(self) -> Value {
        match self.node().kind {
            Kind::Null => Value::Null,
            Kind::True => Value::Bool(true),
            Kind::False => Value::Bool(false),
            Kind::Number => self.as_number().map_or(Value::Null, Value::Number),
            Kind::String => self.content().into(),
            Kind::Array => self.children().map(Json::to_value).collect(),
            Kind::Object => Object(self).to_map().into(),
        }
    }

    /// The values right inside an array, or names and values in turn of an object.
    #[inline]
    fn children(self) -> Children<'d> {
        Children { parent: self, at: self.at + 1, end: self.node().next }
    }
}

/// Equal values, whatever the order of members.
impl PartialEq for Json<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self.node().kind, other.node().kind) {
            (Kind::Number, Kind::Number) => {
                self.content() == other.content() || self.as_number() == other.as_number()
            }
            (Kind::String, Kind::String) => self.content() == other.content(),
            (Kind::Array, Kind::Array) => self.children().eq(other.children()),
            (Kind::Object, Kind::Object) => {
                let (one, two) = (Object(*self), Object(*other));
                one.len() == two.len() && one.iter().all(|(name, value)| two.get(name) == Some(value))
            }
            (one, two) => one == two,
        }
    }
}

impl fmt::Debug for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_value().fmt(f)
    }
}

/// An object of a document. Names are unique and keep the order of the text.
#[derive(Clone, Copy, PartialEq)]
pub struct Object<'d>(Json<'d>);

impl<'d> Object<'d> {
    /// The value of this name.
    pub fn get(self, name: &str) -> Option<Json<'d>> {
        let text = self.0.document.content.as_bytes();
        let nodes = self.0.document.nodes.get(..self.0.node().next as usize)?;
        let (name, mut at) = (name.as_bytes(), self.0.at + 1);
        while let Some(Node { start, end, .. }) = nodes.get(at as usize) {
            // Most names differ in length or first letter.
            if (end - start) as usize == name.len() {
                let known = text.get(*start as usize..*end as usize)?;
                if known.first() == name.first() && known == name {
                    return Some(self.0.at(at + 1));
                }
            }
            at = nodes.get(at as usize + 1)?.next;
        }
        None
    }

    /// The string of this name.
    #[inline]
    pub fn text(self, name: &str) -> Option<&'d str> {
        self.get(name)?.as_str()
    }

    /// Whether there is a value of this name.
    #[inline]
    pub fn contains(self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// How many members there are.
    pub fn len(self) -> usize {
        self.members().count()
    }

    /// Whether there is no member.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.members().next().is_none()
    }

    /// Names and values in the order of the text.
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = (&'d str, Json<'d>)> + Clone {
        self.members().map(|(name, value)| (name.content(), value))
    }

    #[inline]
    fn members(self) -> impl Iterator<Item = (Json<'d>, Json<'d>)> + Clone {
        let (mut at, end) = (self.0.at + 1, self.0.node().next);
        std::iter::from_fn(move || {
            let (name, value) = (at < end).then(|| (self.0.at(at), self.0.at(at + 1)))?;
            at = value.node().next;
            Some((name, value))
        })
    }

    /// A copy that owns itself.
    pub fn to_map(self) -> Map<String, Value> {
        self.iter().map(|(name, value)| (name.to_owned(), value.to_value())).collect()
    }
}

impl fmt::Debug for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[derive(Clone)]
struct Children<'d> {
    parent: Json<'d>,
    at: u32,
    end: u32,
}

impl<'d> Iterator for Children<'d> {
    type Item = Json<'d>;

    #[inline]
    fn next(&mut self) -> Option<Json<'d>> {
        let child = (self.at < self.end).then(|| self.parent.at(self.at))?;
        self.at = child.node().next;
        Some(child)
    }
}
