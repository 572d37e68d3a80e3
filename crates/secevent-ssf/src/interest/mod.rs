//! Whose events a stream is for (SSF 1.0 §8.1.3): all but some subjects, or none but some.
//!
//! Receivers add and remove subjects. Where several of these wishes match the subject of an event, the latest wins
//! (SUB-072), so that `tenant: acme` can be added and `tenant: acme, user: bob` removed after it. The index finds the
//! wishes of all streams about one subject without asking each stream.
//!
//! ```
//! use secevent::{Matching, SubjectId, Timestamp};
//! use secevent_ssf::{StreamNo, interest::{Interests, Wanted}, metadata::DefaultSubjects};
//!
//! let mut interests = Interests::new(Matching::SharedMember);
//! let (stream, now, alice) = (StreamNo(1), Timestamp(0), SubjectId::email("alice@example.com"));
//! interests.open(stream, DefaultSubjects::None);
//! let change = interests.wish(stream, &alice, Wanted::Added { verified: true }, now);
//! interests.apply(&change);
//! assert_eq!(interests.about(&alice, now), [(stream, true)].into());
//! ```

mod complex;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use secevent::{Matching, SubjectId, Timestamp};
use serde::{Deserialize, Serialize};

use self::complex::{Members, Shapes};
use crate::{StreamNo, metadata::DefaultSubjects};

/// A subject as the index knows it: 128 bits of the SHA-256 of its canonical form. Nobody finds another subject of
/// the same name, unlike one of the 64 bits that lanes use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SubjectName(pub [u8; 16]);

impl SubjectName {
    /// The name of a subject.
    pub fn of(subject: &SubjectId) -> Self {
        Self::of_text(&subject.canonical())
    }

    fn of_text(text: &str) -> Self {
        let [digest @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] =
            secevent_jose::sha256(text.as_bytes());
        Self(digest)
    }
}

/// What a receiver asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Events about the subject.
    Added {
        /// Whether the receiver verified that the subject is who it claims to be.
        verified: bool,
    },
    /// No more of them from this time on: now, or after a grace (SSF-210).
    Removed {
        /// When.
        from: Timestamp,
    },
}

/// A wish as it is kept: one for each stream and subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wish {
    /// Whose.
    pub stream: StreamNo,
    /// About whom.
    pub subject: SubjectId,
    /// Later wishes of a stream have larger turns.
    pub turn: u64,
    /// Whether events are wanted, from `from` on.
    pub wanted: bool,
    /// When that begins.
    pub from: Timestamp,
    /// The wish that holds until then, if there was one: its turn, and whether events are wanted.
    pub before: Option<(u64, bool)>,
    /// Whether the receiver verified the subject when it added it.
    pub verified: bool,
}

/// What is to be written after a wish.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Keep this.
    Keep(Box<Wish>),
    /// Forget what was kept, if anything was: the wish says what the stream is made for anyway.
    Forget(StreamNo, SubjectName),
}

/// The wishes of all streams.
#[derive(Debug)]
pub struct Interests {
    matching: Matching,
    streams: BTreeMap<StreamNo, Stream>,
    /// Which streams have a wish about this very subject.
    simple: HashMap<SubjectName, BTreeSet<StreamNo>>,
    complex: Shapes,
    /// Removals to look at again when they have taken effect, by that time.
    pending: BTreeSet<(Timestamp, StreamNo, SubjectName)>,
    last_turn: u64,
}

#[derive(Debug)]
struct Stream {
    default: bool,
    wishes: HashMap<SubjectName, Kept>,
    /// How many complex wishes differ from the default, now or for a while: while there is one, another one which does
    /// not may be an exception from it.
    exceptions: usize,
    /// The shapes of its complex wishes, and how many there are of each.
    shapes: BTreeMap<Box<[String]>, usize>,
}

/// A wish in memory.
#[derive(Clone, Debug)]
struct Kept {
    turn: u64,
    wanted: bool,
    from: Timestamp,
    before: Option<(u64, bool)>,
    /// Of a complex subject.
    members: Option<Members>,
}

impl From<&Wish> for Kept {
    fn from(wish: &Wish) -> Self {
        let members = Members::of(&wish.subject);
        Self { turn: wish.turn, wanted: wish.wanted, from: wish.from, before: wish.before, members }
    }
}

impl Kept {
    /// What it says now, and at which turn that was wished.
    fn at(&self, now: Timestamp) -> Option<(u64, bool)> {
        if now >= self.from { Some((self.turn, self.wanted)) } else { self.before }
    }

