//! A stream at a transmitter over its life: made, adopted, changed, verified, silent, gone.

use std::time::Duration;

use secevent::EventType;
use serde_json::{Value, json};
use testkit::fake_transmitter::{FakeTransmitter, Verification};

use crate::{
    home::{Home, eventually},
    misbehaving::{AUD, received, receiving, status, transmitter},
};

// spec: SSF-186, SSF-187, SSF-190, SSF-191
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_verified_also_when_the_event_waits_behind_others() {
    let (idp, home) = (FakeTransmitter::start().await, Home::new());
    for n in 0..120 {
        idp.queue(&n.to_string(), idp.set(&n.to_string()).claim("aud", AUD).sign());
    }
    let hub = receiving(&home, &idp, |_| {}).await;
    eventually("verified", async || !status(&hub).await["last_verified"].is_null()).await;
    assert_eq!(received(&hub).await.len(), 100, "a page of the list");
    let asked = idp.calls("verification");
    assert!(asked[0].body["state"].as_str().is_some_and(|state| state.len() >= 32), "{asked:?}");
    assert_eq!(status(&hub).await["last_error"], Value::Null);
    hub.stop().await;
}

// spec: SSF-187, SSF-188, SSF-189
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_state_is_refused_and_none_at_all_is_fine() {
    for push in [true, false] {
        let (idp, home) = (FakeTransmitter::start().await, Home::new());
        idp.script(|script| script.verification = Verification::Wrong);
        let hub = receiving(&home, &idp, |settings| settings.push = push).await;
        let pushed = || idp.script(|script| script.pushed.first().cloned());
        let reported = || idp.script(|script| script.refused.values().next().cloned());
        eventually("an answer", async || pushed().is_some() || reported().is_some()).await;
        if push {
            assert_eq!(pushed().unwrap().status, 400);
        }
        let error = pushed().map(|answer| answer.body).or_else(reported).unwrap();
        assert_eq!(error["err"], "invalid_state");
        assert!(status(&hub).await["last_verified"].is_null());
        hub.stop().await;
    }
    let (idp, home) = (FakeTransmitter::start().await, Home::new());
    let hub = receiving(&home, &idp, |settings| settings.push = true).await;
    let stream = status(&hub).await["stream_id"].as_str().unwrap().to_owned();
    let unasked = idp.set("unasked").verification(&stream, None).sign();
    assert_eq!(idp.push(unasked).await.status, 202);
    let unexpected = idp.set("unexpected").verification(&stream, Some("no request of ours")).sign();
    assert_eq!(idp.push(unexpected).await.body["err"], "invalid_state");
    let elsewhere = idp.set("elsewhere").verification("another-stream", None).sign();
    assert_eq!(idp.push(elsewhere).await.body["err"], "invalid_request");
    hub.stop().await;
}

// spec: SSF-187, PUSH-037
#[tokio::test(flavor = "multi_thread")]
async fn a_verification_event_that_comes_late_or_twice_is_still_ours_after_a_restart() {
    let (idp, home) = (FakeTransmitter::start().await, Home::new());
    idp.script(|script| script.verification = Verification::Silent);
    let hub = receiving(&home, &idp, |settings| settings.push = true).await;
    eventually("asked", async || idp.count("verification") > 0).await;
    let state = idp.calls("verification")[0].body["state"].as_str().unwrap().to_owned();
    hub.stop().await;
    let hub = receiving(&home, &idp, |settings| settings.push = true).await;
    let stream = status(&hub).await["stream_id"].as_str().unwrap().to_owned();
    let late = idp.set("late").verification(&stream, Some(&state)).sign();
    for _ in 0..2 {
        assert_eq!(idp.push(late.clone()).await.status, 202);
    }
    assert_eq!(idp.count("POST streams"), 1);
    hub.stop().await;
}

