//! Requests with secrets where they do not belong.

use serde_json::{Value, json};

use super::{running::Hub, said::Said};

/// Secrets where they do not belong.
pub(super) fn garbage(said: &mut Said, hub: &Hub, token: &str, admin: &str) {
    let (receiver, admin) =
        (format!("Authorization: Bearer {token}"), format!("Authorization: Bearer {admin}"));
    let (receiver, admin) = (receiver.as_str(), admin.as_str());
    for authorization in [
        "Basic canary",
        "Bearer canary canary",
        "Bearer canary,canary",
        "bearer\tcanary",
        "canary",
        "Bearer canary\u{80}",
        "Digest username=\"canary\"",
        "Bearer \"canary\"",
    ] {
        let header = format!("Authorization: {authorization}");
        for line in [
            "GET /v1/streams",
            "GET /ssf/streams",
            "POST /v1/events",
            "POST /receive/a-push",
            "POST /ssf/poll/x",
        ] {
            said.ask(hub, line, &[&header], "{}");
            said.ask(hub, line, &[&header, admin], "{}");
        }
    }
    for line in [
        "GET /v1/streams?access_token=canary",
        "GET /v1/received?after=canary",
        "GET /v1/received?after=1&after=canary",
        "GET /v1/events/canary",
        "GET /v1/streams/canary",
        "GET /v1/streams/%FFcanary",
        "GET /v1/streams/x/dead-letters?after=canary",
        "GET /ssf/streams?stream_id=canary",
        "GET /ssf/streams?stream_id=a&stream_id=canary",
        "DELETE /ssf/streams?stream_id=canary",
        "POST /ssf/poll/canary",
        "POST /ssf/poll/%FFcanary",
        "POST /receive/canary",
        "GET /canary?canary=canary",
        "CANARY /v1/streams",
        "GET canary",
        "GET http://user:canary@hub/v1/streams",
    ] {
        for who in [receiver, admin, "X-Api-Key: canary"] {
            said.ask(hub, line, &[who, "Cookie: session=canary"], "");
        }
    }
    let field = |value: Value| {
        json!({"delivery": {"method": "urn:ietf:rfc:8935", "endpoint_url": "http://127.0.0.1:1/", "authorization_header": value}})
            .to_string()
    };
    for body in [
        "canary",
        "token=canary&client_secret=canary",
        r#"{"token":"canary"}"#,
        r#"{"token":"canary","#,
        r#"{"token":canary}"#,
        r#"["canary"]"#,
        &field(json!("canary\u{7}")),
        &field(json!(["canary"])),
        &field(json!({"canary": "canary"})),
        &field(json!(format!("canary{}", "x".repeat(9000)))),
        r#"{"delivery":{"method":"urn:ietf:rfc:8935","endpoint_url":"http://user:canary@127.0.0.1/"}}"#,
        r#"{"delivery":{"method":"urn:ietf:rfc:8935","endpoint_url":"http://127.0.0.1:1/","authorization_header":"canary","authorization_header":"canary"}}"#,
    ] {
        for (line, who) in [
            ("POST /ssf/streams", receiver),
            ("PATCH /ssf/streams", receiver),
            ("POST /ssf/status", receiver),
            ("POST /ssf/verify", receiver),
            ("POST /ssf/poll/x", receiver),
            ("POST /v1/events", admin),
            ("POST /receive/a-push", "Content-Type: application/secevent+jwt"),
        ] {
            said.ask(hub, line, &[who], body);
        }
    }
    for key in ["canary\u{7}", "", &"canary".repeat(200)] {
        said.ask(hub, "POST /v1/events", &[admin, &format!("Idempotency-Key: {key}")], "{}");
    }
}
