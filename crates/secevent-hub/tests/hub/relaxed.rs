//! What one transmitter is forgiven, and how that is seen.

use secevent_hub::receiver::{Relaxed, Tolerance};
use serde_json::{Value, json};
use testkit::fake_transmitter::FakeTransmitter;

use crate::{
    home::Home,
    misbehaving::{received, receiving, transmitter},
};

const URI: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";

// spec: SSF-030, SUB-042, BCP-023
#[tokio::test(flavor = "multi_thread")]
async fn each_relaxed_rule_that_is_used_is_counted() {
    let (idp, home) = (FakeTransmitter::start().await, Home::new());
    idp.script(|script| script.legacy_delivery = true);
    let hub = receiving(&home, &idp, |settings| {
        settings.push = true;
        settings.tolerance = Tolerance::LENIENT;
    })
    .await;
    let alice = json!({"subject": {"format": "email", "email": "alice@example.com"}});
    let inside = idp.set("inside").claim("sub_id", Value::Null).event(URI, alice);
    let sets = [
        idp.set("untyped").header("typ", Value::Null),
        idp.set("jwt").header("typ", "JWT"),
        inside.clone(),
        inside.claim("jti", "both").header("typ", Value::Null),
        idp.set("proper"),
    ];
    for set in sets {
        let answer = idp.push(set.sign()).await;
        assert_eq!(answer.status, 202, "{answer:?}");
    }
    assert_eq!(idp.push_as("application/jwt", idp.set("media").sign()).await.status, 202);
    assert_eq!(received(&hub).await, ["untyped", "jwt", "inside", "both", "proper", "media"]);
    let relaxed = transmitter(&hub).await["relaxed"].clone();
    assert!(relaxed["legacy-delivery"].as_u64() >= Some(1), "{relaxed}");
    for (rule, times) in [("missing-typ", 2), ("typ-jwt", 1), ("subject-in-event", 2), ("media-type", 1)] {
        assert_eq!(relaxed[rule], times, "{rule} in {relaxed}");
    }
    // What no rule relaxes is refused as ever.
    assert_eq!(idp.push(idp.set("x").header("typ", "at+jwt").sign()).await.status, 400);
    assert_eq!(idp.push(idp.set("x").claim("sub_id", Value::Null).sign()).await.status, 400);
    assert_eq!(idp.push(idp.set("x").header("typ", Value::Null).tampered()).await.body["err"], "invalid_key");
    assert_eq!(idp.push_as("text/plain", idp.set("x").sign()).await.status, 415);
    hub.stop().await;
}

// spec: SSF-001, SSF-004, SSF-030
#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_is_not_named_is_kept() {
    let (idp, home) = (FakeTransmitter::start().await, Home::new());
    let hub = receiving(&home, &idp, |settings| {
        settings.push = true;
        settings.tolerance = Tolerance::STRICT.with(Relaxed::MissingTyp);
    })
    .await;
    let untyped = idp.set("untyped").header("typ", Value::Null);
    assert_eq!(idp.push(untyped.sign()).await.status, 202);
    let more = [
        idp.set("x").header("typ", "JWT"),
        untyped.claim("sub_id", Value::Null).event(URI, json!({"subject": {"format": "opaque", "id": "1"}})),
    ];
    for set in more {
        assert_eq!(idp.push(set.sign()).await.body["err"], "invalid_request");
    }
    assert_eq!(idp.push_as("application/jwt", idp.set("x").sign()).await.status, 415);
    assert_eq!(transmitter(&hub).await["relaxed"], json!({"missing-typ": 1}));
    hub.stop().await;
}
