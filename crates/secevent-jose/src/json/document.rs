//! A JSON text and where its values are: one buffer and one list, whatever the number of values.

use std::fmt;

use serde_json::{Map, Number, Value};

use super::{JsonError, parser};

/// A strict JSON text, parsed.
///
/// Values are looked at through [`Json`] and [`Object`], which borrow; nothing is copied but escaped strings.
#[derive(Clone)]
pub struct Document {
    pub(super) text: String,
    /// Strings that were written with escapes, one after the other.
    pub(super) unescaped: String,
    /// Values in the order of the text; members as name and value in turn.
    pub(super) nodes: Vec<Node>,
}

/// One value. Strings are ranges of their content, everything else of the text.
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
    /// The content stands in the text.
    String,
    /// The content stands in `unescaped`.
    Escaped,
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

    /// The bytes of a string node.
    #[inline]
    fn content(&self, node: Node) -> &[u8] {
        let Node { kind, start, end, .. } = node;
        let from = if kind == Kind::Escaped { &self.unescaped } else { &self.text };
        &from.as_bytes()[start as usize..end as usize]
    }

    /// The text as it came.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("bytes", &self.text.len()).finish_non_exhaustive()
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

    /// The JSON text of this value, for anything but a string.
    #[inline]
    fn raw(self) -> &'d str {
        let Node { start, end, .. } = self.node();
        &self.document.text[start as usize..end as usize]
    }

    /// The string, if it is one.
    #[inline]
    pub fn as_str(self) -> Option<&'d str> {
        let Node { kind, start, end, .. } = self.node();
        let content = match kind {
            Kind::String => &self.document.text,
            Kind::Escaped => &self.document.unescaped,
            _ => return None,
        };
        Some(&content[start as usize..end as usize])
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
        let number = (self.node().kind == Kind::Number).then(|| self.raw())?;
        // Most are seconds and fit; the rest goes the long way.
        number.parse::<u64>().map(Number::from).or_else(|_| serde_json::from_str(number)).ok()
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
            Kind::String | Kind::Escaped => self.as_str().unwrap_or_default().into(),
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
        match (self.as_str(), other.as_str()) {
            (Some(one), Some(two)) => return one == two,
            (None, None) => {}
            _ => return false,
        }
        match (self.node().kind, other.node().kind) {
            (Kind::Number, Kind::Number) => {
                self.raw() == other.raw() || self.as_number() == other.as_number()
            }
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
    #[inline]
    pub fn get(self, name: &str) -> Option<Json<'d>> {
        let Json { document, at } = self.0;
        let nodes = document.nodes.get(..document.nodes[at as usize].next as usize)?;
        let mut at = at + 1;
        // Names of another length are passed without a look at their text.
        while let Some(known) = nodes.get(at as usize) {
            if (known.end - known.start) as usize == name.len() && document.content(*known) == name.as_bytes()
            {
                return Some(Json { document, at: at + 1 });
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
        self.iter().count()
    }

    /// Whether there is no member.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.iter().next().is_none()
    }

    /// Names and values in the order of the text.
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = (&'d str, Json<'d>)> + Clone {
        let mut children = self.0.children();
        std::iter::from_fn(move || Some((children.next()?.as_str()?, children.next()?)))
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
