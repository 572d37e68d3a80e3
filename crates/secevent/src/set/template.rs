//! One SET for many recipients: judged once, signed for each.

use secevent_jose::Signer;
use serde::Serialize;

use super::Unsigned;
use crate::{Error, Profile, Timestamp};

/// A SET that lacks `jti` and `aud`: everything else is fixed and was judged, so that signing it for one more
/// recipient costs the signature and little else.
///
/// ```
/// use secevent::{Alg, Profile, SigningKey, Template, Timestamp};
/// use serde_json::json;
///
/// let key = SigningKey::generate(Alg::Es256)?;
/// let said = json!({
///     "txn": "8675309",
///     "sub_id": {"format": "email", "email": "alice@example.com"},
///     "events": {"https://schemas.openid.net/secevent/caep/event-type/session-revoked": {}},
/// });
/// let set = Template::judge(Profile::SSF, "https://idp.example", Timestamp(1_767_225_600), &said)?;
/// for (jti, aud) in [("1", "https://sp.example"), ("2", "https://app.example")] {
///     let token = set.sign(jti, &[aud.to_owned()], &key)?;
///     assert_eq!(token.split('.').count(), 3);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Template {
    profile: Profile,
    /// Invariant: with a string, a comma, the member `aud` and `tail` behind it, claims that `profile` allows.
    head: Box<[u8]>,
    tail: Box<[u8]>,
}

impl Template {
    /// Judges what is said of an event as strictly as an issuer must be; `rest` are the claims besides `iss`, `iat`,
    /// `jti` and `aud`, and nothing that is no JSON object.
    ///
    /// # Errors
    /// As [`Draft::claims`](super::Draft::claims).
    pub fn judge(profile: Profile, iss: &str, iat: Timestamp, rest: &impl Serialize) -> Result<Self, Error> {
        /// Any string does: what a recipient is called breaks no rule.
        const SAMPLE: &str = "-";
        let mut head = b"{\"iss\":".to_vec();
        write(&mut head, iss);
        head.extend_from_slice(format!(",\"iat\":{},\"jti\":", iat.0).as_bytes());
        let mut tail = Vec::with_capacity(TAIL_BYTES);
        write(&mut tail, rest);
        match tail.as_mut_slice() {
            [_, b'}'] => drop(tail.remove(0)),
            [first, ..] => *first = b',',
            [] => {}
        }
        let template = Self { profile, head: head.into(), tail: tail.into() };
        super::issue::judge(template.claims(SAMPLE, &[SAMPLE.to_owned()]), &profile)?;
        Ok(template)
    }

    /// The compact token for one recipient.
    ///
    /// # Errors
    /// When there is no `jti` or no `aud`, and as [`Claims::sign`](super::Claims::sign).
    // spec: SET-019, JWT-009
    pub fn sign(&self, jti: &str, aud: &[String], signer: &dyn Signer) -> Result<String, Error> {
        if jti.is_empty() || aud.is_empty() {
            return Err(super::issue::refuse(
                "SET-019",
                "`jti` or `aud` is empty".into(),
                "give both".into(),
            ));
        }
        let claims = self.claims(jti, aud);
        Unsigned::new(&claims, self.profile, signer.alg(), signer.kid())?.sign(signer)
    }

    /// How many bytes its claims have as JSON, without `jti` and `aud`.
    pub const fn bytes(&self) -> usize {
        self.head.len() + self.tail.len()
    }

    fn claims(&self, jti: &str, aud: &[String]) -> Vec<u8> {
        let mut claims = Vec::with_capacity(self.head.len() + self.tail.len() + ADDRESS_BYTES);
        claims.extend_from_slice(&self.head);
        write(&mut claims, jti);
        claims.extend_from_slice(b",\"aud\":");
        match aud {
            [one] => write(&mut claims, one),
            many => write(&mut claims, many),
        }
        claims.extend_from_slice(&self.tail);
        claims
    }
}

/// What is said of most events.
const TAIL_BYTES: usize = 512;

/// A `jti` of ours and the URL of a recipient; a longer one is no mistake.
const ADDRESS_BYTES: usize = 128;

fn write(json: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    serde_json::to_writer(json, value).expect("claims are JSON, and memory takes them");
}

#[cfg(test)]
mod tests {
    use secevent_jose::{Alg, SigningKey};
    use serde_json::json;

    use super::*;
    use crate::{Draft, Set, SubjectId, event::caep};

    // spec: SET-019, JWT-009, SSF-004
    #[test]
    fn a_template_signs_what_a_draft_would_have_signed() {
        let (iss, iat) = ("https://idp.example/\"x\"", Timestamp(1_767_225_600));
        let key = SigningKey::generate(Alg::Ed25519).unwrap();
        let draft = Set::issue(iss)
            .about(SubjectId::email("alice@example.com"))
            .event(caep::SessionRevoked::new().reason_admin(("en", "risk \"91\"")))
            .txn("8675309")
            .at(iat)
            .toe(Timestamp(1_767_225_599));
        let mut said = draft.clone().jti("1").claims().unwrap().members().clone();
        said.retain(|name, _| !["iss", "iat", "jti", "aud"].contains(&name.as_str()));
        let template = Template::judge(Profile::SSF, iss, iat, &said).unwrap();
        for aud in [vec!["https://sp.example"], vec!["https://sp.example", "quoted \" \\ \u{e9}"]] {
            let aud: Vec<_> = aud.into_iter().map(str::to_owned).collect();
            let draft = aud.iter().fold(draft.clone().jti("j\n1"), Draft::to);
            assert_eq!(template.sign("j\n1", &aud, &key).unwrap(), draft.sign(&key).unwrap());
        }
        assert!(template.sign("", &["a".into()], &key).is_err(), "no jti");
        assert!(template.sign("1", &[], &key).is_err(), "no aud");
    }

    // spec: SET-004, SET-016
    #[test]
    fn what_breaks_a_rule_is_no_template() {
        let judge = |iss, said| Template::judge(Profile::SSF, iss, Timestamp(0), &said).map(drop);
        let first = |refused: Result<(), Error>| refused.err().map(|error| error.findings()[0].id);
        let events = json!({"urn:example:event": {}});
        let sub_id = json!({"format": "opaque", "id": "1"});
        let good = json!({"txn": "1", "sub_id": sub_id, "events": events});
        assert!(judge("i", good.clone()).is_ok());
        assert_eq!(first(judge("", good.clone())), Some("SET-016"));
        assert!(judge("i", json!({})).is_err(), "nothing is said");
        let mut twice = good;
        twice["jti"] = "2".into();
        assert!(judge("i", twice).is_err(), "a second jti");
    }
}
