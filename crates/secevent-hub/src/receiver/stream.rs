//! What a receiver knows of its stream, and what it therefore says to the SETs on it.

use std::{collections::BTreeSet, sync::Arc};

use secevent::{
    ErrorCode, Event, Payload as _, SubjectId, Timestamp, VerifiedSet,
    event::ssf::{StreamStatus, StreamUpdated, Verification},
};
use secevent_ssf::delivery::SetError;
use tracing::{info, warn};

use super::{Kept, Standing, state::StateSeal};

/// A stream at a transmitter, as its receiver sees it.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    pub(crate) id: String,
    pub(crate) standing: Arc<Standing>,
    pub(crate) seal: StateSeal,
    /// Members of complex subjects that the transmitter calls critical and that nobody here interprets.
    pub(crate) not_understood: BTreeSet<String>,
}

/// The members that SSF 1.0 §3.3 names. A receiver that says nothing else is taken to understand them.
pub(crate) const SUBJECT_MEMBERS: [&str; 7] =
    ["user", "device", "session", "application", "tenant", "org_unit", "group"];

/// What becomes of a SET that is good.
pub(crate) enum Fate {
    Keep,
    /// It is acknowledged, and nothing is done about it.
    Discard(String),
}

/// Whether events of this type are about the stream and not about somebody.
pub(crate) fn is_about_the_stream(uri: &str) -> bool {
    uri == Verification::URI || uri == StreamUpdated::URI
}

impl Stream {
    /// Judges a SET that was verified by what is known of the stream. Its events need not have been asked for.
    // spec: SSF-183, SSF-186, SSF-187, SSF-188, SSF-189, SSF-190, SSF-198, SSF-211, SSF-212
    pub(crate) fn judge(&self, set: &VerifiedSet) -> Result<Fate, SetError> {
        for event in set.events().iter().filter(|event| is_about_the_stream(event.uri())) {
            if let Some(subject) = set.subject()
                && subject.text("id") != Some(self.id.as_str())
            {
                let words = "`sub_id` names another stream than the one that is received here (SSF-183)";
                return Err(SetError::new(ErrorCode::InvalidRequest, words));
            }
            if let Event::Verification(Verification { state: Some(state), .. }) = event
                && !self.seal.knows(&self.id, state)
            {
                let words = "`state` is not one that this receiver asked for; repeat it unchanged, or leave it out \
                     when nobody asked (SSF-187)";
                return Err(SetError::new(ErrorCode::InvalidState, words));
            }
        }
        let subject = set.subject();
        Ok(subject.and_then(|subject| self.uninterpretable(subject)).map_or(Fate::Keep, Fate::Discard))
    }

    // spec: SSF-038, SUB-057, SUB-058, CHK-014
    fn uninterpretable(&self, subject: &SubjectId) -> Option<String> {
        let mut members = subject.members().keys().filter(|_| subject.format() == "complex");
        let member = members.find(|member| self.not_understood.contains(*member))?;
        Some(format!(
            "its subject has the member {member:?}, which is critical and not understood here (SSF-038)"
        ))
    }

    /// Draws the consequences of a SET that is kept. A repeat has none but being a sign of life.
    // spec: SSF-204, CHK-015
    pub(crate) fn took(&self, set: &VerifiedSet, kept: Kept, now: Timestamp) {
        self.standing.received(now);
        for event in set.events() {
            match event {
                Event::Verification(event) => self.standing.verified(event.state.clone(), now),
                Event::StreamUpdated(event) if kept == Kept::New => {
                    self.updated(event.status, event.reason.clone(), Some(set.iat()));
                }
                _ => {}
            }
        }
    }

    /// The stream has this status from now on.
    // spec: SSF-197, SSF-204
    pub(crate) fn updated(&self, status: StreamStatus, reason: Option<String>, said: Option<Timestamp>) {
        let words = reason.as_deref().unwrap_or("no reason given").escape_debug().to_string();
        if !self.standing.updated(status, reason, said) {
            return;
        }
        let transmitter = self.standing.id();
        match status {
            StreamStatus::Disabled => {
                warn!(%transmitter, reason = %words, "the stream is disabled: no more events, and none are held");
            }
            StreamStatus::Paused => {
                warn!(%transmitter, reason = %words, "the stream is paused: events are held by the transmitter");
            }
            _ => info!(%transmitter, status = %status, reason = %words, "the stream has a status"),
        }
    }
}
