//! The status of a stream: who may change it, and what its receiver is told (docs/stream-life.md).

use std::{sync::Arc, time::Duration};

use secevent::event::ssf::StreamStatus;
use secevent_http::router::Problem;
use secevent_ssf::{
    Entry,
    engine::Cursor,
    store::{Batch, Party, StreamRecord, Write},
};
use tracing::{info, warn};

use super::streams::cannot_write;
use crate::{Hub, stream::Stream};

impl Hub {
    /// Changes the status for its receiver, who needs no notice of what it asked for.
    // spec: SSF-157, SSF-160, SSF-161
    pub(crate) async fn set_status(
        &self,
        stream: &Stream,
        status: StreamStatus,
        reason: Option<String>,
    ) -> Result<(), Problem> {
        self.change_status(stream, status, reason, Party::Receiver).await
    }

    /// Pauses a stream for an operator: what comes is held in order.
    // spec: SSF-148, SSF-199
    pub(crate) async fn pause_stream(&self, stream: &Stream, reason: Option<String>) -> Result<(), Problem> {
        refuse_if_disabled(stream)?;
        self.change_status(stream, StreamStatus::Paused, reason, Party::Operator).await
    }

    /// Lets a paused stream go on at once.
    // spec: SSF-149, SSF-199
    pub(crate) async fn resume_stream(&self, stream: &Stream) -> Result<(), Problem> {
        if self.receiver_of(&stream.record()).is_none() {
            let detail = "put it back into the configuration and start again";
            return Err(Problem::new(409, "the receiver of this stream is not configured", detail));
        }
        refuse_if_disabled(stream)?;
        self.change_status(stream, StreamStatus::Enabled, None, Party::Operator).await
    }

    /// On disk first, then in memory.
    async fn change_status(
        &self,
        stream: &Stream,
        status: StreamStatus,
        reason: Option<String>,
        by: Party,
    ) -> Result<(), Problem> {
        let _alone = self.0.stream_changes.lock().await;
        if stream.is_gone() {
            return Err(Problem::not_found("stream"));
        }
        let record = stream.record();
        let held = record.status != StreamStatus::Enabled && record.status_by == Party::Operator;
        if held && by == Party::Receiver {
            let detail = "ask the operator of this transmitter";
            return Err(Problem::new(403, "an operator paused this stream", detail));
        }
        let mut changed = StreamRecord { status, status_by: by, reason, ..StreamRecord::clone(&record) };
        let notice = if status != record.status && by != Party::Receiver {
            let id = &record.config.stream_id;
            let notice = self.log_notice(id, status, changed.reason.clone()).await;
            Some(notice.map_err(|_| cannot_write())?)
        } else {
            None
        };
        // What a receiver changes itself makes an older notice untrue.
        changed.notice = match notice {
            Some(notice) => Some(notice.seq),
            None if status == record.status => record.notice,
            None => None,
        };
        let mut writes = vec![Write::Stream(Box::new(changed.clone()))];
        if record.status == StreamStatus::Disabled {
            // With the record: after a crash an enabled stream must not have again what it had when it was disabled.
            let nothing_left = Cursor { high: self.0.writer.head(), open: Vec::new() };
            writes.push(Write::Cursor(stream.no, nothing_left));
        }
        self.write(writes).await?;
        info!(stream = %record.config.stream_id, %status, ?by, "the status of a stream is changed");
        self.take_effect(stream, changed, notice);
        Ok(())
    }

    /// Pauses a stream on the hub's own initiative, with a reason that its receiver can read. One that is delivered in
    /// another way by now is left alone.
    // spec: SSF-091, SSF-199, SSF-200
    pub(crate) async fn pause(&self, stream: &Arc<Stream>, delivery_no: u64, reason: String) {
        let _alone = self.0.stream_changes.lock().await;
        let record = stream.record();
        let moved = stream.work().delivery_no != delivery_no;
        if stream.is_gone() || moved || record.status != StreamStatus::Enabled {
            return;
        }
        let id = &record.config.stream_id;
        warn!(stream = %id, reason = %reason.escape_debug(), "the stream is paused");
        // The pause holds in memory whatever the disk says; a full one gets it with a later commit.
        let notice = self.log_notice(id, StreamStatus::Paused, Some(reason.clone())).await.ok();
        let changed = StreamRecord {
            status: StreamStatus::Paused,
            status_by: Party::Hub,
            reason: Some(reason),
            notice: notice.map_or(record.notice, |notice| Some(notice.seq)),
            ..StreamRecord::clone(&record)
        };
        self.take_effect(stream, changed, notice);
        stream.mark_record_dirty();
        self.0.writer.mark_dirty(stream.no);
        drop(self.commit(Batch::default()).await);
    }

    // spec: SSF-147, SSF-148, SSF-149, SSF-152, SSF-200, SSF-201
    fn take_effect(&self, stream: &Stream, record: StreamRecord, notice: Option<Entry>) {
        let was_disabled = stream.record().status == StreamStatus::Disabled;
        {
            // Before the record, whose change wakes whoever delivers.
            let mut work = stream.work();
            match notice {
                Some(notice) => work.queue.backlog_mut().tell(notice),
                None if record.notice.is_none() => work.queue.backlog_mut().withdraw_notice(),
                None => {}
            }
            if was_disabled || record.status == StreamStatus::Disabled {
                work.skip_to(self.0.writer.head());
            }
            work.hold(record.status != StreamStatus::Enabled);
        }
        self.0.streams.replace_record(stream, record);
        self.0.writer.mark_dirty(stream.no);
    }

    /// Pauses streams whose receivers asked for nothing in all the time they may be silent.
    // spec: SSF-089, SSF-090, SSF-091, SSF-092
    pub(crate) async fn pause_inactive(&self) {
        for stream in self.0.streams.all() {
            let record = stream.record();
            let Some(secs) = record.config.inactivity_timeout else { continue };
            let silent = stream.inactive_for(self.now()) >= Duration::from_secs(secs);
            if silent && record.status == StreamStatus::Enabled {
                let reason = format!("the receiver asked for nothing in {secs} seconds");
                let delivery_no = stream.work().delivery_no;
                self.pause(&stream, delivery_no, reason).await;
            }
        }
    }
}

fn refuse_if_disabled(stream: &Stream) -> Result<(), Problem> {
    if stream.record().status == StreamStatus::Disabled {
        let detail = "only its receiver enables it again";
        return Err(Problem::new(409, "the stream is disabled", detail));
    }
    Ok(())
}
