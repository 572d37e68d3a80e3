//! The member names of one object, to find the one that is there twice.

use std::collections::BTreeSet;

use super::parser::Parser;

/// A handful of names is compared one by one, more are sorted: a long object costs no more than its length.
const FEW: usize = 16;

/// The names that were read so far.
pub(super) struct Names {
    /// The node of their object.
    object: usize,
    /// A bit for each, by length and last byte: one whose bit is free is new.
    bits: u64,
    sorted: Option<BTreeSet<Vec<u8>>>,
}

impl Names {
    pub(super) const fn of(object: usize) -> Self {
        Self { object, bits: 0, sorted: None }
    }

    /// Whether the name of this node was there before; it is from now on.
    #[inline]
    pub(super) fn have(&mut self, node: usize, parser: &Parser<'_>) -> bool {
        let name = parser.bytes(parser.nodes[node]);
        let last = name.last().copied().unwrap_or_default();
        let bit = 1 << (((name.len() * 8) ^ usize::from(last)) % 64);
        let free = self.bits & bit == 0;
        self.bits |= bit;
        if free && self.sorted.is_none() { false } else { self.find(name, node, parser) }
    }

    fn find(&mut self, name: &[u8], node: usize, parser: &Parser<'_>) -> bool {
        let mut before = before(node, self.object, parser);
        if self.sorted.is_none() && before.clone().nth(FEW).is_none() {
            return before.any(|known| known == name);
        }
        let sorted = self.sorted.get_or_insert_with(|| before.map(<[u8]>::to_owned).collect());
        !sorted.insert(name.to_owned())
    }
}

/// The names of an object before this node.
fn before<'p>(node: usize, object: usize, parser: &'p Parser<'_>) -> impl Iterator<Item = &'p [u8]> + Clone {
    let nodes = &parser.nodes[..node];
    let mut at = object + 1;
    std::iter::from_fn(move || {
        let name = *nodes.get(at)?;
        at = nodes[at + 1].next as usize;
        Some(parser.bytes(name))
    })
}