    /// Whether it says something else than this, now or later.
    fn differs(&self, default: bool) -> bool {
        self.wanted != default || self.before.is_some_and(|(_, wanted)| wanted != default)
    }
}

impl Interests {
    /// No streams yet.
    pub fn new(matching: Matching) -> Self {
        Self {
            matching,
            streams: BTreeMap::new(),
            simple: HashMap::new(),
            complex: Shapes::default(),
            pending: BTreeSet::new(),
            last_turn: 0,
        }
    }

    /// A stream that was made for all subjects, or for none.
    pub fn open(&mut self, stream: StreamNo, default: DefaultSubjects) {
        let default = default == DefaultSubjects::All;
        self.streams.insert(
            stream,
            Stream { default, wishes: HashMap::new(), exceptions: 0, shapes: BTreeMap::new() },
        );
    }

    /// The stream is gone, and so are its wishes.
    pub fn close(&mut self, stream: StreamNo) {
        let names: Vec<_> =
            self.streams.get(&stream).into_iter().flat_map(|s| s.wishes.keys()).copied().collect();
        for name in names {
            drop(self.forget(stream, name));
        }
        self.streams.remove(&stream);
    }

    /// How many wishes of a stream are kept.
    pub fn len(&self, stream: StreamNo) -> usize {
        self.streams.get(&stream).map_or(0, |stream| stream.wishes.len())
    }

    /// Whether a stream has a wish about this very subject.
    pub fn has(&self, stream: StreamNo, subject: &SubjectId) -> bool {
        self.streams.get(&stream).is_some_and(|stream| stream.wishes.contains_key(&SubjectName::of(subject)))
    }

    /// How many kinds of complex subjects a stream has wishes about, with this one: those of one kind have members of
    /// the same names.
    pub fn kinds_with(&self, stream: StreamNo, subject: &SubjectId) -> usize {
        let Some(stream) = self.streams.get(&stream) else { return 0 };
        let new = Members::of(subject).is_some_and(|members| !stream.shapes.contains_key(&members.names));
        stream.shapes.len() + usize::from(new)
    }

    /// A receiver wishes; answers with what is to be kept or forgotten, on disk and then by [`apply`](Self::apply). A
    /// removal that is repeated comes into effect no later.
    // spec: SSF-174, SSF-176, SUB-072
    pub fn wish(&self, no: StreamNo, subject: &SubjectId, wanted: Wanted, now: Timestamp) -> Change {
        let name = SubjectName::of(subject);
        let old = self.streams.get(&no).and_then(|stream| stream.wishes.get(&name));
        let pending = old.filter(|old| !old.wanted && old.from > now);
        let (wanted, from, verified) = match wanted {
            Wanted::Added { verified } => (true, now, verified),
            Wanted::Removed { from } => (false, pending.map_or_else(|| from.max(now), |old| old.from), false),
        };
        let before = old.and_then(|old| old.at(now)).filter(|_| from > now);
        let wish = Wish {
            stream: no,
            subject: subject.clone(),
            turn: self.last_turn + 1,
            wanted,
            from,
            before,
            verified,
        };
        // A removal is remembered until it takes effect, so that a repeat does not put it off.
        if from <= now && self.says_nothing(&Kept::from(&wish), no, old) {
            Change::Forget(no, name)
        } else {
            Change::Keep(Box::new(wish))
        }
    }

