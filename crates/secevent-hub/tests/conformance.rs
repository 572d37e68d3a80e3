//! The hub as the OpenID Foundation's conformance suite sees it: from outside, over TLS, by peers that share no code
//! with it. As a transmitter it is driven by `testkit::fake_receiver` in every combination of delivery, credential and
//! profile; as a receiver it is given what only a hostile or a strict transmitter sends.

#![expect(clippy::unwrap_used, reason = "the helpers are tests too")]

#[path = "conformance/access.rs"]
mod access;
#[path = "conformance/events.rs"]
mod events;
#[path = "hub/home.rs"]
#[expect(dead_code, reason = "each file of tests uses what it needs")]
mod home;
#[path = "tls/house.rs"]
#[expect(dead_code, reason = "each file of tests uses what it needs")]
mod house;
#[path = "hub/http.rs"]
#[expect(dead_code, reason = "each file of tests uses what it needs")]
mod http_call;
#[path = "conformance/management.rs"]
mod management;
#[path = "conformance/metadata.rs"]
mod metadata;
#[path = "conformance/poll.rs"]
mod poll;
#[path = "conformance/push.rs"]
mod push;
#[path = "conformance/receiving.rs"]
mod receiving;
#[path = "conformance/sets.rs"]
mod sets;
#[path = "conformance/stage.rs"]
mod stage;
#[path = "conformance/token_server.rs"]
mod token_server;
