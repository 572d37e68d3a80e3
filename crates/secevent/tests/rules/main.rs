//! The rules of a SET, one file for each part of it, shown from both sides: what is not issued, what is not accepted.

#![expect(clippy::unwrap_used, reason = "the helpers are tests too")]

mod envelope;
mod events;
mod exchange;
mod logout;
#[cfg(feature = "jwe")]
mod nested;
mod subjects;
mod unsigned;

use std::sync::LazyLock;

use secevent::{
    Alg, Claims, Error, Fault, Finding, Level, Policy, Profile, Set, SigningKey, Timestamp, VerifiedSet,
};
use serde_json::{Value, json};

const ISS: &str = "https://tr.example.com";
const AUD: &str = "https://rx.example.com";
const NOW: Timestamp = Timestamp(1_767_225_660);

/// The only algorithm that every profile takes.
static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(Alg::Rs256).unwrap().with_kid("k"));

/// A SET without fault, of this profile.
fn base(profile: &Profile) -> Value {
    let mut claims = json!({
        "iss": ISS, "iat": 1_767_225_600, "jti": "1", "aud": AUD, "txn": "t",
        "sub_id": { "format": "email", "email": "alice@example.com" },
        "events": { "https://schemas.openid.net/secevent/caep/event-type/session-revoked": {
            "reason_admin": { "en": "risk" }
        } }
    });
    match profile.name {
        "logout" | "logout-2022" => {
            claims["sub"] = json!("alice");
            claims["exp"] = json!(1_767_225_700);
            claims["events"] = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
            claims.as_object_mut().unwrap().remove("sub_id");
        }
        "scim" => {
            claims["sub_id"] = json!({ "format": "scim", "uri": "/Users/1" });
            claims["events"] = json!({ "urn:ietf:params:scim:event:feed:add": {} });
        }
        _ => {}
    }
    claims
}

/// The faultless SET with the value at this JSON Pointer replaced, or removed when there is none.
fn edited(profile: &Profile, at: &str, value: Option<Value>) -> Value {
    let mut claims = base(profile);
    let (parent, name) = at.rsplit_once('/').unwrap();
    let parent = claims.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => parent.insert(name.to_owned(), value),
        None => parent.remove(name),
    };
    claims
}

fn issue(profile: &Profile, claims: &Value) -> Result<Claims, Error> {
    Claims::to_issue(claims.as_object().unwrap().clone(), profile)
}

/// Signs whatever it is given, as a careless issuer does.
fn signed(typ: &str, claims: &Value) -> String {
    secevent_jose::sign(Some(typ), claims.to_string().as_bytes(), &*KEY).unwrap()
}

fn verify_at(policy: &Policy, claims: &Value, now: Timestamp) -> Result<VerifiedSet, Error> {
    let token = signed(policy.profile().typ_to_issue(), claims);
    Set::parse(&token)?.verify(KEY.verifying_key(), policy, now)
}

fn verify(profile: &Profile, claims: &Value) -> Result<VerifiedSet, Error> {
    verify_at(&Policy::new(*profile, ISS, AUD), claims, NOW)
}

fn errors(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().filter(|finding| finding.level > Level::Warning).map(|finding| finding.id).collect()
}

/// The requirement of this id is held against the claims on issue and on verification.
fn refused_by_both(profile: &Profile, claims: &Value, id: &str) {
    let issued = issue(profile, claims).expect_err(&format!("issued without {id}: {claims}"));
    assert!(errors(issued.findings()).contains(&id), "{id} on issue: {issued:?}");
    assert_eq!(issued.fault(), Fault::Caller);
    let verified = verify(profile, claims).expect_err(&format!("verified without {id}: {claims}"));
    assert!(errors(verified.findings()).contains(&id), "{id} on verify: {verified:?}");
    assert_eq!(verified.fault(), Fault::Peer);
}

/// An issuer must not send it; a receiver takes it, and is told.
fn refused_by_issuer(profile: &Profile, claims: &Value, id: &str) {
    let issued = issue(profile, claims).expect_err(&format!("issued without {id}: {claims}"));
    assert!(errors(issued.findings()).contains(&id), "{id} on issue: {issued:?}");
    let verified = verify(profile, claims).unwrap();
    assert!(verified.warnings().iter().any(|finding| finding.id == id), "{id} on verify: {verified:?}");
}
