//! The receiver role: which SETs it takes.

use secevent::{Alg, SigningKey};
use serde_json::{Value, json};
use testkit::fake_transmitter::FakeTransmitter;

use crate::{
    events::payloads,
    home::Home,
    receiving::{deliver, received, receiving},
    stage::{subjects, uri},
};

// spec: CIOP-018, CIOP-023, CIOP-025, CIOP-026, CIOP-041, CIOP-043, CIOP-044, CIOP-047, SSFC-009
#[tokio::test(flavor = "multi_thread")]
async fn every_use_case_is_taken_with_every_value_and_about_every_subject() {
    let [email, iss_sub, opaque] = subjects();
    let complex = json!({"format": "complex", "user": iss_sub, "device": opaque});
    for push in [false, true] {
        let (idp, home) = (FakeTransmitter::start().await, Home::new());
        idp.script(|script| script.keys = vec![SigningKey::generate(Alg::Rs256).unwrap()]);
        let hub = receiving(&home, &idp, |settings| settings.push = push).await;
        let mut expected = Vec::new();
        for (n, (name, payload)) in payloads().into_iter().enumerate() {
            let jti = format!("signal-{n}");
            let subject = [&email, &iss_sub, &opaque, &complex][n % 4];
            let set = idp.set(&jti).event(&uri(name), payload).claim("sub_id", subject.clone());
            assert_eq!(deliver(&idp, push, &jti, set.sign()).await, None, "{name} about {subject}");
            expected.push(jti);
        }
        assert_eq!(received(&hub).await, expected);
        let unheard = idp.set("bad").event(&uri("credential-change"), json!({"change_type": "renamed"}));
        assert_eq!(deliver(&idp, push, "bad", unheard.sign()).await.as_deref(), Some("invalid_request"));
        hub.stop().await;
    }
}

// spec: SSFC-009, CIOP-018, CIOP-028
#[tokio::test(flavor = "multi_thread")]
async fn what_is_polled_is_trusted_no_more_than_what_is_pushed() {
    let (idp, home) = (FakeTransmitter::start().await, Home::new());
    let hub = receiving(&home, &idp, |_| {}).await;
    let set = || idp.set("bad");
    let twice = set().text().replacen('{', "{\"jti\":\"good\",", 1);
    let later = 4_102_444_800_u64;
    let stream =
        idp.script(|script| script.stream.as_ref().unwrap()["stream_id"].as_str().unwrap().to_owned());
    let large = set().claim("padding", "x".repeat(70_000));
    let cases = [
        ("invalid_issuer", set().claim("iss", "https://other.example").sign()),
        ("invalid_audience", set().claim("aud", "https://other.example").sign()),
        ("invalid_audience", set().claim("aud", json!([])).sign()),
        ("invalid_key", set().tampered()),
        ("invalid_key", set().signed_by_a_stranger()),
        ("invalid_key", set().signed_with_the_public_key()),
        ("invalid_key", set().unsigned()),
        ("invalid_request", set().sign_text(&twice)),
        ("invalid_request", set().header("typ", "JWT").sign()),
        ("invalid_request", set().claim("exp", later).sign()),
        ("invalid_request", set().claim("sub", "alice").sign()),
        ("invalid_request", set().claim("iat", later).sign()),
        ("invalid_request", set().claim("sub_id", Value::Null).sign()),
        ("invalid_request", set().claim("events", json!({})).sign()),
        ("invalid_state", set().verification(&stream, Some("never asked for")).sign()),
        ("invalid_request", set().verification("another-stream", None).sign()),
        ("invalid_request", large.sign()),
        ("invalid_request", "no token".to_owned()),
    ];
    for (code, token) in cases {
        let about = token.chars().take(300).collect::<String>();
        assert_eq!(deliver(&idp, false, "bad", token).await.as_deref(), Some(code), "{about}");
    }
    let good = idp.set("good").sign();
    for _ in 0..2 {
        assert_eq!(deliver(&idp, false, "good", good.clone()).await, None);
        assert_eq!(idp.script(|script| script.acked.clone()), ["good"], "a repeat is acknowledged too");
    }
    assert_eq!(received(&hub).await, ["good"]);
    hub.stop().await;
}
