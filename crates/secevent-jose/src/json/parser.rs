//! The parser: one pass over the text, nothing accepted that two parsers could read differently.

use super::{
    DEPTH_MAX, Document, Fault, JsonError,
    document::{Kind, Node},
    names::Names,
};

pub(super) fn parse(bytes: Vec<u8>) -> Result<Document, JsonError> {
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        JsonError(syntax(&error.as_bytes()[..good], "the text is not UTF-8"))
    })?;
    // Twice, since what escapes stand for comes behind it.
    if u32::try_from(text.len() * 2).is_err() {
        return Err(JsonError(syntax(b"", "the text is too long")));
    }
    let mut parser = Parser::new(text.as_bytes());
    let parsed = parser.value(0, 0).and_then(|at| parser.end(at));
    let Parser { unescaped, nodes, .. } = parser;
    match parsed {
        Ok(text_bytes) => {
            text.push_str(&unescaped);
            Ok(Document { content: text, text_bytes, nodes })
        }
        Err(fault) => Err(JsonError(*fault)),
    }
}

pub(super) struct Parser<'t> {
    pub(super) text: &'t [u8],
    /// What strings with escapes stand for, one after the other; nodes count on from the text.
    pub(super) unescaped: String,
    pub(super) nodes: Vec<Node>,
}

/// Where reading goes on.
pub(super) type Parsed = Result<usize, Box<Fault>>;

impl<'t> Parser<'t> {
    fn new(text: &'t [u8]) -> Self {
        // A member takes thirty bytes or so and two nodes: one allocation does for most tokens.
        let nodes = Vec::with_capacity(text.len() / 12 + 4);
        Self { text, unescaped: String::new(), nodes }
    }

    fn value(&mut self, at: usize, depth: usize) -> Parsed {
        let (at, first) = self.peek(at);
        match first {
            Some(b'"') => self.string(at),
            Some(b'{') => self.object(at, depth),
            Some(b'[') => self.array(at, depth),
            Some(b'-' | b'0'..=b'9') => self.number(at),
            Some(b't') => self.word(at, b"true", Kind::True),
            Some(b'f') => self.word(at, b"false", Kind::False),
            Some(b'n') => self.word(at, b"null", Kind::Null),
            Some(_) => Err(self.fault(at, "a value is expected here")),
            None => Err(self.fault(at, "the text ends too early")),
        }
    }

    fn object(&mut self, start: usize, depth: usize) -> Parsed {
        let object = self.open(Kind::Object, start, depth)?;
        let (mut at, mut next) = self.peek(start + 1);
        if next == Some(b'}') {
            return Ok(self.close(object, at));
        }
        let mut names = Names::of(object);
        loop {
            if next != Some(b'"') {
                return Err(self.fault(at, "a member name is expected here"));
            }
            let name = self.nodes.len();
            at = self.string(at)?;
            if names.have(name, self) {
                let name = self.content(name).to_owned();
                return Err(Box::new(Fault::Duplicate { name, within: Vec::new() }));
            }
            (at, next) = self.peek(at);
            if next != Some(b':') {
                return Err(self.fault(at, "a colon is expected here"));
            }
            let mut value = match self.peek(at + 1) {
                (at, Some(b'"')) => self.string(at),
                (at, _) => self.value(at, depth + 1),
            };
            if let Err(fault) = &mut value {
                fault.enclose(|| self.content(name).to_owned());
            }
            at = value?;
            (at, next) = self.peek(at);
            match next {
                Some(b',') => (at, next) = self.peek(at + 1),
                Some(b'}') => return Ok(self.close(object, at)),
                _ => return Err(self.fault(at, "a comma or the end of the object is expected here")),
            }
        }
    }

    fn array(&mut self, start: usize, depth: usize) -> Parsed {
        let array = self.open(Kind::Array, start, depth)?;
        let (mut at, mut next) = self.peek(start + 1);
        if next == Some(b']') {
            return Ok(self.close(array, at));
        }
        for position in 0.. {
            let mut value = self.value(at, depth + 1);
            if let Err(fault) = &mut value {
                fault.enclose(|| position.to_string());
            }
            at = value?;
            (at, next) = self.peek(at);
            match next {
                Some(b',') => at += 1,
                Some(b']') => break,
                _ => return Err(self.fault(at, "a comma or the end of the array is expected here")),
            }
        }
        Ok(self.close(array, at))
    }

