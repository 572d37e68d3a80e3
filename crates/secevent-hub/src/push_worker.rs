//! One task per push stream, and one for what is sent to it once more: does what the lane says and tells it the answers.

use std::{sync::Arc, time::Duration};

use secevent_http::client;
use secevent_ssf::{
    Seq,
    delivery::push::{self, Verdict},
    engine::{Action, Outcome},
    store::{DeadLetter, StoreError, StreamRecord},
    stream::Delivery,
};
use tokio::{sync::watch, task::JoinSet};
use tracing::{Instrument, debug, debug_span, field::Empty, info, warn};

use crate::{
    Hub, follow,
    hub::{SignError, ToSend, stopped},
    metrics::SetAside,
    stream::Stream,
    turns::Turn,
};

/// A log that cannot be read now, for want of room, is read again after this time.
const READ_AGAIN: Duration = Duration::from_secs(1);

/// Works until the stream is gone, or delivered in another way, or all that was to be sent once more is done.
pub(crate) async fn run(hub: Hub, stream: Arc<Stream>, delivery_no: u64) {
    let mut stopping = hub.0.stopping.subscribe();
    let mut attempts = JoinSet::new();
    let mut unreadable = false;
    loop {
        // Registered before the lane is asked, so that nothing that happens in between is missed.
        let mut woken = std::pin::pin!(stream.wake.notified());
        woken.as_mut().enable();
        if stream.is_gone() || *stopping.borrow() {
            break;
        }
        let next = stream.work().lane(delivery_no).map(|lane| {
            let action = lane.next(hub.now());
            (action, matches!(action, Action::Send(seq) if lane.has_failed(seq)))
        });
        let Some((action, again)) = next else { break };
        let wait = match action {
            Action::Send(seq) => {
                // What still waits for its turn when the hub stops is sent after the next start.
                let Some(turn) = turn(&hub, &stream, seq, &mut stopping).await else { break };
                if !stream.work().lane(delivery_no).is_some_and(|lane| lane.may_still_go(seq)) {
                    continue;
                }
                let id = || stream.record().config.stream_id.clone();
                let span =
                    debug_span!("deliver", txn = Empty, stream = id(), event = seq.0, again, outcome = Empty);
                let attempt = attempt(hub.clone(), Arc::clone(&stream), delivery_no, (seq, again), turn);
                attempts.spawn(attempt.instrument(span));
                continue;
            }
            Action::Read(_) if read_on(&hub, &stream, delivery_no, &mut unreadable).await => continue,
            Action::Read(_) => break,
            Action::Wait(until) => Duration::from_millis(until.0.saturating_sub(hub.now().0).max(1)),
            _ => Duration::MAX,
        };
        tokio::select! {
            () = woken => {}
            Some(_) = attempts.join_next() => {}
            () = tokio::time::sleep(wait) => {}
            () = stopped(&mut stopping) => {}
        }
    }
    while attempts.join_next().await.is_some() {}
}

async fn turn(hub: &Hub, stream: &Stream, seq: Seq, stopping: &mut watch::Receiver<bool>) -> Option<Turn> {
    let streams = hub.0.recent.event(seq).map_or(0, |event| event.streams.len());
    tokio::select! {
        turn = hub.0.turns.take(streams, stream.is_late()) => Some(turn),
        () = stopped(stopping) => None,
    }
}

/// Reads on in the log; `false` when the store failed, which ends the hub.
async fn read_on(hub: &Hub, stream: &Arc<Stream>, delivery_no: u64, unreadable: &mut bool) -> bool {
    match hub.refill(stream, delivery_no).await {
        Ok(_) => *unreadable = false,
        Err(StoreError::Failed(_)) => return false,
        Err(error) => {
            if !std::mem::replace(unreadable, true) {
                let id = &stream.record().config.stream_id;
                warn!(stream = %id, %error, "the log cannot be read now; it is tried again every second");
            }
            let mut stopping = hub.0.stopping.subscribe();
            tokio::select! {
                () = tokio::time::sleep(READ_AGAIN) => {}
                () = stopped(&mut stopping) => {}
            }
        }
    }
    true
}