    /// Does what is written, or was: a change now, or a wish after a restart.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Forget(stream, name) => drop(self.forget(*stream, *name)),
            Change::Keep(wish) => {
                let name = SubjectName::of(&wish.subject);
                self.last_turn = self.last_turn.max(wish.turn);
                drop(self.forget(wish.stream, name));
                self.keep(wish.stream, name, Kept::from(wish.as_ref()));
                if !wish.wanted && self.streams.contains_key(&wish.stream) {
                    self.pending.insert((wish.from, wish.stream, name));
                }
            }
        }
    }

    /// What the streams that have a wish about this subject want; the others want what they were made for.
    // spec: SUB-061, SUB-062, SUB-063, SUB-064, SUB-065, SUB-069, SUB-072
    pub fn about(&mut self, subject: &SubjectId, now: Timestamp) -> BTreeMap<StreamNo, bool> {
        if self.simple.is_empty() && self.complex.is_empty() {
            return BTreeMap::new();
        }
        let streams = &self.streams;
        let Some(members) = Members::of(subject) else {
            let name = SubjectName::of(subject);
            let of_subject = self.simple.get(&name).into_iter().flatten();
            let said = |no| streams.get(no)?.wishes.get(&name)?.at(now);
            return of_subject.filter_map(|no| Some((*no, said(no)?.1))).collect();
        };
        let mut latest = BTreeMap::<StreamNo, Option<(u64, bool)>>::new();
        for wishes in self.complex.matching(&members, self.matching) {
            for (no, names) in wishes {
                let latest = latest.entry(*no).or_default();
                *latest = (*latest).max(last_said(streams.get(no), names, now));
            }
        }
        latest.into_iter().filter_map(|(no, said)| Some((no, said?.1))).collect()
    }

    /// Whether a stream wants events about this subject.
    pub fn includes(&mut self, stream: StreamNo, subject: &SubjectId, now: Timestamp) -> bool {
        let Some(kept) = self.streams.get(&stream) else { return false };
        if kept.wishes.is_empty() {
            return kept.default;
        }
        let said = match Members::of(subject) {
            None => kept.wishes.get(&SubjectName::of(subject)).and_then(|wish| wish.at(now)),
            Some(members) => {
                let of_stream = self.complex.matching_of(kept.shapes.keys(), &members, self.matching);
                let names = of_stream.into_iter().filter_map(|wishes| wishes.get(&stream));
                names.filter_map(|names| last_said(Some(kept), names, now)).max()
            }
        };
        said.map_or(kept.default, |(_, wanted)| wanted)
    }

    /// Forgets wishes whose grace is over and which then say nothing; they are to be forgotten on disk too.
    pub fn sweep(&mut self, now: Timestamp) -> Vec<(StreamNo, SubjectName)> {
        let mut forgotten = Vec::new();
        while let Some(&(from, stream, name)) = self.pending.first()
            && from <= now
        {
            self.pending.pop_first();
            let Some(mut kept) = self.forget(stream, name) else { continue };
            kept.before = None;
            if self.says_nothing(&kept, stream, None) {
                forgotten.push((stream, name));
            } else {
                self.keep(stream, name, kept);
            }
        }
        forgotten
    }

    /// Whether a wish would change nothing, in the place of the one that is kept about the same subject.
    fn says_nothing(&self, wish: &Kept, stream: StreamNo, old: Option<&Kept>) -> bool {
        self.streams.get(&stream).is_none_or(|stream| {
            let own = old.is_some_and(|old| old.members.is_some() && old.differs(stream.default));
            let exceptions = stream.exceptions - usize::from(own);
            !wish.differs(stream.default) && (wish.members.is_none() || exceptions == 0)
        })
    }

    fn keep(&mut self, no: StreamNo, name: SubjectName, kept: Kept) {
        let Some(stream) = self.streams.get_mut(&no) else { return };
        if let Some(members) = &kept.members {
            stream.exceptions += usize::from(kept.differs(stream.default));
            *stream.shapes.entry(members.names.clone()).or_default() += 1;
            self.complex.insert(members, no, kept.turn, name);
        } else {
            self.simple.entry(name).or_default().insert(no);
        }
        stream.wishes.insert(name, kept);
    }

    fn forget(&mut self, no: StreamNo, name: SubjectName) -> Option<Kept> {
        let stream = self.streams.get_mut(&no)?;
        let kept = stream.wishes.remove(&name)?;
        self.pending.remove(&(kept.from, no, name));
        if let Some(members) = &kept.members {
            stream.exceptions -= usize::from(kept.differs(stream.default));
            if let Some(count) = stream.shapes.get_mut(&members.names) {
                *count -= 1;
                if *count == 0 {
                    stream.shapes.remove(&members.names);
                }
            }
            self.complex.remove(members, no, kept.turn);
        } else if let Some(streams) = self.simple.get_mut(&name) {
            streams.remove(&no);
            if streams.is_empty() {
                self.simple.remove(&name);
            }
        }
        Some(kept)
    }
}

/// The latest of these wishes of a stream that says something by now.
fn last_said(
    stream: Option<&Stream>,
    names: &BTreeMap<u64, SubjectName>,
    now: Timestamp,
) -> Option<(u64, bool)> {
    let mut latest = None;
    for (turn, name) in names.iter().rev() {
        let said = stream?.wishes.get(name).and_then(|wish| wish.at(now));
        latest = latest.max(said);
        // Nothing before this turn is later; one that has not begun says what was wished earlier.
        if said.is_some_and(|(said_at, _)| said_at == *turn) {
            break;
        }
    }
    latest
}
