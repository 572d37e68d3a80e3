//! Strings: where they end, and what their escapes stand for.

use super::{
    Fault,
    document::Kind,
    parser::{Parsed, Parser},
};

impl Parser<'_> {
    /// Reads the string whose quote is at `quote`.
    pub(super) fn string(&mut self, quote: usize) -> Parsed {
        let start = quote + 1;
        let end = plain_end(self.text, start);
        if self.text.get(end) != Some(&b'"') {
            return self.escaped(start);
        }
        self.push(Kind::String, start, end);
        Ok(end + 1)
    }

    /// A string with escapes; its content goes to a buffer of its own.
    fn escaped(&mut self, start: usize) -> Parsed {
        let begin = self.text.len() + self.unescaped.len();
        let mut at = start;
        loop {
            let end = plain_end(self.text, at);
            // Cut at ASCII, so it is UTF-8 as the whole is.
            self.unescaped.push_str(std::str::from_utf8(&self.text[at..end]).unwrap_or_default());
            at = match self.text.get(end) {
                Some(b'"') => {
                    self.push(Kind::String, begin, self.text.len() + self.unescaped.len());
                    return Ok(end + 1);
                }
                Some(b'\\') => self.escape(end)?,
                Some(_) => return Err(self.fault(end, "a control character in a string")),
                None => return Err(self.fault(end, "the text ends within a string")),
            };
        }
    }

    fn escape(&mut self, at: usize) -> Parsed {
        let plain = match self.text.get(at + 1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.code_point(at),
            _ => return Err(self.fault(at, "an unknown escape")),
        };
        self.unescaped.push(plain);
        Ok(at + 2)
    }

    fn code_point(&mut self, at: usize) -> Parsed {
        let lone = "a lone surrogate";
        let unit = self.code_unit(at, at)?;
        let (code, length) = match unit {
            0xD800..=0xDBFF if self.text[at + 6..].starts_with(b"\\u") => {
                let low = self.code_unit(at + 6, at)?;
                if !(0xDC00..=0xDFFF).contains(&low) {
                    return Err(self.fault(at, lone));
                }
                (0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00), 12)
            }
            other => (other, 6),
        };
        self.unescaped.push(char::from_u32(code).ok_or_else(|| self.fault(at, lone))?);
        Ok(at + length)
    }

    /// The four digits of the `\u` at `at`, for a character that begins at `first`.
    fn code_unit(&self, at: usize, first: usize) -> Result<u32, Box<Fault>> {
        let digits = self.text.get(at + 2..at + 6).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        digits
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .ok_or_else(|| self.fault(first, "four hexadecimal digits are expected after \\u"))
    }
}

/// Where the plain part of a string ends: at a quote, a backslash, a control character or the end of the text.
/// Eight bytes are looked at together while there are eight.
#[inline]
fn plain_end(text: &[u8], start: usize) -> usize {
    let mut rest = &text[start..];
    while let Some((word, behind)) = rest.split_first_chunk() {
        let found = marks(u64::from_le_bytes(*word));
        if found != 0 {
            return text.len() - rest.len() + (found.trailing_zeros() / 8) as usize;
        }
        rest = behind;
    }
    let in_rest = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
    text.len() - rest.len() + in_rest.unwrap_or(rest.len())
}

/// Marks the bytes of a word at which the plain part of a string ends. The lowest mark is exact; a higher one may be
/// false by the borrow of a lower.
const fn marks(word: u64) -> u64 {
    const fn all(byte: u8) -> u64 {
        u64::from_ne_bytes([byte; 8])
    }
    // Bit 1 turned over, the quote comes right behind the control characters.
    let control_or_quote = (word ^ all(2)).wrapping_sub(all(0x21));
    let backslash = (word ^ all(b'\\')).wrapping_sub(all(1));
    (control_or_quote | backslash) & !word & all(0x80)
}