// spec: SSF-086, SSF-191
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_stream_is_verified_and_asked_less_often_while_nothing_comes() {
    let (idp, home) = (FakeTransmitter::start().await, Home::new());
    let hub = receiving(&home, &idp, |settings| settings.watch.silence = Duration::from_millis(300)).await;
    eventually("verified again and again", async || idp.count("verification") >= 3).await;
    idp.script(|script| script.verification = Verification::Silent);
    eventually("the operator sees it", async || !status(&hub).await["last_error"].is_null()).await;
    let before = idp.count("verification");
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let asked = idp.count("verification") - before;
    assert!(asked <= 2, "{asked} requests, pauses grow");
    idp.script(|script| script.verification = Verification::Echo);
    eventually("well again", async || status(&hub).await["last_error"].is_null()).await;
    assert_eq!(idp.count("POST streams"), 1);
    hub.stop().await;
}

// spec: SSF-086, SSF-087, SSF-090
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_kept_alive_and_not_asked_more_often_than_it_may_be() {
    let (idp, home) = (FakeTransmitter::start().await, Home::new());
    idp.script(|script| script.config.insert("inactivity_timeout".into(), 2.into()));
    let hub = receiving(&home, &idp, |_| {}).await;
    eventually("asked again within half the time", async || idp.count("verification") >= 2).await;
    hub.stop().await;

    let (idp, home) = (FakeTransmitter::start().await, Home::new());
    idp.script(|script| {
        script.config.insert("min_verification_interval".into(), u64::MAX.into());
        script.config.insert("inactivity_timeout".into(), u64::MAX.into());
    });
    let hub = receiving(&home, &idp, |settings| settings.watch.silence = Duration::from_millis(50)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(idp.count("verification"), 1);
    assert_eq!(status(&hub).await["subscribed"], true);
    idp.queue("after", idp.set("after").sign());
    eventually("it receives", async || received(&hub).await == ["after"]).await;
    hub.stop().await;
}

// spec: SSF-204
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_deleted_is_made_anew() {
    for push in [false, true] {
        let (idp, home) = (FakeTransmitter::start().await, Home::new());
        let watch = |settings: &mut secevent_hub::receiver::TransmitterSettings| {
            settings.push = push;
            settings.watch.silence = Duration::from_millis(300);
        };
        let hub = receiving(&home, &idp, watch).await;
        let first = status(&hub).await["stream_id"].clone();
        idp.script(|script| script.stream = None);
        eventually("another stream", async || {
            let status = status(&hub).await;
            status["subscribed"] == true && status["stream_id"] != first
        })
        .await;
        if push {
            assert_eq!(idp.push(idp.set("after").sign()).await.status, 202);
        } else {
            idp.queue("after", idp.set("after").sign());
        }
        eventually("it receives", async || received(&hub).await == ["after"]).await;
        hub.stop().await;
    }
}

// spec: SSF-197, SSF-198, SSF-202, SSF-204
#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_the_transmitter_tells_is_known_and_a_repeat_does_not_bring_it_back() {
    let (idp, home) = (FakeTransmitter::start().await, Home::new());
    let hub = receiving(&home, &idp, |settings| settings.push = true).await;
    let stream = status(&hub).await["stream_id"].as_str().unwrap().to_owned();
    let disabled = idp.set("u1").stream_updated(&stream, "disabled").sign();
    assert_eq!(idp.push(disabled.clone()).await.status, 202);
    let now = status(&hub).await;
    assert_eq!((&now["stream_status"], &now["reason"]), (&json!("disabled"), &json!("by script")));
    assert_eq!(idp.push(idp.set("u2").stream_updated(&stream, "enabled").sign()).await.status, 202);
    assert_eq!(idp.push(disabled).await.status, 202);
    assert_eq!(status(&hub).await["stream_status"], "enabled");
    hub.stop().await;
}

