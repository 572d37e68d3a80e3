//! The hub over real sockets: what producers, receivers and operators see of it.

#![expect(clippy::unwrap_used, reason = "the helpers are tests too")]

#[path = "hub/disk.rs"]
mod disk;
#[path = "hub/events.rs"]
mod events;
#[path = "hub/examples.rs"]
mod examples;
#[path = "hub/exposition.rs"]
#[expect(dead_code, reason = "each file of tests uses what it needs")]
mod exposition;
#[path = "hub/faults.rs"]
mod faults;
#[path = "hub/faulty.rs"]
mod faulty;
#[path = "hub/home.rs"]
mod home;
#[path = "hub/http.rs"]
mod http_call;
#[path = "hub/library.rs"]
mod library;
#[path = "hub/life.rs"]
mod life;
#[path = "hub/metrics.rs"]
mod metrics;
#[path = "hub/misbehaving.rs"]
mod misbehaving;
#[path = "hub/oauth.rs"]
mod oauth;
#[path = "hub/oauth_client.rs"]
mod oauth_client;
#[path = "hub/old_data.rs"]
mod old_data;
#[path = "hub/operator.rs"]
mod operator;
#[path = "hub/outside_server.rs"]
mod outside_server;
#[path = "hub/poll.rs"]
mod poll;
#[path = "hub/push.rs"]
mod push;
#[path = "hub/push_receiver.rs"]
mod push_receiver;
#[path = "hub/receiving.rs"]
mod receiving;
#[path = "hub/redrive.rs"]
mod redrive;
#[path = "hub/relaxed.rs"]
mod relaxed;
#[path = "hub/replay.rs"]
mod replay;
#[path = "hub/restart.rs"]
mod restart;
#[path = "hub/room.rs"]
mod room;
#[path = "hub/rotation.rs"]
mod rotation;
#[path = "hub/status.rs"]
mod status;
#[path = "store/steps.rs"]
mod steps;
#[path = "hub/streams.rs"]
mod streams;
#[path = "hub/subjects.rs"]
mod subjects;
#[path = "hub/their_stream.rs"]
mod their_stream;
#[path = "hub/update.rs"]
mod update;
#[path = "hub/vectors.rs"]
mod vectors;
