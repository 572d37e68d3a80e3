//! Adding subjects to a stream and removing them (SSF 1.0 §8.1.3).
//!
//! A wish says nothing about whether the subject exists here, so every subject gets the same answer.

use secevent::{SubjectId, Timestamp};
use secevent_http::router::Problem;
use secevent_ssf::{
    interest::{Change, Wanted},
    store::Write,
};

use crate::{Hub, stream::Stream};

/// Defined are seven, and `format`.
const MEMBERS_MAX: usize = 16;

/// A subject has a few identifiers of some hundred bytes each.
const SUBJECT_BYTES_MAX: usize = 4096;

/// Kinds of complex subjects of one stream: `user` alone is one, `user` with `tenant` another. Each kind costs a look-up
/// with every event about a complex subject.
const KINDS_MAX: usize = 16;

impl Hub {
    // spec: SSF-166, SSF-167, SSF-174, SSF-176, SSF-205, SSF-206
    pub(crate) async fn add_subject(
        &self,
        stream: &Stream,
        subject: &SubjectId,
        verified: bool,
    ) -> Result<(), Problem> {
        self.wish(stream, subject, Wanted::Added { verified }).await
    }

    /// Removes a subject, after the grace that this hub gives.
    // spec: SSF-172, SSF-176, SSF-210, SUB-073
    pub(crate) async fn remove_subject(&self, stream: &Stream, subject: &SubjectId) -> Result<(), Problem> {
        let grace = i64::try_from(self.0.settings.limits.removal_grace.as_secs()).unwrap_or(i64::MAX);
        let from = Timestamp(self.now().timestamp().0.saturating_add(grace));
        self.wish(stream, subject, Wanted::Removed { from }).await
    }

    /// On disk first, then in memory; wishes of one stream one after the other, those of several share commits.
    async fn wish(&self, stream: &Stream, subject: &SubjectId, wanted: Wanted) -> Result<(), Problem> {
        if subject.members().len() > MEMBERS_MAX || subject.canonical().len() > SUBJECT_BYTES_MAX {
            let detail =
                format!("/subject: name at most {MEMBERS_MAX} members in at most {SUBJECT_BYTES_MAX} bytes");
            return Err(Problem::new(400, "the subject is too large", detail));
        }
        let _alone = stream.wishes.lock().await;
        let change = {
            let interests = self.0.streams.interests();
            let max = self.0.settings.limits.subjects_per_stream;
            if interests.len(stream.no) >= max && !interests.has(stream.no, subject) {
                let detail = format!("a stream has at most {max} here; remove some, or ask the operator");
                return Err(Problem::new(403, "this stream has all the subjects it may have", detail));
            }
            if interests.kinds_with(stream.no, subject) > KINDS_MAX {
                let detail = format!("use the same members for all; a stream has at most {KINDS_MAX} kinds");
                return Err(Problem::new(403, "too many kinds of complex subjects", detail));
            }
            interests.wish(stream.no, subject, wanted, self.now().timestamp())
        };
        self.write(vec![match change.clone() {
            Change::Keep(wish) => Write::Wish(wish),
            Change::Forget(stream, name) => Write::DropWish(stream, name),
        }])
        .await?;
        self.0.streams.interests().apply(&change);
        Ok(())
    }

    /// Forgets wishes that say nothing any more.
    pub(crate) async fn sweep_wishes(&self) {
        let over = self.0.streams.interests().sweep(self.now().timestamp());
        if over.is_empty() {
            return;
        }
        let writes = over.into_iter().map(|(stream, name)| Write::DropWish(stream, name)).collect();
        // What could not be dropped is there after the next start, and says nothing then either.
        drop(self.write(writes).await);
    }
}
