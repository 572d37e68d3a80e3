//! The scopes of CAEP Interop §2.7.3, as a set.

use std::fmt;

use secevent_http::router::Scope;

/// What an access token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scopes {
    read: bool,
    manage: bool,
}

impl Scopes {
    pub(super) const ALL: Self = Self { read: true, manage: true };

    /// What a request asks for; `None` when it names a scope that does not exist, or none at all.
    // spec: CIOP-038
    pub(super) fn requested(text: &str) -> Option<Self> {
        let known = text.split(' ').all(|name| [Scope::Read, Scope::Manage].map(Scope::name).contains(&name));
        known.then(|| Self::among(text))
    }

    /// Those of ours among the scopes of a token (RFC 9068 §2.2.3).
    pub(super) fn among(text: &str) -> Self {
        let has = |scope: Scope| text.split(' ').any(|name| name == scope.name());
        Self { read: has(Scope::Read), manage: has(Scope::Manage) }
    }

    /// `ssf.manage` covers what `ssf.read` does.
    // spec: CIOP-039, CIOP-040
    pub(super) fn permit(self, scope: Scope) -> bool {
        self.manage || self.read && scope == Scope::Read
    }

    pub(super) const fn to_bits(self) -> u8 {
        self.read as u8 | (self.manage as u8) << 1
    }

    pub(super) const fn from_bits(bits: u8) -> Self {
        Self { read: bits & 1 != 0, manage: bits & 2 != 0 }
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [(self.read, Scope::Read), (self.manage, Scope::Manage)];
        let names: Vec<_> = names.iter().filter(|(has, _)| *has).map(|(_, scope)| scope.name()).collect();
        f.write_str(&names.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // spec: CIOP-038, CIOP-039
    #[test]
    fn managing_includes_reading_and_not_the_other_way_round() {
        let scopes = |text| Scopes::requested(text).unwrap();
        for (text, read, manage) in [
            ("ssf.read", true, false),
            ("ssf.manage", true, true),
            ("ssf.manage ssf.read", true, true),
            ("ssf.read ssf.read", true, false),
        ] {
            let scopes = scopes(text);
            assert_eq!((scopes.permit(Scope::Read), scopes.permit(Scope::Manage)), (read, manage), "{text}");
            assert_eq!(Scopes::from_bits(scopes.to_bits()), scopes);
        }
        assert_eq!(Scopes::ALL.to_string(), "ssf.read ssf.manage");
        for text in
            ["", " ", "ssf", "SSF.READ", "ssf.read openid", "ssf.read  ssf.manage", "ssf.manage.create"]
        {
            assert_eq!(Scopes::requested(text), None, "{text}");
        }
        assert!(!Scopes::among("openid ssf.manage.create").permit(Scope::Read));
        assert!(Scopes::among("openid ssf.read").permit(Scope::Read));
    }
}
