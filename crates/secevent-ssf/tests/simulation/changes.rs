//! Streams made, paused, resumed, disabled and deleted, one change after the other: on disk first, then in memory
//! (`secevent-hub/src/transmitter/{streams,status}.rs`).

use secevent::{EventType, event::ssf::StreamStatus};
use secevent_ssf::{
    Audience, Entry, Seq, StreamNo,
    engine::{Backlog, Cursor},
    metadata::DefaultSubjects,
    store::{Batch, NewEvent, Party, StreamRecord, Write},
    stream::{Delivery, StreamConfig},
};

use crate::{fate::new_event, stream::Stream, world::World, writer::Then};

/// What somebody wants.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Create(usize),
    Status(StreamNo, StreamStatus, Party),
    /// The lane gave up.
    HubPause(StreamNo, String),
    Delete(StreamNo),
}

/// What follows when the commit before it is done.
#[derive(Clone, Debug)]
pub(crate) enum Stage {
    Created(Box<StreamRecord>),
    /// The notice is in the log, the record not on disk yet.
    Noticed(Box<StreamRecord>),
    Recorded(Box<StreamRecord>, Option<Entry>),
    HubPaused(Box<StreamRecord>),
    Deleted(StreamNo),
}

impl World {
    pub(crate) fn change(&mut self, change: Change) {
        self.hub.changes.push_back(change);
        self.next_change();
    }

    pub(crate) fn change_done(&mut self) {
        self.hub.changing = false;
        self.next_change();
    }

    fn next_change(&mut self) {
        while !self.hub.changing
            && let Some(change) = self.hub.changes.pop_front()
        {
            self.hub.changing = true;
            self.trace.note(self.now, format_args!("{change:?}"));
            match change {
                Change::Create(peer) => self.create(peer),
                Change::Status(no, status, by) => self.change_status(no, status, by),
                Change::HubPause(no, reason) => self.hub_pause(no, reason),
                Change::Delete(no) if self.hub.streams.contains_key(&no) => {
                    self.write(vec![Write::DropStream(no)], Then::Stage(Stage::Deleted(no)));
                }
                Change::Delete(_) => self.hub.changing = false,
            }
        }
    }

    fn create(&mut self, peer: usize) {
        if self.peers[peer].stream.is_some() {
            self.hub.changing = false;
            return;
        }
        self.hub.last_stream += 1;
        let record = record(StreamNo(self.hub.last_stream), peer, self.peers[peer].push);
        let write = Write::Stream(Box::new(record.clone()));
        self.write(vec![write], Then::Stage(Stage::Created(Box::new(record))));
    }

    fn change_status(&mut self, no: StreamNo, status: StreamStatus, by: Party) {
        let Some(stream) = self.hub.streams.get(&no) else {
            self.hub.changing = false;
            return;
        };
        let record = stream.record.clone();
        let held = record.status != StreamStatus::Enabled && record.status_by == Party::Operator;
        let refused = match by {
            Party::Receiver => held,
            _ => record.status == StreamStatus::Disabled,
        };
        if refused {
            self.hub.changing = false;
            return;
        }
        let told = status != record.status && by != Party::Receiver;
        let notice = if status == record.status { record.notice } else { None };
        let changed = Box::new(StreamRecord { status, status_by: by, notice, reason: None, ..record });
        if told {
            let batch = notice_of(no, self);
            self.commit(batch, Then::Stage(Stage::Noticed(changed)));
        } else {
            self.record(changed, None);
        }
    }

    fn record(&mut self, changed: Box<StreamRecord>, notice: Option<Entry>) {
        let mut writes = vec![Write::Stream(changed.clone())];
        let disabled = |stream: &Stream| stream.record.status == StreamStatus::Disabled;
        if self.hub.streams.get(&changed.no).is_some_and(disabled) {
            let nothing_left = Cursor { high: self.hub.head, open: Vec::new() };
            writes.push(Write::Cursor(changed.no, nothing_left));
        }
        self.write(writes, Then::Stage(Stage::Recorded(changed, notice)));
    }

    fn hub_pause(&mut self, no: StreamNo, reason: String) {
        let enabled = |stream: &&Stream| stream.record.status == StreamStatus::Enabled;
        let Some(stream) = self.hub.streams.get(&no).filter(enabled) else {
            self.hub.changing = false;
            return;
        };
        let (status, status_by, reason) = (StreamStatus::Paused, Party::Hub, Some(reason));
        let changed = Box::new(StreamRecord { status, status_by, reason, ..stream.record.clone() });
        let batch = notice_of(no, self);
        self.commit(batch, Then::Stage(Stage::HubPaused(changed)));
    }

