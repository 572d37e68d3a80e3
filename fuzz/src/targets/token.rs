//! Tokens, their headers and their claims.

use std::sync::LazyLock;

use secevent::{
    Check, Claims, Error, ErrorCode, Level, Policy, Profile, Role, Set, VerifiedSet, danger, explain,
};
use secevent_jose::{Alg, Compact, Signer, base64url, json};
use serde_json::Value;

use super::{NOW, refused};
use crate::keys::{ED25519, PUBLIC, RSA};

/// A payload that is fine.
static GOOD: LazyLock<Vec<u8>> = LazyLock::new(|| testkit::bytes("derived-set-1.json"));

/// What depends on the clock, which `explain` does not have.
const OF_THE_CLOCK: [&str; 3] = ["JWT-011", "JWT-012", "JWT-014"];

/// Reads, verifies and explains a compact token under every profile; all ways to look at it agree.
pub fn token(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let read = Set::parse(text).map(|set| set.key_hint().alg.to_owned());
    let peeked = danger::peek(text);
    assert!(read.is_ok() || peeked.is_err(), "what can be peeked at can be read");
    let signed = Compact::parse(text).is_ok_and(|jws| {
        let key = jws.alg().and_then(|alg| PUBLIC.find(alg, jws.header().kid()));
        key.is_ok_and(|key| jws.verify(key, Profile::SET.algs).is_ok())
    });
    for profile in Profile::ALL {
        let verified = verify(text, &danger::unchecked(profile));
        assert!(signed || verified.is_err(), "nothing is verified without a signature");
        agree_with_explanation(text, &profile, signed, &verified);
        let addressed =
            verify(text, &Policy::new(profile, "https://tr.example.com", "https://rx.example.com"));
        if let Ok(set) = &addressed {
            assert_eq!(set.iss(), "https://tr.example.com");
            assert!(set.aud().contains(&"https://rx.example.com"));
            assert!(verified.is_ok(), "a policy only narrows");
        }
        let stored = danger::verified_before(text, &danger::unchecked(profile), NOW);
        if let Ok(set) = &verified {
            assert_eq!(set.claims(), stored.as_ref().expect("what was verified can be read again"));
            assert_eq!(set.claims().members(), &peeked.as_ref().expect("it can be shown").claims);
            look_at(set.claims());
        }
    }
}

fn verify(text: &str, policy: &Policy) -> Result<VerifiedSet, Error> {
    Set::parse(text)?.verify(&*PUBLIC, policy, NOW)
}

/// A verified token has no finding that refuses it, and a signed one that is refused has one, or is out of its time.
fn agree_with_explanation(
    text: &str,
    profile: &Profile,
    signed: bool,
    verified: &Result<VerifiedSet, Error>,
) {
    let Ok(explained) = explain::inspect(text, profile) else {
        return assert!(verified.is_err(), "what is verified can be explained");
    };
    match verified {
        Ok(set) => {
            assert!(!refused(&explained.findings), "verified, and yet {:?}", explained.findings);
            assert_eq!(&explained.claims, set.claims().members());
        }
        Err(error) if signed && !refused(&explained.findings) => {
            let by_clock = |id| OF_THE_CLOCK.contains(&id);
            let found = error.findings();
            assert!(found.iter().any(|finding| by_clock(finding.id)), "unexplained: {found:?}");
        }
        Err(error) => show(error),
    }
}

/// An error can be shown, says why, and has a registered code.
fn show(error: &Error) {
    assert!(!error.to_string().is_empty());
    assert!(!error.findings().is_empty(), "an error says why");
    assert!(ErrorCode::from_name(error.code().as_str()) == Some(error.code()));
}

/// Every accessor.
fn look_at(claims: &Claims) {
    let _ = (claims.iss(), claims.iat(), claims.jti(), claims.aud(), claims.txn(), claims.toe());
    let _ = claims.subject().map(|subject| (subject.to_string(), subject.canonical()));
    assert!(!claims.events().is_empty());
    for event in claims.events() {
        let payload = event.payload();
        let written = claims.members()["events"][event.uri()].as_object().expect("a payload is an object");
        assert_eq!(payload.len(), written.len(), "a typed event keeps every member: {payload:?}");
    }
}

/// A header of any content before a payload that is fine: only strict JSON with an `alg` of ours and the name of the
/// key, if any, verifies.
pub fn header(data: &[u8]) {
    let payload = base64url(&GOOD);
    let input = format!("{}.{payload}", base64url(data));
    let signature = ED25519.sign(input.as_bytes()).expect("the key signs");
    let token = format!("{input}.{}", base64url(&signature));
    let strict = json::parse_object(data);
    let jws = match Compact::parse(&token) {
        Ok(jws) => jws,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let members = strict.expect("a header is strict JSON");
    let header = jws.header();
    assert_eq!(header.members().to_map(), members);
    assert!(!members.contains_key("crit"), "no extension is understood");
    assert_eq!(members.get("alg").and_then(Value::as_str), Some(header.alg()));
    assert_eq!(members.get("kid").and_then(Value::as_str), header.kid());
    assert_eq!(members.get("typ").and_then(Value::as_str), header.typ());
    let ours = matches!(header.alg(), "EdDSA" | "Ed25519") && header.kid().is_none_or(|kid| kid == "ed");
    let verified = jws.alg().and_then(|alg| jws.verify(PUBLIC.find(alg, header.kid())?, Profile::SET.algs));
    assert_eq!(verified.is_ok(), ours, "{verified:?}");
    for profile in Profile::ALL {
        let mut check = Check::new(Role::Receiver);
        profile.check_typ(header.typ(), &mut check);
        let set = Set::parse(&token).expect("it was read above");
        let accepted = set.verify(&*PUBLIC, &danger::unchecked(profile), NOW).is_ok();
        assert!(!accepted || (ours && !refused(check.findings())));
    }
}

/// Judges claims under every profile; those that may be issued are accepted, unless they are out of their time.
pub fn claims(data: &[u8]) {
    let events = explain::judge_events(data);
    let members = json::parse_object(data);
    for profile in Profile::ALL {
        let envelope = explain::judge_claims(data, &profile);
        let Ok(members) = &members else {
            assert!(refused(&envelope) && refused(&events), "what is not strict JSON is refused");
            continue;
        };
        let Ok(issued) = Claims::to_issue(members.clone(), &profile) else { continue };
        assert!(!refused(&envelope) && !refused(&events), "an issuer is stricter: {envelope:?} {events:?}");
        look_at(&issued);
        go_round(&issued, profile);
    }
}

fn go_round(issued: &Claims, profile: Profile) {
    let signer: &dyn Signer = if profile.algs.contains(Alg::EdDsa) { &*ED25519 } else { &*RSA };
    let token = match issued.sign(profile, signer) {
        Ok(token) => token,
        Err(error) => return assert_eq!(error.findings()[0].id, "CHK-001", "{error}"),
    };
    match verify(&token, &danger::unchecked(profile)) {
        Ok(set) => assert_eq!(set.claims(), issued),
        Err(error) => {
            let broken = error.findings().iter().filter(|finding| finding.level >= Level::Lenient);
            for finding in broken {
                assert!(OF_THE_CLOCK.contains(&finding.id), "issued, and yet refused: {finding}");
            }
        }
    }
}