// spec: SSF-101, SSF-108, SSF-114, SSF-120, SSF-124
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_there_is_changed_to_what_is_wanted() {
    let (idp, home) = (FakeTransmitter::start().await, Home::new());
    let events =
        |names: &[&str]| Some(names.iter().map(|name| EventType::from_name(name).unwrap()).collect());
    let hub = receiving(&home, &idp, |s| s.events = events(&["caep:session-revoked"])).await;
    hub.stop().await;
    let hub = receiving(&home, &idp, |s| s.events = events(&["caep:session-revoked"])).await;
    assert_eq!(idp.count("PATCH streams"), 0, "it fits");
    hub.stop().await;
    let hub = receiving(&home, &idp, |s| s.events = events(&["caep:credential-change"])).await;
    let patched = &idp.calls("PATCH streams")[0].body;
    assert_eq!(patched["events_requested"].as_array().unwrap().len(), 1);
    assert!(patched.get("delivery").is_none() && patched.get("aud").is_none(), "{patched}");
    hub.stop().await;

    // The one stream that the transmitter grants is polled; from now on it is to be pushed.
    idp.script(|script| script.one_stream = true);
    let hub = receiving(&home, &idp, |settings| settings.push = true).await;
    let config = idp.script(|script| script.stream.clone()).unwrap();
    assert_eq!(config["delivery"]["endpoint_url"], format!("{}/receive/idp", home.url()));
    assert_eq!(idp.push(idp.set("pushed").sign()).await.status, 202);
    hub.stop().await;

    // Another credential is there than ours.
    idp.script(|script| {
        script.stream.as_mut().unwrap()["delivery"]["authorization_header"] = "Bearer old".into();
    });
    let hub = receiving(&home, &idp, |settings| settings.push = true).await;
    assert_eq!(idp.push(idp.set("again").sign()).await.status, 202);
    assert_eq!(idp.count("POST streams"), 2, "one was made, one refused");
    hub.stop().await;
}

// spec: SSF-081, SSF-082, SSF-211, SSF-212
#[tokio::test(flavor = "multi_thread")]
async fn what_a_transmitter_will_not_deliver_is_shown_and_what_it_sends_beyond_that_is_no_error() {
    let (idp, home) = (FakeTransmitter::start().await, Home::new());
    idp.script(|script| script.config.insert("events_delivered".into(), json!([])));
    let hub = receiving(&home, &idp, |settings| {
        settings.push = true;
        settings.events = Some(vec![EventType::from_name("caep:session-revoked").unwrap()]);
    })
    .await;
    assert_eq!(status(&hub).await["not_delivered"], json!(["caep:session-revoked"]));
    let removed = idp.set("removed").claim("sub_id", json!({"format": "email", "email": "left@example.com"}));
    assert_eq!(idp.push(removed.sign()).await.status, 202);
    hub.stop().await;
}

// spec: SSF-098
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_for_somebody_else_is_neither_adopted_nor_changed() {
    let (idp, home) = (FakeTransmitter::start().await, Home::new());
    let hub = receiving(&home, &idp, |_| {}).await;
    hub.stop().await;
    idp.script(|script| script.stream.as_mut().unwrap()["aud"] = "https://other.example".into());
    let hub = receiving(&home, &idp, |_| {}).await;
    assert_eq!((idp.count("POST streams"), idp.count("PATCH streams")), (2, 0));
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_expires_ends_nothing_for_good_and_a_slow_transmitter_is_waited_for() {
    let (idp, home) = (FakeTransmitter::start().await, Home::new());
    idp.script(|script| script.delay = Duration::from_millis(100));
    let hub = receiving(&home, &idp, |_| {}).await;
    idp.script(|script| script.token = Some("another".into()));
    eventually("it is said", async || {
        let status = status(&hub).await;
        status["subscribed"] == false && status["last_error"].as_str().is_some_and(|why| why.contains("401"))
    })
    .await;
    idp.script(|script| script.token = None);
    idp.queue("after", idp.set("after").sign());
    eventually("it goes on", async || received(&hub).await == ["after"]).await;
    let shown = transmitter(&hub).await;
    assert_eq!((&shown["id"], &shown["issuer"]), (&json!("idp"), &json!(idp.url)));
    hub.stop().await;
}
