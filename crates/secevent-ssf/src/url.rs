//! As much of a URL as the rules of metadata need; addresses are the business of the network shell.

/// An absolute `https` or `http` URL, split in front of its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Url<'a> {
    pub(crate) origin: &'a str,
    /// Path, query and fragment.
    pub(crate) rest: &'a str,
    pub(crate) is_https: bool,
}

impl<'a> Url<'a> {
    /// Splits a URL; `None` when it has another scheme, no host, a user name, or characters no URL has.
    pub(crate) fn split(text: &'a str) -> Option<Self> {
        if !text.bytes().all(|b| b.is_ascii_graphic() && !b"\\\"<>^`{|}".contains(&b)) {
            return None;
        }
        let (scheme, after) = text.split_once("://")?;
        let is_https = scheme.eq_ignore_ascii_case("https");
        if !is_https && !scheme.eq_ignore_ascii_case("http") {
            return None;
        }
        let authority = after.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.is_empty() || authority.starts_with(':') || authority.contains('@') {
            return None;
        }
        let (origin, rest) = text.split_at(scheme.len() + "://".len() + authority.len());
        Some(Self { origin, rest, is_https })
    }

    pub(crate) fn has_query_or_fragment(self) -> bool {
        self.rest.contains(['?', '#'])
    }
}