    /// The commit that a change waited for is done, at this place, or found no room.
    pub(crate) fn go_on(&mut self, stage: Stage, at: Option<Seq>) {
        match (stage, at) {
            (Stage::HubPaused(changed), at) => self.hub_paused(*changed, at),
            (_, None) => self.change_done(),
            (Stage::Created(record), _) => {
                let stream = Stream::new(*record, Backlog::new(self.hub.head));
                let (no, peer) = (stream.record.no, stream.peer());
                self.model.created(self.now, &stream.record);
                self.peers[peer].stream = Some(no);
                self.hub.streams.insert(no, stream);
                self.change_done();
            }
            (Stage::Noticed(mut changed), Some(seq)) => {
                changed.notice = Some(seq);
                let notice = notice_at(changed.no, seq);
                self.record(changed, Some(notice));
            }
            (Stage::Recorded(changed, notice), _) => {
                self.take_effect(*changed, notice);
                self.change_done();
            }
            (Stage::Deleted(no), _) => {
                self.model.deleted(no);
                self.trace.count("deleted");
                let gone = self.hub.streams.remove(&no).map(|stream| stream.peer());
                if let Some(peer) = gone {
                    self.peers[peer].stream = None;
                }
                self.look(no);
                self.change_done();
            }
        }
    }

    fn hub_paused(&mut self, mut changed: StreamRecord, at: Option<Seq>) {
        let no = changed.no;
        let notice = at.map(|seq| notice_at(no, seq));
        if notice.is_some() {
            changed.notice = at;
        }
        self.take_effect(changed, notice);
        if let Some(stream) = self.hub.streams.get_mut(&no) {
            stream.record_dirty = true;
        }
        self.commit(Batch::default(), Then::ChangeDone);
    }

    fn take_effect(&mut self, changed: StreamRecord, notice: Option<Entry>) {
        let (no, head) = (changed.no, self.hub.head);
        let Some(stream) = self.hub.streams.get_mut(&no) else { return };
        if let Some(notice) = notice {
            self.model.told(no, notice.seq);
        }
        self.trace.count(match changed.status {
            StreamStatus::Enabled => "enabled",
            StreamStatus::Paused => "paused",
            _ => "disabled",
        });
        self.model.status(self.now, no, changed.status, head);
        stream.take_effect(changed, notice, head);
        self.mark_dirty(no);
        self.work(no);
    }
}

fn notice_at(no: StreamNo, seq: Seq) -> Entry {
    Entry { seq, subject: notice_subject(no).subject }
}

fn notice_subject(no: StreamNo) -> NewEvent {
    new_event(secevent::Timestamp(0), &format!("stream-{}", no.0), Vec::new())
}

fn notice_of(no: StreamNo, world: &World) -> Batch {
    let mut notice = notice_subject(no);
    notice.event.iat = world.now.timestamp();
    Batch { events: vec![notice], writes: Vec::new() }
}

fn record(no: StreamNo, peer: usize, push: bool) -> StreamRecord {
    let endpoint_url = "https://rx.example.com/events".to_owned();
    let delivery = if push {
        Delivery::Push { endpoint_url, authorization_header: None }
    } else {
        Delivery::Poll { endpoint_url: None }
    };
    let config = StreamConfig {
        stream_id: format!("stream-{}", no.0),
        iss: "https://tr.example.com".into(),
        aud: vec!["https://rx.example.com".into()],
        events_supported: Vec::new(),
        events_requested: None,
        events_delivered: vec![EventType::from_uri("urn:example:event")],
        delivery,
        min_verification_interval: None,
        inactivity_timeout: None,
        description: None,
        other: serde_json::Map::new(),
    };
    StreamRecord {
        no,
        // Two receivers share an audience each, and so the names of their SETs.
        audience: Audience(u32::try_from(peer / 2).expect("few") + 1),
        receiver: peer.to_string(),
        config,
        status: StreamStatus::Enabled,
        reason: None,
        status_by: Party::Receiver,
        notice: None,
        default_subjects: DefaultSubjects::All,
        created_at: secevent::Timestamp(0),
    }
}
