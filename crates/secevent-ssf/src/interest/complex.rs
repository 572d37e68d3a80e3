//! Wishes about complex subjects, by their shape: the names of their members.
//!
//! A wish matches an event when every member that both have is the same. For the wishes of one shape the members in
//! question are always the same ones, so a view that is keyed by just their values has the answer in one look-up. There
//! is a view for each shape of events that was seen.

use std::collections::{BTreeMap, HashMap};

use secevent::{Matching, SubjectId};
use serde_json::Value;

use super::SubjectName;
use crate::StreamNo;

/// The members of a complex subject: their names in order, and what stands for their values.
#[derive(Clone, Debug)]
pub(super) struct Members {
    pub(super) names: Box<[String]>,
    values: Box<[SubjectName]>,
}

impl Members {
    /// The members of a complex subject; a simple one has none.
    // spec: SUB-066, SUB-067, SUB-069
    pub(super) fn of(subject: &SubjectId) -> Option<Self> {
        if subject.format() != "complex" {
            return None;
        }
        let mut members: Vec<_> = subject.members().iter().filter(|(name, _)| *name != "format").collect();
        members.sort_unstable_by_key(|(name, _)| *name);
        let text = |name: &str, value: &Value| {
            subject.part(name).map_or_else(|| value.to_string(), |part| part.canonical())
        };
        let names = members.iter().map(|(name, _)| (*name).clone()).collect();
        let values = members.iter().map(|(name, value)| SubjectName::of_text(&text(name, value))).collect();
        Some(Self { names, values })
    }
}

/// The wishes that one key of a view stands for: of each stream, by turn.
pub(super) type Wishes = BTreeMap<StreamNo, BTreeMap<u64, SubjectName>>;

/// All shapes.
#[derive(Debug, Default)]
pub(super) struct Shapes(BTreeMap<Box<[String]>, Shape>);

/// The wishes of one shape.
#[derive(Debug, Default)]
struct Shape {
    wishes: BTreeMap<(StreamNo, u64), Wish>,
    /// By the places of the members that events have as well.
    views: HashMap<Vec<usize>, HashMap<Vec<SubjectName>, Wishes>>,
}

#[derive(Debug)]
struct Wish {
    values: Box<[SubjectName]>,
    name: SubjectName,
}

/// Producers name the members of their events in a few ways; more than these are made again when they are asked for.
const VIEWS_MAX: usize = 32;

impl Shapes {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn insert(&mut self, members: &Members, stream: StreamNo, turn: u64, name: SubjectName) {
        let shape = self.0.entry(members.names.clone()).or_default();
        for (places, view) in &mut shape.views {
            let key = pick(&members.values, places);
            view.entry(key).or_default().entry(stream).or_default().insert(turn, name);
        }
        shape.wishes.insert((stream, turn), Wish { values: members.values.clone(), name });
    }

    pub(super) fn remove(&mut self, members: &Members, stream: StreamNo, turn: u64) {
        let Some(shape) = self.0.get_mut(&members.names) else { return };
        shape.wishes.remove(&(stream, turn));
        if shape.wishes.is_empty() {
            self.0.remove(&members.names);
            return;
        }
        for (places, view) in &mut shape.views {
            let key = pick(&members.values, places);
            let Some(wishes) = view.get_mut(&key) else { continue };
            let Some(of_stream) = wishes.get_mut(&stream) else { continue };
            of_stream.remove(&turn);
            if of_stream.is_empty() {
                wishes.remove(&stream);
            }
            if wishes.is_empty() {
                view.remove(&key);
            }
        }
    }

    /// The wishes that match an event about these members.
    // spec: SUB-062, SUB-065, SUB-068
    pub(super) fn matching(&mut self, event: &Members, matching: Matching) -> Vec<&Wishes> {
        for (names, shape) in &mut self.0 {
            shape.prepare(names, event, matching);
        }
        self.0.iter().filter_map(|(names, shape)| shape.matching(names, event, matching)).collect()
    }

    /// The same among some shapes.
    pub(super) fn matching_of<'a>(
        &mut self,
        shapes: impl Iterator<Item = &'a Box<[String]>> + Clone,
        event: &Members,
        matching: Matching,
    ) -> Vec<&Wishes> {
        for names in shapes.clone() {
            if let Some(shape) = self.0.get_mut(names) {
                shape.prepare(names, event, matching);
            }
        }
        shapes.filter_map(|names| self.0.get(names)?.matching(names, event, matching)).collect()
    }
}

impl Shape {
    /// Makes the view that an event of this shape looks from, if it is not there.
    fn prepare(&mut self, names: &[String], event: &Members, matching: Matching) {
        let (ours, _) = shared(names, event);
        if ours.is_empty() && matching != Matching::Literal || self.views.contains_key(&ours) {
            return;
        }
        if self.views.len() >= VIEWS_MAX
            && let Some(one) = self.views.keys().next().cloned()
        {
            self.views.remove(&one);
        }
        let mut view = HashMap::<_, Wishes>::new();
        for ((stream, turn), Wish { values, name }) in &self.wishes {
            view.entry(pick(values, &ours)).or_default().entry(*stream).or_default().insert(*turn, *name);
        }
        self.views.insert(ours, view);
    }

    fn matching(&self, names: &[String], event: &Members, matching: Matching) -> Option<&Wishes> {
        let (ours, theirs) = shared(names, event);
        if ours.is_empty() && matching != Matching::Literal {
            return None;
        }
        self.views.get(&ours)?.get(&pick(&event.values, &theirs))
    }
}

/// The places of the members that both have: in a shape, and in an event.
fn shared(names: &[String], event: &Members) -> (Vec<usize>, Vec<usize>) {
    let place = |(ours, name)| Some((ours, event.names.binary_search(name).ok()?));
    names.iter().enumerate().filter_map(place).unzip()
}

fn pick(values: &[SubjectName], places: &[usize]) -> Vec<SubjectName> {
    places.iter().map(|place| values[*place]).collect()
}
