//! The parser: one pass over the text, nothing accepted that two parsers could read differently.

use std::collections::BTreeSet;

use super::{
    DEPTH_MAX, Document, Fault, JsonError,
    document::{Kind, Node},
};

pub(super) fn parse(bytes: Vec<u8>) -> Result<Document, JsonError> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        JsonError(syntax(&error.as_bytes()[..good], "the text is not UTF-8"))
    })?;
    if u32::try_from(text.len()).is_err() {
        return Err(JsonError(syntax(b"", "the text is too long")));
    }
    // A member takes twenty bytes or so and two nodes: one allocation does for most tokens.
    let nodes = Vec::with_capacity(text.len() / 8 + 4);
    let bytes = text.as_bytes();
    let mut parser = Parser { text: bytes, plain: is_plain(bytes), at: 0, unescaped: String::new(), nodes };
    let parsed = parser.value(0).and_then(|()| parser.end());
    let Parser { unescaped, nodes, .. } = parser;
    match parsed {
        Ok(()) => Ok(Document { text, unescaped, nodes }),
        Err(fault) => Err(JsonError(*fault)),
    }
}

struct Parser<'t> {
    text: &'t [u8],
    /// No escape and no control character anywhere: a string ends at the next quote.
    plain: bool,
    at: usize,
    unescaped: String,
    nodes: Vec<Node>,
}

type Parsed = Result<(), Box<Fault>>;

impl Parser<'_> {
    fn value(&mut self, depth: usize) -> Parsed {
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word(b"true", Kind::True),
            Some(b'f') => self.word(b"false", Kind::False),
            Some(b'n') => self.word(b"null", Kind::Null),
            Some(_) => Err(self.fault("a value is expected here")),
            None => Err(self.fault("the text ends too early")),
        }
    }

    fn object(&mut self, depth: usize) -> Parsed {
        let object = self.open(Kind::Object, depth)?;
        let mut names = Names::new();
        if self.peek() == Some(b'}') {
            self.close(object);
            return Ok(());
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.fault("a member name is expected here"));
            }
            let name = self.nodes.len();
            self.string()?;
            if let Some(twice) = names.add(self, name) {
                return Err(Box::new(Fault::Duplicate { name: twice, within: Vec::new() }));
            }
            if self.peek() != Some(b':') {
                return Err(self.fault("a colon is expected here"));
            }
            self.at += 1;
            if let Err(mut fault) = self.value(depth + 1) {
                fault.enclose(|| self.content(name).to_owned());
                return Err(fault);
            }
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(self.fault("a comma or the end of the object is expected here")),
            }
        }
        self.close(object);
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Parsed {
        let array = self.open(Kind::Array, depth)?;
        if self.peek() == Some(b']') {
            self.close(array);
            return Ok(());
        }
        for position in 0.. {
            if let Err(mut fault) = self.value(depth + 1) {
                fault.enclose(|| position.to_string());
                return Err(fault);
            }
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(self.fault("a comma or the end of the array is expected here")),
            }
        }
        self.close(array);
        Ok(())
    }

    fn open(&mut self, kind: Kind, depth: usize) -> Result<usize, Box<Fault>> {
        if depth >= DEPTH_MAX {
            return Err(self.fault(&format!("nested deeper than {DEPTH_MAX}")));
        }
        let node = self.nodes.len();
        self.push(kind, self.at, self.at);
        self.at += 1;
        Ok(node)
    }

    fn close(&mut self, node: usize) {
        self.at += 1;
        let (end, next) = (index(self.at), index(self.nodes.len()));
        self.nodes[node].end = end;
        self.nodes[node].next = next;
    }

    fn string(&mut self) -> Parsed {
        let start = self.at + 1;
        let end = if self.plain { quote(self.text, start) } else { plain_end(self.text, start) };
        match self.text.get(end) {
            Some(b'"') => {
                self.push(Kind::String, start, end);
                self.at = end + 1;
                Ok(())
            }
            _ => self.escaped(start),
        }
    }

    /// A string with escapes; its content goes to a buffer of its own.
    fn escaped(&mut self, start: usize) -> Parsed {
        let begin = self.unescaped.len();
        let mut from = start;
        loop {
            let end = plain_end(self.text, from);
            // Cut at ASCII, so it is UTF-8 as the whole is.
            self.unescaped.push_str(std::str::from_utf8(&self.text[from..end]).unwrap_or_default());
            self.at = end;
            match self.text.get(end) {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                Some(_) => return Err(self.fault("a control character in a string")),
                None => return Err(self.fault("the text ends within a string")),
            }
            from = self.at;
        }
        self.push(Kind::Escaped, begin, self.unescaped.len());
        self.at += 1;
        Ok(())
    }

    fn escape(&mut self) -> Parsed {
        let plain = match self.text.get(self.at + 1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.code_point(),
            _ => return Err(self.fault("an unknown escape")),
        };
        self.unescaped.push(plain);
        self.at += 2;
        Ok(())
    }

    fn code_point(&mut self) -> Parsed {
        let lone = "a lone surrogate";
        let unit = self.code_unit(self.at)?;
        let (code, length) = match unit {
            0xD800..=0xDBFF if self.text[self.at + 6..].starts_with(b"\\u") => {
                let low = self.code_unit(self.at + 6)?;
                if !(0xDC00..=0xDFFF).contains(&low) {
                    return Err(self.fault(lone));
                }
                (0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00), 12)
            }
            other => (other, 6),
        };
        self.unescaped.push(char::from_u32(code).ok_or_else(|| self.fault(lone))?);
        self.at += length;
        Ok(())
    }

    /// The four digits of the `\u` that begins at `at`.
    fn code_unit(&self, at: usize) -> Result<u32, Box<Fault>> {
        let digits = self.text.get(at + 2..at + 6).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        digits
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .ok_or_else(|| self.fault("four hexadecimal digits are expected after \\u"))
    }

    fn number(&mut self) -> Parsed {
        let start = self.at;
        if self.text[self.at] == b'-' {
            self.at += 1;
        }
        let integer = self.at;
        let digits = self.digits()?;
        if digits > 1 && self.text[integer] == b'0' {
            return Err(self.fault("a number begins with 0"));
        }
        let mut plain = digits < 300;
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.text.get(self.at) {
            plain = false;
            self.at += 1;
            if let Some(b'+' | b'-') = self.text.get(self.at) {
                self.at += 1;
            }
            self.digits()?;
        }
        if !plain {
            let text = std::str::from_utf8(&self.text[start..self.at]).unwrap_or_default();
            if serde_json::from_str::<f64>(text).is_err() {
                return Err(self.fault("number out of range"));
            }
        }
        self.push(Kind::Number, start, self.at);
        Ok(())
    }

    fn digits(&mut self) -> Result<usize, Box<Fault>> {
        let count = self.text[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count == 0 { Err(self.fault("a digit is expected here")) } else { Ok(count) }
    }

    fn word(&mut self, word: &[u8], kind: Kind) -> Parsed {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.fault("a value is expected here"));
        }
        self.push(kind, self.at, self.at + word.len());
        self.at += word.len();
        Ok(())
    }

    fn push(&mut self, kind: Kind, start: usize, end: usize) {
        let next = index(self.nodes.len() + 1);
        self.nodes.push(Node { kind, start: index(start), end: index(end), next });
    }

    /// The content of a string node.
    fn content(&self, node: usize) -> &str {
        std::str::from_utf8(self.bytes(self.nodes[node])).unwrap_or_default()
    }

    fn bytes(&self, Node { kind, start, end, .. }: Node) -> &[u8] {
        let bytes = if kind == Kind::Escaped { self.unescaped.as_bytes() } else { self.text };
        &bytes[start as usize..end as usize]
    }

    /// The next byte that is no white space. Tokens have none, so that is looked at first.
    fn peek(&mut self) -> Option<u8> {
        let next = self.text.get(self.at).copied();
        if next.is_some_and(|byte| byte > b' ') { next } else { self.skip_space() }
    }

    fn skip_space(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.text.get(self.at) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn end(&mut self) -> Parsed {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.fault("something follows the value")),
        }
    }

    #[cold]
    #[expect(
        clippy::unnecessary_box_returns,
        reason = "a thin error keeps the results of well-formed input in a register"
    )]
    fn fault(&self, reason: &str) -> Box<Fault> {
        Box::new(syntax(&self.text[..self.at.min(self.text.len())], reason))
    }
}

