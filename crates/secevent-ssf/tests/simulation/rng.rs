//! One source of chance for a whole run, and the story it tells.

use std::{collections::BTreeMap, fmt::Write, ops::RangeInclusive};

use secevent_ssf::engine::Millis;

/// A generator of 64 bits of state: every choice of a run follows from its seed.
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number of this range.
    pub(crate) const fn within(&mut self, range: &RangeInclusive<u64>) -> u64 {
        *range.start() + self.next() % (*range.end() - *range.start() + 1)
    }

    /// True once in so many times.
    pub(crate) const fn once_in(&mut self, n: u64) -> bool {
        self.next().is_multiple_of(n)
    }

    pub(crate) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.index(from.len())].clone()
    }

    pub(crate) fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.next() % len as u64).expect("it is below a usize")
    }

    pub(crate) fn jitter(&mut self) -> u32 {
        u32::try_from(self.next() >> 32).expect("half of the bits")
    }
}

/// A hash over everything that happened, in words that can be shown.
pub(crate) struct Trace {
    hash: u64,
    loud: bool,
    /// How often what happened.
    pub(crate) counts: BTreeMap<&'static str, u64>,
}

impl Trace {
    pub(crate) const fn new(loud: bool) -> Self {
        Self { hash: 0xCBF2_9CE4_8422_2325, loud, counts: BTreeMap::new() }
    }

    pub(crate) fn note(&mut self, now: Millis, what: std::fmt::Arguments<'_>) {
        if self.loud {
            println!("{:>14} {what}", now.0);
        }
        write!(self, "{} {what};", now.0).expect("hashing cannot fail");
    }

    /// Counts that something happened which must not be missing in a thousand worlds.
    pub(crate) fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    pub(crate) const fn hash(&self) -> u64 {
        self.hash
    }
}

impl Write for Trace {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for byte in text.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
        Ok(())
    }
}
