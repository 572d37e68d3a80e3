//! A hub against a tiny model of it: whatever producers, receivers and operators do and whenever the process dies, each
//! receiver is offered what it is owed, in order, under one name, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::json;

use crate::home::{ACME, ADMIN, Home, Running};

/// What happens to a hub with two streams.
#[derive(Clone, Debug)]
enum Step {
    Emit(usize),
    /// A stream is polled for at most so many.
    Poll(usize, usize),
    /// Of what was polled before, some are acknowledged, and the others refused if that is asked for.
    Settle(usize, Vec<bool>, bool),
    Pause(usize),
    Resume(usize),
    Disable(usize),
    Enable(usize),
    Restart,
    Crash,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let stream = 0..2_usize;
    let step = prop_oneof![
        6 => (1..4_usize).prop_map(Step::Emit),
        6 => (stream.clone(), 1..6_usize).prop_map(|(stream, max)| Step::Poll(stream, max)),
        6 => (stream.clone(), prop::collection::vec(any::<bool>(), 6), any::<bool>())
            .prop_map(|(stream, which, refuse)| Step::Settle(stream, which, refuse)),
        1 => stream.clone().prop_map(Step::Pause),
        2 => stream.clone().prop_map(Step::Resume),
        1 => stream.clone().prop_map(Step::Disable),
        2 => stream.prop_map(Step::Enable),
        1 => Just(Step::Restart),
        2 => Just(Step::Crash),
    ];
    prop::collection::vec(step, 1..30)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Enabled,
    Paused,
    Disabled,
}

/// What is known of a stream.
struct Known {
    id: String,
    status: Status,
    /// To be offered until it is acknowledged, in the order it was accepted.
    owed: BTreeSet<usize>,
    /// Settled in this life of the hub: after a crash it may be offered once more.
    settled: BTreeSet<usize>,
    may_repeat: BTreeSet<usize>,
    names: BTreeMap<usize, String>,
    /// Offered by the last poll.
    offered: Vec<usize>,
    /// That poll was before a crash: the hub may not know of it, and let an acknowledgement pass.
    forgotten: bool,
}

struct World {
    home: Home,
    hub: Running,
    streams: Vec<Known>,
    emitted: usize,
}

