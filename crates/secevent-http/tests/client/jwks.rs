//! Keys are fetched when needed and not more often.

use std::{sync::Arc, time::Duration};

use secevent::{Alg, JwkSet, Set, SigningKey};
use secevent_http::client::{Client, ClientError, Egress, JwksCache};
use tokio::time;

use super::peer::{Peer, answer};

const MINUTES: u64 = 60;
const HOURS: u64 = 60 * MINUTES;

fn key(kid: &str) -> SigningKey {
    SigningKey::generate(Alg::Es256).unwrap().with_kid(kid)
}

fn token(key: &SigningKey) -> String {
    secevent_jose::sign(Some("secevent+jwt"), b"{}", key).unwrap()
}

fn published(keys: &[&SigningKey]) -> String {
    JwkSet::new(keys.iter().map(|key| key.verifying_key().clone()).collect()).to_json()
}

async fn cache(keys: &[&SigningKey], headers: &str) -> (Peer, JwksCache) {
    let peer = Peer::answering(answer(200, headers, &published(keys))).await;
    let cache = JwksCache::new(Client::new(Egress::loopback()), peer.url("/jwks.json"));
    (peer, cache)
}

/// The clock runs, except while it is moved: a stopped one would run into the deadlines of real sockets.
async fn pass(secs: u64) {
    time::pause();
    time::advance(Duration::from_secs(secs)).await;
    time::resume();
}

#[tokio::test]
async fn a_thousand_first_tokens_cause_one_fetch() {
    let key = key("1");
    let (peer, cache) = cache(&[&key], "").await;
    let (cache, token) = (Arc::new(cache), Arc::new(token(&key)));
    let tasks: Vec<_> = (0..1000)
        .map(|_| {
            let (cache, token) = (Arc::clone(&cache), Arc::clone(&token));
            tokio::spawn(
                async move { cache.keys_for(&Set::parse(&token).unwrap()).await.unwrap().keys().len() },
            )
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), 1);
    }
    assert_eq!(peer.requests().len(), 1);
}

// spec: SSF-060
#[tokio::test]
async fn a_set_is_fresh_for_its_max_age_within_bounds() {
    let key = key("1");
    for (headers, fresh, stale) in [
        ("", 4 * MINUTES, 2 * MINUTES),
        ("cache-control: max-age=1\r\n", 4 * MINUTES, 2 * MINUTES),
        ("cache-control: public, Max-Age=\"3600\"\r\n", 59 * MINUTES, 2 * MINUTES),
        ("cache-control: max-age=99999999\r\n", 23 * HOURS, 2 * HOURS),
    ] {
        let (peer, cache) = cache(&[&key], headers).await;
        cache.get().await.unwrap();
        pass(fresh).await;
        cache.get().await.unwrap();
        assert_eq!(peer.requests().len(), 1, "{headers}");
        pass(stale).await;
        cache.get().await.unwrap();
        assert_eq!(peer.requests().len(), 2, "{headers}");
    }
}

#[tokio::test]
async fn a_new_key_is_found_at_once_and_a_withdrawn_one_is_gone() {
    let (old, new) = (key("old"), key("new"));
    let (peer, cache) = cache(&[&old], "cache-control: max-age=86400\r\n").await;
    assert_eq!(
        cache.keys_for(&Set::parse(&token(&old)).unwrap()).await.unwrap().keys()[0].kid(),
        Some("old")
    );
    peer.answer(answer(200, "", &published(&[&new])));
    let keys = cache.keys_for(&Set::parse(&token(&new)).unwrap()).await.unwrap();
    assert_eq!((keys.keys().len(), keys.keys()[0].kid()), (1, Some("new")));
    peer.answer(answer(500, "", ""));
    pass(10 * MINUTES).await;
    let keys = cache.keys_for(&Set::parse(&token(&old)).unwrap()).await.unwrap();
    assert_eq!((keys.keys().len(), keys.keys()[0].kid()), (1, Some("new")));
}

#[tokio::test]
async fn invented_key_ids_cause_one_fetch_in_thirty_seconds() {
    let (known, invented) = (key("1"), key("invented"));
    let (peer, cache) = cache(&[&known], "").await;
    let token = token(&invented);
    for _ in 0..1000 {
        cache.keys_for(&Set::parse(&token).unwrap()).await.unwrap();
    }
    assert_eq!(peer.requests().len(), 2);
    pass(31).await;
    cache.keys_for(&Set::parse(&token).unwrap()).await.unwrap();
    assert_eq!(peer.requests().len(), 3);
}

#[tokio::test]
async fn the_last_set_serves_for_a_day_beyond_its_freshness() {
    let key = key("1");
    let (peer, cache) = cache(&[&key], "").await;
    cache.get().await.unwrap();
    peer.answer(answer(503, "", ""));
    pass(24 * HOURS).await;
    assert_eq!(cache.get().await.unwrap().keys().len(), 1);
    assert_eq!(cache.get().await.unwrap().keys().len(), 1);
    assert_eq!(peer.requests().len(), 2, "a failure is not repeated at once");
    pass(6 * MINUTES).await;
    assert!(matches!(cache.get().await, Err(ClientError::Protocol { .. })));
    peer.answer(answer(200, "", &published(&[&key])));
    pass(3).await;
    assert_eq!(cache.get().await.unwrap().keys().len(), 1);
}

// spec: BCP-003, BCP-016
#[tokio::test]
async fn what_is_no_key_set_is_not_believed() {
    let peer = Peer::answering("").await;
    let long = format!(r#"{{"keys":[],"x":"{}"}}"#, "x".repeat(10_000_000));
    for (status, body) in
        [(200, "<html>hello</html>"), (200, "[]"), (200, long.as_str()), (404, r#"{"keys":[]}"#), (302, "")]
    {
        peer.answer(answer(status, "location: /other\r\n", body));
        let cache = JwksCache::new(Client::new(Egress::loopback()), peer.url("/"));
        assert!(cache.get().await.is_err(), "{status} {}", &body[..body.len().min(20)]);
    }
    let symmetric = r#"{"keys":[{"kty":"oct","k":"AAAA","kid":"1"},{"kty":"RSA","alg":"none"}]}"#;
    peer.answer(answer(200, "", symmetric));
    let cache = JwksCache::new(Client::new(Egress::loopback()), peer.url("/"));
    let keys = cache.get().await.unwrap();
    assert_eq!((keys.keys().len(), keys.skipped().len()), (0, 2));
}
