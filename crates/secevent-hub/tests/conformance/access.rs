//! Who is let in, and what those hear who are not.

use serde_json::{Value, json};
use testkit::fake_receiver::FakeReceiver;

use crate::stage::{Case, Stage, delete, of, subjects};

/// Every door, with what is said at it about a stream, and whether reading is enough; the last ends the stream.
fn doors(stream: &Value) -> Vec<(&'static str, String, Value, bool)> {
    let with = |name: &str, value: Value| {
        let mut said = of(stream);
        said[name] = value;
        said
    };
    let [email, ..] = subjects();
    let at = str::to_owned;
    let mut doors = vec![
        ("GET", at("configuration"), of(stream), true),
        ("GET", at("status"), of(stream), true),
        ("PATCH", at("configuration"), of(stream), false),
        ("PUT", at("configuration"), of(stream), false),
        ("POST", at("status"), with("status", "enabled".into()), false),
        ("POST", at("add_subject"), with("subject", email.clone()), false),
        ("POST", at("remove_subject"), with("subject", email), false),
        ("POST", at("verification"), of(stream), false),
        ("DELETE", at("configuration"), of(stream), false),
    ];
    if stream["delivery"]["method"] == crate::stage::POLL {
        let url = stream["delivery"]["endpoint_url"].as_str().unwrap().to_owned();
        doors.insert(0, ("POST", url, json!({"returnImmediately": true}), true));
    }
    doors
}

/// What RFC 6750 §3 has a challenge say.
#[track_caller]
fn challenged(answer: &testkit::fake_receiver::Answer, status: u16, error: Option<&str>) {
    assert_eq!(answer.status, status, "{answer:?}");
    let challenge = answer.header("www-authenticate");
    let says = error.map(|error| challenge.contains(&format!("error=\"{error}\"")));
    assert!(challenge.starts_with("Bearer "), "{challenge}");
    assert!(says.unwrap_or_else(|| !challenge.contains("error=")), "{challenge}");
    assert!(challenge.contains("resource_metadata=\"https://"), "{challenge}");
}

// spec: CIOP-029, CIOP-033, CIOP-034, CIOP-035, CIOP-036, SSFC-003
#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in_without_a_token_that_is_good() {
    let stage = Stage::start().await;
    for case in Case::all() {
        let (receiver, stream) = stage.subscribed(case).await;
        let token = receiver.bearer().await;
        let spoilt = format!("{token}x");
        for (method, endpoint, said, _) in doors(&stream) {
            let answer = receiver.call_with("nobody", method, &endpoint, said.clone()).await;
            challenged(&answer, 401, Some("invalid_token"));
            let answer = receiver.call_with(&spoilt, method, &endpoint, said.clone()).await;
            challenged(&answer, 401, Some("invalid_token"));
            let (url, id) = (receiver.url(&endpoint), stream["stream_id"].as_str().unwrap());
            let json = [("content-type", "application/json")];
            challenged(&receiver.send(method, &url, &json, said.to_string()).await, 401, None);
            let in_query = format!("{url}?stream_id={id}&access_token={token}");
            challenged(&receiver.send(method, &in_query, &json, said.to_string()).await, 401, None);
        }
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let url = receiver.url("configuration");
        let in_body = receiver.send("POST", &url, &form, format!("access_token={token}")).await;
        challenged(&in_body, 401, None);
        delete(&receiver, &stream).await;
    }
    stage.stop().await;
}

// spec: CIOP-035, CIOP-036, CIOP-037, CIOP-038, CIOP-039, CIOP-040
#[tokio::test(flavor = "multi_thread")]
async fn a_scope_that_is_too_small_is_told_apart_from_a_token_that_is_bad() {
    let stage = Stage::start().await;
    for case in Case::all().filter(|case| case.oauth) {
        let (receiver, stream) = stage.subscribed(case).await;
        let (read, manage) =
            (receiver.ask_for_token("ssf.read").await, receiver.ask_for_token("ssf.manage").await);
        let create = receiver.call_with(&read, "POST", "configuration", case.request(&receiver)).await;
        challenged(&create, 403, Some("insufficient_scope"));
        for (method, endpoint, said, reading) in doors(&stream) {
            let answer = receiver.call_with(&read, method, &endpoint, said.clone()).await;
            if reading {
                answer.expect(200);
            } else {
                challenged(&answer, 403, Some("insufficient_scope"));
                assert!(answer.header("www-authenticate").contains("scope=\"ssf.manage\""), "{answer:?}");
            }
            let answer = receiver.call_with(&manage, method, &endpoint, said).await;
            assert!([200, 204].contains(&answer.status), "{method} {endpoint}: {answer:?}");
        }
    }
    stage.stop().await;
}

/// What a receiver hears of a stream at every door.
async fn heard(receiver: &FakeReceiver, stream: &Value) -> Vec<(u16, Value)> {
    let mut heard = Vec::new();
    for (method, endpoint, said, _) in doors(stream) {
        let answer = receiver.call(method, &endpoint, said).await;
        heard.push((answer.status, answer.json()));
    }
    heard
}

// spec: CIOP-035, SSFC-003
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_somebody_else_is_as_unknown_as_one_that_never_was() {
    let stage = Stage::start().await;
    for case in Case::all() {
        let (owner, stream) = stage.subscribed(case).await;
        let stranger = stage.receiver(Case { interop: !case.interop, ..case }).await;
        let id = stream["stream_id"].as_str().unwrap();
        let never = id.chars().rev().collect::<String>();
        let unknown = serde_json::from_str(&stream.to_string().replace(id, &never)).unwrap();
        let (foreign, unknown) = (heard(&stranger, &stream).await, heard(&stranger, &unknown).await);
        assert_eq!(foreign, unknown, "{case:?}");
        assert!(foreign.iter().all(|(status, _)| *status == 404), "{foreign:?}");
        assert_eq!(owner.call("GET", "configuration", of(&stream)).await.expect(200).json(), stream);
        delete(&owner, &stream).await;
    }
    stage.stop().await;
}

// spec: CIOP-013, SSFC-003
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_400_at_every_door() {
    let stage = Stage::start().await;
    for case in Case::all() {
        let (receiver, stream) = stage.subscribed(case).await;
        let bearer = format!("Bearer {}", receiver.bearer().await);
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let doors = doors(&stream);
        let bodies = doors.iter().filter(|(method, ..)| !["GET", "DELETE"].contains(method));
        for (method, endpoint, ..) in bodies {
            for body in [
                "{",
                "",
                "[]",
                "null",
                "{\"stream_id\": 1, \"ack\": 1}",
                "{\"stream_id\":\"a\",\"stream_id\":\"a\"}",
            ] {
                let answer = receiver.send(method, &receiver.url(endpoint), &headers, body).await;
                assert_eq!(answer.status, 400, "{method} {endpoint} {body}: {answer:?}");
            }
        }
        for broken in
            ["{", "[]", "null", "{\"delivery\": 1}", "{\"delivery\":{\"method\":\"urn:ietf:rfc:1149\"}}"]
        {
            let url = receiver.url("configuration");
            receiver.send("POST", &url, &headers, broken).await.expect(400);
        }
        delete(&receiver, &stream).await;
    }
    stage.stop().await;
}
