//! The index of wishes, against a list that is read from the end.

use std::collections::BTreeMap;

use proptest::prelude::*;
use secevent::{Matching, SubjectId, Timestamp};
use secevent_ssf::{
    StreamNo,
    interest::{Change, Interests, SubjectName, Wanted, Wish},
    metadata::DefaultSubjects,
};

const GRACE: i64 = 3;
const STREAMS: u32 = 3;

fn subject() -> impl Strategy<Value = SubjectId> {
    let id = (0..3u8).prop_map(|id| SubjectId::opaque(format!("id-{id}")));
    let complex = proptest::collection::btree_map(prop_oneof!["user", "device", "tenant"], id.clone(), 1..=3);
    prop_oneof![id, complex.prop_map(SubjectId::complex)]
}

#[derive(Clone, Debug)]
enum Step {
    Wish(u32, SubjectId, bool),
    Close(u32),
    Wait(i64),
    Restart,
    Sweep,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => (1..=STREAMS, subject(), any::<bool>()).prop_map(|(no, subject, add)| Step::Wish(no, subject, add)),
        1 => (1..=STREAMS).prop_map(Step::Close),
        3 => (1..4i64).prop_map(Step::Wait),
        1 => Just(Step::Restart),
        2 => Just(Step::Sweep),
    ]
}

/// What was wished: nothing is ever left out.
#[derive(Debug)]
struct Model {
    matching: Matching,
    wishes: Vec<Entry>,
    turns: u64,
}

#[derive(Debug)]
struct Entry {
    stream: u32,
    subject: SubjectId,
    said: (u64, bool),
    from: i64,
    before: Option<(u64, bool)>,
}

impl Entry {
    fn at(&self, now: i64) -> Option<(u64, bool)> {
        if now >= self.from { Some(self.said) } else { self.before }
    }
}

fn default_of(stream: u32) -> DefaultSubjects {
    if stream == 1 { DefaultSubjects::All } else { DefaultSubjects::None }
}

impl Model {
    fn wish(&mut self, stream: u32, subject: &SubjectId, add: bool, now: i64) {
        let old = self.wishes.iter().position(|old| old.stream == stream && old.subject == *subject);
        let old = old.map(|at| self.wishes.remove(at));
        let pending = old.as_ref().filter(|old| !old.said.1 && old.from > now);
        let later = pending.map_or(now + GRACE, |old| old.from);
        let before = old.as_ref().and_then(|old| old.at(now));
        self.turns += 1;
        let (said, from) = ((self.turns, add), if add { now } else { later });
        self.wishes.push(Entry { stream, subject: subject.clone(), said, from, before });
    }

    fn includes(&self, stream: u32, subject: &SubjectId, now: i64) -> bool {
        let ours = self.wishes.iter().filter(|wish| wish.stream == stream);
        let said = ours.filter(|wish| subject.matches(&wish.subject, self.matching));
        let latest = said.filter_map(|wish| wish.at(now)).max();
        latest.map_or_else(|| default_of(stream) == DefaultSubjects::All, |(_, wanted)| wanted)
    }
}

fn opened(matching: Matching) -> Interests {
    let mut interests = Interests::new(matching);
    (1..=STREAMS).for_each(|no| interests.open(StreamNo(no), default_of(no)));
    interests
}

fn run(matching: Matching, steps: &[Step], asked: &[SubjectId]) -> Result<(), TestCaseError> {
    let mut model = Model { matching, wishes: Vec::new(), turns: 0 };
    let mut interests = opened(matching);
    let mut disk = BTreeMap::<(StreamNo, SubjectName), Wish>::new();
    let mut now = 0;
    for step in steps {
        match step {
            Step::Wish(no, subject, add) => {
                model.wish(*no, subject, *add, now);
                let removed = Wanted::Removed { from: Timestamp(now + GRACE) };
                let wanted = if *add { Wanted::Added { verified: true } } else { removed };
                let change = interests.wish(StreamNo(*no), subject, wanted, Timestamp(now));
                interests.apply(&change);
                match change {
                    Change::Keep(wish) => {
                        _ = disk.insert((wish.stream, SubjectName::of(&wish.subject)), *wish);
                    }
                    Change::Forget(stream, name) => _ = disk.remove(&(stream, name)),
                }
            }
            Step::Close(no) => {
                model.wishes.retain(|wish| wish.stream != *no);
                interests.close(StreamNo(*no));
                interests.open(StreamNo(*no), default_of(*no));
                disk.retain(|(stream, _), _| *stream != StreamNo(*no));
            }
            Step::Wait(time) => now += time,
            Step::Restart => {
                interests = opened(matching);
                disk.values().cloned().for_each(|wish| interests.apply(&Change::Keep(Box::new(wish))));
            }
            Step::Sweep => {
                for gone in interests.sweep(Timestamp(now)) {
                    prop_assert!(disk.remove(&gone).is_some(), "what is forgotten was kept");
                }
            }
        }
        for no in 1..=STREAMS {
            let kept = disk.keys().filter(|(stream, _)| *stream == StreamNo(no)).count();
            prop_assert_eq!(interests.len(StreamNo(no)), kept);
            for subject in asked {
                let expected = model.includes(no, subject, now);
                let about = interests.about(subject, Timestamp(now)).get(&StreamNo(no)).copied();
                let default = default_of(no) == DefaultSubjects::All;
                prop_assert_eq!(about.unwrap_or(default), expected, "{:?}", subject);
                prop_assert_eq!(
                    interests.includes(StreamNo(no), subject, Timestamp(now)),
                    expected,
                    "{:?}",
                    subject
                );
            }
        }
    }
    Ok(())
}

proptest! {
    // spec: SUB-061, SUB-062, SUB-063, SUB-064, SUB-065, SUB-066, SUB-067, SUB-068, SUB-069, SUB-072, SSF-176
    #[test]
    fn the_latest_wish_that_matches_wins(
        literal: bool,
        steps in proptest::collection::vec(step(), 1..40),
        asked in proptest::collection::vec(subject(), 4),
    ) {
        run(if literal { Matching::Literal } else { Matching::SharedMember }, &steps, &asked)?;
    }
}

// spec: SUB-072, SSF-210
#[test]
fn wishes_that_say_nothing_are_not_kept() {
    let mut interests = opened(Matching::SharedMember);
    let (all, none, now) = (StreamNo(1), StreamNo(2), Timestamp(10));
    let alice = SubjectId::email("alice@example.com");
    let tenant = SubjectId::complex([("tenant", SubjectId::opaque("acme"))]);
    let mut wish = |stream, subject: &SubjectId, wanted| {
        let change = interests.wish(stream, subject, wanted, now);
        interests.apply(&change);
        matches!(change, Change::Keep(_))
    };
    let added = Wanted::Added { verified: true };
    for subject in [&alice, &tenant] {
        assert!(!wish(all, subject, added), "it is for all");
        assert!(wish(none, subject, added));
        assert!(wish(none, subject, Wanted::Removed { from: Timestamp(20) }), "it has its grace");
    }
    for subject in [&alice, &tenant] {
        assert!(interests.includes(none, subject, Timestamp(19)));
        assert!(!interests.includes(none, subject, Timestamp(20)));
    }
    assert_eq!((interests.sweep(Timestamp(19)), interests.sweep(Timestamp(20)).len()), (vec![], 2));
    assert_eq!((interests.len(all), interests.len(none)), (0, 0));
}
