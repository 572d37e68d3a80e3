//! The challenge of a resource server: `WWW-Authenticate: Bearer` (RFC 6750 §3).

use http::HeaderValue;

use super::Scope;

/// What is wrong with a token, which scope would do, and where to learn who gives tokens.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Challenge {
    /// The error code (RFC 6750 §3.1); none when there was no token at all.
    pub error: Option<&'static str>,
    /// The scope that the request needs.
    pub scope: Option<Scope>,
    /// The URL of the metadata of the protected resource (RFC 9728 §5.1).
    pub resource_metadata: Option<String>,
}

impl Challenge {
    /// The value of the field.
    // spec: CIOP-036
    pub(super) fn to_value(&self) -> HeaderValue {
        let scope = self.scope.map(Scope::name);
        let parameters = [
            ("error", self.error),
            ("scope", scope),
            ("resource_metadata", self.resource_metadata.as_deref()),
        ];
        let said = parameters.iter().filter_map(|(name, value)| value.map(|value| parameter(name, value)));
        let said: Vec<_> = said.collect();
        let value = if said.is_empty() { "Bearer".to_owned() } else { format!("Bearer {}", said.join(", ")) };
        HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("Bearer"))
    }
}

/// `name="value"`, quoted as RFC 9110 §5.6.4 has it.
fn parameter(name: &str, value: &str) -> String {
    format!("{name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    // spec: CIOP-036
    #[test]
    fn a_challenge_says_what_is_known() {
        let said = |challenge: &Challenge| challenge.to_value().to_str().unwrap().to_owned();
        let mut challenge = Challenge::default();
        assert_eq!(said(&challenge), "Bearer");
        challenge.error = Some("insufficient_scope");
        challenge.scope = Some(Scope::Manage);
        assert_eq!(said(&challenge), r#"Bearer error="insufficient_scope", scope="ssf.manage""#);
        let quoted = Challenge { resource_metadata: Some(r#"https://a/"\"#.into()), ..Challenge::default() };
        assert_eq!(said(&quoted), r#"Bearer resource_metadata="https://a/\"\\""#);
        let split = Challenge { resource_metadata: Some("https://a/\r\n".into()), ..Challenge::default() };
        assert_eq!(said(&split), "Bearer", "never two lines");
    }
}
