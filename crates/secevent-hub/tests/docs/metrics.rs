//! `docs/metrics.md`, the dashboard and the alerts in `deploy/` speak of what a hub measures, and of nothing else.

use std::{collections::BTreeSet, sync::Arc};

use axum::{Router, body::Body, http::Request};
use http_body_util::BodyExt;
use secevent_hub::{Hub, ReceiverSettings, Settings, receiver::TransmitterSettings, store::SqliteStore};
use secevent_ssf::engine::Millis;
use serde_json::Value;
use tower::ServiceExt;

use crate::exposition::Exposition;

const PAGE: &str = include_str!("../../../../docs/metrics.md");
const DASHBOARD: &str = include_str!("../../../../deploy/grafana/secevent.json");
const ALERTS: &str = include_str!("../../../../deploy/alerts.yml");

/// What a hub says that has all there is to measure: a store on disk, a stream, a transmitter.
async fn exposed() -> Exposition {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("hub.db"), secevent_hub::fresh_origin).unwrap();
    let mut settings = Settings::new("https://hub.example.com", Arc::new(|| Millis(1_795_485_600_000)));
    settings.receivers =
        vec![ReceiverSettings::new("acme", "acme-token", vec!["https://acme.example.com".into()])];
    let hub = Hub::start(settings, Arc::new(store)).await.unwrap();
    // Nobody answers there.
    let idp =
        TransmitterSettings::new("idp", "https://127.0.0.1:59999", vec!["https://a.example.com".into()]);
    let receiving = hub.receive_from(vec![idp]);
    let router = Router::new().merge(hub.transmitter_router()).merge(receiving).merge(hub.admin_router());
    let send = async |method: &str, path: &str, body: &'static str| {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("authorization", "Bearer acme-token").body(Body::from(body)).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        assert!(response.status().is_success(), "{path}: {}", response.status());
        response.into_body().collect().await.unwrap().to_bytes()
    };
    send("POST", "/ssf/streams", "{}").await;
    let text = send("GET", "/metrics", "").await;
    hub.stop().await;
    Exposition::parse(std::str::from_utf8(&text).unwrap())
}

/// Everything in a text that begins like a metric of ours.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("secevent_") && *word != "secevent_hub").collect()
}

#[tokio::test]
async fn every_metric_is_on_the_page_and_none_else() {
    let exposed = exposed().await;
    let families: BTreeSet<_> = exposed.families().collect();
    assert!(families.len() > 20, "{families:?}");
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let described: BTreeSet<_> = rows.map(|(name, _)| name.to_owned()).collect();
    assert_eq!(described, families);
    assert_eq!(named(PAGE).into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), families);
}

#[tokio::test]
async fn the_dashboard_and_the_alerts_ask_for_what_there_is() {
    let exposed = exposed().await;
    let samples: BTreeSet<_> = exposed.names().collect();
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut asked = BTreeSet::new();
    for panel in panels {
        let targets = panel["targets"].as_array().unwrap();
        for expression in targets.iter().map(|target| target["expr"].as_str().unwrap()) {
            let names = named(expression);
            assert!(!names.is_empty(), "{}: {expression}", panel["title"]);
            asked.extend(names);
        }
    }
    assert_eq!(asked.difference(&samples).collect::<Vec<_>>(), Vec::<&&str>::new(), "the dashboard");
    // What nobody looks at need not be measured; where the log ends is for calculations of one's own.
    let family = |name: &str| {
        ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|part| name.strip_suffix(part))
            .unwrap_or(name)
            .to_owned()
    };
    let seen: BTreeSet<_> = asked.iter().map(|name| family(name)).collect();
    let unseen: Vec<_> = exposed.families().filter(|name| !seen.contains(name)).collect();
    assert_eq!(unseen, ["secevent_log_head"]);

    let alerts = named(ALERTS);
    assert!(alerts.len() > 5, "{alerts:?}");
    assert_eq!(alerts.difference(&samples).collect::<Vec<_>>(), Vec::<&&str>::new(), "the alerts");
    let rules = ALERTS.split("- alert: ").skip(1);
    for rule in rules {
        let lines: Vec<_> = rule.lines().map(str::trim).collect();
        for key in ["expr: ", "labels: {severity: ", "summary: \""] {
            assert_eq!(lines.iter().filter(|line| line.starts_with(key)).count(), 1, "{key} of {rule}");
        }
    }
}
