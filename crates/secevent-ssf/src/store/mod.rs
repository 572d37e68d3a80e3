//! What the hub asks of a storage: one durable commit for whatever belongs together, and plain reads.
//!
//! Three laws: a batch is all or nothing; when [`Store::commit`] returns it is on disk; numbers of events are handed
//! out inside the commit, without gaps, so that a reader never overtakes a writer.

mod memory;
mod record;

pub use memory::MemoryStore;
pub use record::{
    DeadLetter, IdempotentAnswer, KeyRecord, KeyState, LogRow, NewEvent, Origin, Party, Received, Retention,
    StreamRecord,
};

use secevent::Timestamp;

use crate::{
    Entry, Seq, StreamNo,
    engine::Cursor,
    interest::{SubjectName, Wish},
};

/// What one commit writes besides events.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Write {
    /// Makes a stream, or replaces what was known of it.
    Stream(Box<StreamRecord>),
    /// Forgets a stream, its cursor, its dead letters and its wishes. Its number is never used again.
    DropStream(StreamNo),
    /// A wish of a stream about a subject; it takes the place of an earlier one.
    Wish(Box<Wish>),
    /// Forgets a wish.
    DropWish(StreamNo, SubjectName),
    /// How far a stream has settled.
    Cursor(StreamNo, Cursor),
    /// An event set aside.
    DeadLetter(DeadLetter),
    /// A SET that was received and verified; a repeat of (iss, jti) changes nothing.
    Received(Received),
    /// The answer to a request with an `Idempotency-Key`.
    Answer(IdempotentAnswer),
    /// A signing key, new or changed.
    Key(KeyRecord),
    /// Forgets the signing key of this id.
    DropKey(String),
}

/// What one commit writes.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Appended to the log in this order.
    pub events: Vec<NewEvent>,
    /// Written with them.
    pub writes: Vec<Write>,
}

impl Batch {
    /// Adds another batch to this one.
    pub fn append(&mut self, other: Self) {
        let before = self.events.len() as u64;
        self.events.extend(other.events);
        self.writes.extend(other.writes.into_iter().map(|write| match write {
            Write::Answer(answer) => {
                Write::Answer(IdempotentAnswer { first: Seq(answer.first.0 + before), ..answer })
            }
            other => other,
        }));
    }
}

/// What a hub starts from.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Who this store is.
    pub origin: Origin,
    /// The last event of the log.
    pub head: Seq,
    /// The last stream number handed out.
    pub last_stream: u32,
    /// The last audience number handed out.
    pub last_audience: u32,
    /// The streams with how far they have settled.
    pub streams: Vec<(StreamRecord, Cursor)>,
    /// The wishes of the streams about subjects, in no order.
    pub wishes: Vec<Wish>,
    /// Signing keys, oldest first.
    pub keys: Vec<KeyRecord>,
}

/// Part of the routing log, as one stream sees it.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    /// What is addressed to the stream.
    pub entries: Vec<Entry>,
    /// The log was read up to here.
    pub through: Seq,
}

/// What went wrong in a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no room. Nothing of the batch was written; deliveries go on, new events are refused.
    #[error("the store is full: {0}")]
    Full(String),
    /// A write, a sync or a read failed, or the data is damaged. The process must end: what the disk holds is
    /// unknown, and asking again may be answered wrongly.
    #[error("the store failed: {0}")]
    Failed(String),
}

/// A storage. All calls block; the hub makes them from threads of their own.
pub trait Store: Send + Sync + 'static {
    /// Everything a hub starts from.
    fn load(&self) -> Result<Snapshot, StoreError>;

    /// Writes a batch durably, all or nothing, and answers with the place of its first event.
    fn commit(&self, batch: &Batch) -> Result<Seq, StoreError>;

    /// Events by their places; those that are gone are left out.
    fn events(&self, seqs: &[Seq]) -> Result<Vec<LogRow>, StoreError>;

    /// What is addressed to a stream after a place, reading at most `limit` events of the log.
    fn routes(&self, stream: StreamNo, after: Seq, limit: usize) -> Result<Routes, StoreError>;

    /// The last event of those accepted before a time, looking at the oldest `limit` only.
    fn last_before(&self, before: Timestamp, limit: usize) -> Result<Option<Seq>, StoreError>;

    /// Dead letters of a stream, oldest first, after a place.
    fn dead_letters(&self, stream: StreamNo, after: Seq, limit: usize)
    -> Result<Vec<DeadLetter>, StoreError>;

    /// Received SETs after a number, oldest first, of one transmitter or all.
    fn received(
        &self,
        transmitter: Option<&str>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Received>, StoreError>;

    /// The received SET of this name, if it is still kept.
    fn received_as(&self, iss: &str, jti: &str) -> Result<Option<Received>, StoreError>;

    /// The kept answer to an `Idempotency-Key`.
    fn answer(&self, key: &str) -> Result<Option<IdempotentAnswer>, StoreError>;

    /// How many bytes it takes on disk, as far as that is quickly known.
    fn bytes(&self) -> Option<u64> {
        None
    }

    /// Forgets what retention does not ask to keep, the oldest first and at most `rows_max` rows, and answers how many
    /// went: with fewer than `rows_max` there is nothing left to forget. The last event and the last received SET stay,
    /// since the next number is counted from them.
    fn prune(&self, retention: &Retention) -> Result<usize, StoreError>;
}
