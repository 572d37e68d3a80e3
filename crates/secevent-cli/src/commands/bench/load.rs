//! The producers: keep-alive connections that hand events in, at a given rate or as fast as they are delivered.
//!
//! Both are told by credits: a producer takes one for each request. At a given rate a clock gives them out, however
//! slow the hub is, and each event knows when it should have been sent; so a hub that stalls does not stall the
//! measurement with it. As fast as possible, whatever was delivered gives its credit back.

use std::{io, sync::Arc, time::Duration};

use tokio::{sync::watch, task::JoinSet};

use super::{latency::Summary, producer::Producer, wire::Wire};
use crate::failure::Failure;

/// How fast events are handed in.
#[derive(Clone, Copy)]
pub(super) enum Pace {
    /// So many requests a second.
    Rate(f64),
    /// As fast as they are delivered, with at most so many events under way.
    Closed(usize),
    /// As fast as they are accepted.
    Accepted,
}

/// What is handed in.
#[derive(Clone)]
pub(super) struct Load {
    pub(super) pace: Pace,
    /// It ends after this time, or after this many events.
    pub(super) time: Duration,
    pub(super) events_max: u64,
    /// Events of one request.
    pub(super) batch: u64,
    pub(super) connections: usize,
    /// The number of the first event.
    pub(super) first: u64,
    /// Events are about so many subjects in turn.
    pub(super) subjects: u64,
    /// The event, by its short name.
    pub(super) event: &'static str,
}

/// Where to.
pub(super) struct Door {
    pub(super) address: String,
    pub(super) path: String,
    pub(super) token: String,
}

/// What came of it.
#[derive(Default)]
pub(super) struct Sent {
    /// Events that were handed in, and those that were not accepted, by number.
    pub(super) events: u64,
    pub(super) refused: Vec<u64>,
    /// In microseconds since 1970.
    pub(super) first_at: u64,
    pub(super) last_at: u64,
    /// From the time that a request should have been sent to its answer.
    pub(super) answers: Option<Summary>,
}

/// How long after its time a load at a given rate may still send what is overdue.
const OVERDUE_MAX: Duration = Duration::from_secs(5);

impl Load {
    /// As fast as they are delivered.
    pub(super) fn new(pace: Pace, time: Duration) -> Self {
        Self {
            pace,
            time,
            events_max: u64::MAX,
            batch: 1,
            connections: 64,
            first: 0,
            subjects: 10_007,
            event: "caep:session-revoked",
        }
    }

    /// Hands events in; `received` counts SETs, of which each event makes `fanout`.
    pub(super) async fn run(
        &self,
        door: Door,
        received: watch::Receiver<u64>,
        fanout: u64,
    ) -> Result<Sent, Failure> {
        let wires = wires(self.connections, &door.address).await.map_err(|error| unreachable(&error))?;
        let producer = Arc::new(Producer::new(self, door));
        let mut feeder = JoinSet::new();
        producer.feed(&mut feeder, received, fanout);
        let mut producers = JoinSet::new();
        for wire in wires {
            producers.spawn(Arc::clone(&producer).produce(wire));
        }
        let ended = async {
            while let Some(ended) = producers.join_next().await {
                ended.map_err(io::Error::other).flatten().map_err(|error| unreachable(&error))?;
            }
            Ok::<_, Failure>(())
        };
        tokio::select! {
            ended = ended => ended?,
            () = tokio::time::sleep(self.time_max()) => producer.stop(),
        }
        // What is on its way still comes to its end.
        while let Some(ended) = producers.join_next().await {
            ended.map_err(io::Error::other).flatten().map_err(|error| unreachable(&error))?;
        }
        Ok(producer.sent())
    }

    fn time_max(&self) -> Duration {
        self.time + if matches!(self.pace, Pace::Rate(_)) { OVERDUE_MAX } else { Duration::ZERO }
    }
}

fn unreachable(error: &io::Error) -> Failure {
    Failure::could_not(format_args!("the hub does not take events: {error}"))
}

async fn wires(connections: usize, address: &str) -> io::Result<Vec<Wire>> {
    let mut wires = Vec::with_capacity(connections);
    for _ in 0..connections {
        wires.push(Wire::connect(address).await?);
    }
    Ok(wires)
}
