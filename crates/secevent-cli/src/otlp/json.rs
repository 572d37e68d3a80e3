//! Spans as a collector reads them: `ExportTraceServiceRequest` of OTLP 1.x in its JSON form.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::{Ended, Value};

/// One request with these spans.
pub(super) fn request(spans: &[Ended]) -> Json {
    let service =
        [attribute("service.name", "secevent"), attribute("service.version", env!("CARGO_PKG_VERSION"))];
    json!({"resourceSpans": [{
        "resource": {"attributes": service},
        "scopeSpans": [{
            "scope": {"name": "secevent_hub", "version": env!("CARGO_PKG_VERSION")},
            "spans": spans.iter().map(span).collect::<Vec<_>>(),
        }],
    }]})
}

fn span(span: &Ended) -> Json {
    let mut json = json!({
        "traceId": hex(&span.trace), "spanId": hex(&span.id), "name": span.name, "kind": kind(span.name),
        // Numbers of 64 bits are text in the JSON of protocol buffers.
        "startTimeUnixNano": span.began.to_string(), "endTimeUnixNano": span.until.to_string(),
        "attributes": span.fields.iter().map(field).collect::<Vec<_>>(),
    });
    if let Some(parent) = span.parent {
        json["parentSpanId"] = hex(&parent).into();
    }
    json
}

/// `SPAN_KIND_SERVER` where somebody asked us, `SPAN_KIND_CLIENT` where we ask, `SPAN_KIND_INTERNAL` else.
fn kind(name: &str) -> u8 {
    match name {
        "accept" | "poll" => 2,
        "deliver" => 3,
        _ => 1,
    }
}

fn field((name, value): &(&str, Value)) -> Json {
    let value = match value {
        Value::Text(text) => json!({"stringValue": text}),
        Value::Number(number) => json!({"intValue": number.to_string()}),
        Value::Truth(truth) => json!({"boolValue": truth}),
    };
    json!({"key": format!("secevent.{name}"), "value": value})
}

fn attribute(key: &str, value: &str) -> Json {
    json!({"key": key, "value": {"stringValue": value}})
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        _ = write!(text, "{byte:02x}");
        text
    })
}