    #[inline]
    fn open(&mut self, kind: Kind, at: usize, depth: usize) -> Result<usize, Box<Fault>> {
        if depth >= DEPTH_MAX {
            return Err(self.fault(at, &format!("nested deeper than {DEPTH_MAX}")));
        }
        let node = self.nodes.len();
        self.push(kind, at, at);
        Ok(node)
    }

    /// Completes an object or array whose last character is at `at`.
    fn close(&mut self, node: usize, at: usize) -> usize {
        let next = index(self.nodes.len());
        let node = &mut self.nodes[node];
        (node.end, node.next) = (index(at + 1), next);
        at + 1
    }

    fn number(&mut self, start: usize) -> Parsed {
        let integer = start + usize::from(self.text[start] == b'-');
        let mut at = self.digits(integer)?;
        if at > integer + 1 && self.text[integer] == b'0' {
            return Err(self.fault(at, "a number begins with 0"));
        }
        let mut plain = at - integer < 300;
        if self.text.get(at) == Some(&b'.') {
            at = self.digits(at + 1)?;
        }
        if let Some(b'e' | b'E') = self.text.get(at) {
            plain = false;
            let signed = matches!(self.text.get(at + 1), Some(b'+' | b'-'));
            at = self.digits(at + 1 + usize::from(signed))?;
        }
        if !plain {
            let text = std::str::from_utf8(&self.text[start..at]).unwrap_or_default();
            if serde_json::from_str::<f64>(text).is_err() {
                return Err(self.fault(at, "number out of range"));
            }
        }
        self.push(Kind::Number, start, at);
        Ok(at)
    }

    fn digits(&self, at: usize) -> Parsed {
        let count = self.text[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 { Err(self.fault(at, "a digit is expected here")) } else { Ok(at + count) }
    }

    fn word(&mut self, at: usize, word: &[u8], kind: Kind) -> Parsed {
        if !self.text[at..].starts_with(word) {
            return Err(self.fault(at, "a value is expected here"));
        }
        self.push(kind, at, at + word.len());
        Ok(at + word.len())
    }

    #[inline]
    pub(super) fn push(&mut self, kind: Kind, start: usize, end: usize) {
        let next = index(self.nodes.len() + 1);
        self.nodes.push(Node { kind, start: index(start), end: index(end), next });
    }

    /// The content of a string node.
    fn content(&self, node: usize) -> &str {
        std::str::from_utf8(self.bytes(self.nodes[node])).unwrap_or_default()
    }

    #[inline]
    pub(super) fn bytes(&self, Node { start, end, .. }: Node) -> &[u8] {
        let (start, end) = (start as usize, end as usize);
        match start.checked_sub(self.text.len()) {
            None => &self.text[start..end],
            Some(start) => &self.unescaped.as_bytes()[start..end - self.text.len()],
        }
    }

    /// The next byte that is no white space, and its place. Tokens have none, so that is looked at first.
    #[inline]
    fn peek(&self, at: usize) -> (usize, Option<u8>) {
        match self.text.get(at) {
            Some(byte) if *byte > b' ' => (at, Some(*byte)),
            _ => self.skip_space(at),
        }
    }

    fn skip_space(&self, mut at: usize) -> (usize, Option<u8>) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.text.get(at) {
            at += 1;
        }
        (at, self.text.get(at).copied())
    }

    fn end(&self, at: usize) -> Parsed {
        match self.peek(at) {
            (at, None) => Ok(at),
            (at, Some(_)) => Err(self.fault(at, "something follows the value")),
        }
    }

    #[cold]
    #[expect(
        clippy::unnecessary_box_returns,
        reason = "a thin error keeps the results of well-formed input in registers"
    )]
    pub(super) fn fault(&self, at: usize, reason: &str) -> Box<Fault> {
        Box::new(syntax(&self.text[..at.min(self.text.len())], reason))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "texts are shorter than 2 GiB, which was looked at first"
)]
const fn index(at: usize) -> u32 {
    at as u32
}

#[cold]
fn syntax(before: &[u8], reason: &str) -> Fault {
    let line = before.split(|byte| *byte == b'\n').count();
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    Fault::Syntax { line, column, reason: reason.to_owned() }
}