impl World {
    async fn new(template: &Home) -> Self {
        let home = template.copy();
        let hub = home.start().await;
        let mut streams = Vec::new();
        for _ in 0..2 {
            streams.push(Known {
                id: hub.create_poll(ACME).await,
                status: Status::Enabled,
                owed: BTreeSet::new(),
                settled: BTreeSet::new(),
                may_repeat: BTreeSet::new(),
                names: BTreeMap::new(),
                offered: Vec::new(),
                forgotten: false,
            });
        }
        Self { home, hub, streams, emitted: 0 }
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Emit(count) => {
                for _ in 0..count {
                    self.emitted += 1;
                    self.hub.emit(&format!("{}@x.example", self.emitted)).await;
                    let open = self.streams.iter_mut().filter(|stream| stream.status != Status::Disabled);
                    open.for_each(|stream| _ = stream.owed.insert(self.emitted));
                }
            }
            Step::Poll(stream, max) => _ = self.poll(stream, max).await,
            Step::Settle(stream, which, refuse) => self.settle(stream, &which, refuse).await,
            Step::Pause(stream) => self.operate(stream, "pause", Status::Paused).await,
            Step::Resume(stream) => self.operate(stream, "resume", Status::Enabled).await,
            Step::Disable(stream) => self.ask_for(stream, "disabled", Status::Disabled).await,
            Step::Enable(stream) => self.ask_for(stream, "enabled", Status::Enabled).await,
            Step::Restart => {
                self.hub.hub.stop().await;
                // A hub that was stopped has written everything down.
                let forgotten = self.streams.iter_mut().map(|known| {
                    known.settled.clear();
                    known.forgotten
                });
                let forgotten: Vec<_> = forgotten.collect();
                self.crash().await;
                self.streams.iter_mut().zip(forgotten).for_each(|(known, was)| known.forgotten = was);
            }
            Step::Crash => self.crash().await,
        }
    }

    /// Polls, and compares what comes with what is owed; answers whether there was anything.
    async fn poll(&mut self, stream: usize, max: usize) -> bool {
        let known = &mut self.streams[stream];
        let (sets, more) = self.hub.polled(&known.id, json!({"maxEvents": max})).await;
        // What a stream is told of itself comes in between.
        let events = sets.iter().filter_map(|(jti, user)| Some((jti, user.strip_suffix("@x.example")?)));
        let events: Vec<(_, usize)> = events.map(|(jti, user)| (jti, user.parse().unwrap())).collect();
        known.forgotten = false;
        known.offered = events.iter().map(|(_, event)| *event).collect();
        assert!(known.offered.is_sorted(), "{:?}", known.offered);
        for (jti, event) in events {
            assert!(known.status == Status::Enabled, "{event} comes while the stream is {:?}", known.status);
            assert!(known.owed.contains(&event) || known.may_repeat.contains(&event), "{event} is not owed");
            let name = known.names.entry(event).or_insert_with(|| jti.clone());
            assert_eq!(name, jti, "a repeat has another name");
        }
        if known.status == Status::Enabled {
            let first: Vec<_> = known.owed.iter().copied().take(if more { 1 } else { usize::MAX }).collect();
            let room = sets.len() < max;
            assert!(!room || first.iter().all(|event| known.offered.contains(event)), "{first:?} is owed");
        }
        !sets.is_empty()
    }

    async fn settle(&mut self, stream: usize, which: &[bool], refuse: bool) {
        let known = &mut self.streams[stream];
        let (mut ack, mut errors) = (Vec::new(), serde_json::Map::new());
        for (event, acked) in std::mem::take(&mut known.offered).into_iter().zip(which) {
            if *acked {
                ack.push(known.names[&event].clone());
            } else if refuse {
                errors.insert(
                    known.names[&event].clone(),
                    json!({"err": "invalid_request", "description": "no"}),
                );
            } else {
                continue;
            }
            known.owed.remove(&event);
            known.may_repeat.remove(&event);
            if known.forgotten { &mut known.may_repeat } else { &mut known.settled }.insert(event);
        }
        let request = json!({"ack": ack, "setErrs": errors, "maxEvents": 0});
        self.hub.polled(&known.id, request).await;
    }

    async fn operate(&mut self, stream: usize, verb: &str, status: Status) {
        let known = &mut self.streams[stream];
        let wanted = if known.status == Status::Disabled { 409 } else { 200 };
        let path = format!("/v1/streams/{}/{verb}", known.id);
        self.hub.send("POST", &path, ADMIN, "").await.expect(wanted);
        if wanted == 200 {
            known.status = status;
        }
    }

    async fn ask_for(&mut self, stream: usize, word: &str, status: Status) {
        let known = &mut self.streams[stream];
        let wanted = if known.status == Status::Paused { 403 } else { 200 };
        let request = json!({"stream_id": known.id, "status": word});
        self.hub.post("/ssf/status", ACME, &request).await.expect(wanted);
        if wanted == 200 {
            let dropped = [known.status, status].contains(&Status::Disabled);
            if dropped {
                known.owed.clear();
                known.settled.clear();
                known.may_repeat.clear();
                known.offered.clear();
            }
            known.status = status;
        }
    }

    /// The process ends where it is; the next one has what the disk had at that moment.
    async fn crash(&mut self) {
        let home = self.home.copy();
        let hub = home.start().await;
        std::mem::replace(&mut self.hub, hub).stop().await;
        self.home = home;
        for known in &mut self.streams {
            known.may_repeat.append(&mut known.settled);
            known.forgotten = true;
        }
    }

    /// In the end everything that is owed comes.
    async fn drain(mut self) {
        for stream in 0..2 {
            match self.streams[stream].status {
                Status::Disabled => continue,
                Status::Paused => self.operate(stream, "resume", Status::Enabled).await,
                Status::Enabled => {}
            }
            for _ in 0..100 {
                if self.streams[stream].owed.is_empty() {
                    break;
                }
                self.poll(stream, 50).await;
                self.settle(stream, &[true; 50], false).await;
            }
            assert!(self.streams[stream].owed.is_empty(), "{:?} never came", self.streams[stream].owed);
        }
        self.hub.stop().await;
    }
}

#[test]
fn a_hub_is_as_its_model_whenever_it_dies() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let template = Home::new();
    runtime.block_on(async { template.start().await.stop().await });
    let config = ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(steps in steps())| {
        runtime.block_on(async {
            let mut world = World::new(&template).await;
            for step in steps {
                world.step(step).await;
            }
            world.drain().await;
        });
    });
}