/// Whether a text has neither escapes nor control characters, as minified claims mostly have. Without an early end
/// the compiler looks at many bytes at once.
#[expect(clippy::needless_bitwise_bool, reason = "lazy operators would end early")]
fn is_plain(text: &[u8]) -> bool {
    !text.iter().fold(false, |found, byte| found | (*byte < 0x20) | (*byte == b'\\'))
}

const ONES: u64 = u64::from_ne_bytes([1; 8]);

/// Marks the bytes of a word that are below a limit of at most 128. The lowest mark is exact; higher ones may be false
/// by a borrow.
const fn below(word: u64, limit: u8) -> u64 {
    word.wrapping_sub(ONES * limit as u64) & !word & (ONES << 7)
}

/// The place of the next quote, or the end of the text.
fn quote(text: &[u8], start: usize) -> usize {
    scan(text, start, |word| below(word ^ (ONES * u64::from(b'"')), 1), |byte| byte == b'"')
}

/// Where the plain part of a string ends: at a quote, a backslash, a control character or the end of the text.
fn plain_end(text: &[u8], start: usize) -> usize {
    let marks = |word| {
        below(word ^ (ONES * u64::from(b'"')), 1)
            | below(word ^ (ONES * u64::from(b'\\')), 1)
            | below(word, 0x20)
    };
    scan(text, start, marks, |byte| matches!(byte, b'"' | b'\\' | 0..0x20))
}

/// The first place that is marked, eight bytes at a time while there are eight.
#[inline]
fn scan(text: &[u8], start: usize, marks: impl Fn(u64) -> u64, marked: impl Fn(u8) -> bool) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let (words, tail) = rest.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let found = marks(u64::from_le_bytes(*word));
        if found != 0 {
            return start + at * 8 + (found.trailing_zeros() / 8) as usize;
        }
    }
    let in_tail = tail.iter().position(|byte| marked(*byte)).unwrap_or(tail.len());
    start + words.len() * 8 + in_tail
}

/// The member names of one object, to find the one that is there twice.
struct Names {
    few: [Node; 16],
    count: usize,
    many: BTreeSet<Vec<u8>>,
}

impl Names {
    const fn new() -> Self {
        let none = Node { kind: Kind::Null, start: 0, end: 0, next: 0 };
        Self { few: [none; 16], count: 0, many: BTreeSet::new() }
    }

    /// Adds a name; tells it when it is there already. A handful is compared one by one, more are sorted.
    fn add(&mut self, parser: &Parser<'_>, node: usize) -> Option<String> {
        let name = parser.nodes[node];
        let length = name.end - name.start;
        let same =
            |known: &Node| known.end - known.start == length && parser.bytes(*known) == parser.bytes(name);
        let mut twice = self.few[..self.count].iter().any(same);
        if let Some(free) = self.few.get_mut(self.count) {
            *free = name;
            self.count += 1;
        } else {
            twice |= !self.many.insert(parser.bytes(name).to_owned());
        }
        twice.then(|| parser.content(node).to_owned())
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "texts are shorter than 4 GiB, which was looked at first"
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