/// Sends one SET and settles what came of it.
async fn attempt(hub: Hub, stream: Arc<Stream>, delivery_no: u64, (seq, again): (Seq, bool), turn: Turn) {
    let (record, began) = (stream.record(), hub.now());
    let verdict = deliver(&hub, &record, seq, again).await;
    drop(turn);
    stream.answered_after(Duration::from_millis(hub.now().0.saturating_sub(began.0)));
    let Some(verdict) = verdict else {
        if let Some(lane) = stream.work().lane(delivery_no) {
            lane.forget(seq);
        }
        hub.0.writer.mark_dirty(stream.no);
        return;
    };
    let of_stream = matches!(verdict, Verdict::LaneFault(_));
    let was_refused = matches!(verdict, Verdict::Refused(_));
    let jitter = u32::from_be_bytes(secevent_jose::random::<4>());
    let (now, id) = (hub.now(), &record.config.stream_id);
    // spec: PUSH-031
    if matches!(verdict, Verdict::Delivered { proper: false }) {
        debug!(stream = %id, event = seq.0, "answered with another 2xx than 202; it counts as delivered");
    }
    let letter = DeadLetter {
        stream: stream.no,
        seq,
        reason: String::new(),
        at: now.timestamp(),
        many: None,
        event: None,
    };
    let outcome = stream.work().answered(delivery_no, letter, verdict, (now, jitter));
    match outcome {
        Some(Outcome::Settled) => debug!("delivered"),
        Some(Outcome::Dead(reason)) => {
            let why = if was_refused { SetAside::Refused } else { SetAside::NotTaken };
            hub.0.metrics.set_aside(why, 1);
            warn!(stream = %id, event = seq.0, %reason, "set aside: the receiver refuses it");
        }
        Some(Outcome::Retry { at, reason }) => {
            let wait_ms = at.0.saturating_sub(now.0);
            if of_stream {
                warn!(stream = %id, event = seq.0, %reason, wait_ms, "not delivered: endpoint, credential or key is at fault");
            } else {
                info!(stream = %id, event = seq.0, %reason, wait_ms, "not delivered; it is tried again");
            }
        }
        Some(Outcome::Untold(reason)) => {
            let reason = reason.escape_debug();
            info!(stream = %id, %reason, "the receiver could not be told of the new status; it can read it");
        }
        Some(Outcome::Pause(reason)) => {
            hub.give_up(&stream, delivery_no, reason).await;
        }
        _ => {}
    }
    hub.0.writer.mark_dirty(stream.no);
}

/// What came of an attempt; `None` when the stream does not want the event any more.
async fn deliver(hub: &Hub, record: &StreamRecord, seq: Seq, again: bool) -> Option<Verdict> {
    let Delivery::Push { endpoint_url, authorization_header } = &record.config.delivery else { return None };
    Some(match hub.signed(seq, record, again).await {
        Ok(ToSend::Unwanted) => return None,
        Ok(ToSend::Set(set)) => {
            let authorization = authorization_header.as_ref().map(secevent_ssf::stream::Secret::expose);
            let timeout = hub.0.settings.limits.push_timeout;
            let answer = client::push(hub.client(), endpoint_url, authorization, &set, timeout).await;
            let verdict = push::judge(&answer);
            follow::notes("outcome", hub.0.metrics.pushed(&verdict, again));
            verdict
        }
        Ok(ToSend::Gone) => Verdict::Refused("the event is no longer in the log".into()),
        // It can be signed at no other time either; what hinders only now is worth another try.
        Err(SignError::Set(error)) => Verdict::Refused(format!("it cannot be signed: {error}")),
        Err(error) => Verdict::Retry { reason: error.to_string(), after_secs: None },
    })
}
