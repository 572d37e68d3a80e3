//! A run of one target: inputs in an order that the seed decides.

use std::panic::catch_unwind;

use fastrand::Rng;

use crate::{
    Target,
    mutate::{Pool, mutate},
};

/// The mutations of a target, for a fuzzer that chooses its inputs itself.
pub struct Mutator(Pool);

impl Mutator {
    /// Draws from the corpus of the target.
    pub fn new(target: &Target) -> Self {
        Self(Pool::new(target.corpus()))
    }

    /// One to eight changes of an input; the seed decides which.
    pub fn mutate(&self, input: &[u8], seed: u64) -> Vec<u8> {
        mutate(input, &self.0, &mut Rng::with_seed(seed))
    }
}

/// One target and where its run has got to.
pub struct Session {
    run: fn(&[u8]),
    pool: Pool,
    rng: Rng,
    executions: u64,
}

/// An input that made the target panic. What it said is on stderr.
#[derive(Debug)]
pub struct Crash {
    /// The input.
    pub input: Vec<u8>,
}

impl Session {
    /// The same seed gives the same inputs, as long as corpus and mutations stay as they are.
    pub fn new(target: &Target, seed: u64) -> Self {
        Self { run: target.run, pool: Pool::new(target.corpus()), rng: Rng::with_seed(seed), executions: 0 }
    }

    /// How many inputs were tried.
    pub const fn executions(&self) -> u64 {
        self.executions
    }

    /// The next input: the corpus first, then mutations of it.
    pub fn next_input(&mut self) -> Vec<u8> {
        let next = usize::try_from(self.executions).unwrap_or(usize::MAX);
        self.executions += 1;
        if let Some(input) = self.pool.inputs.get(next) {
            return input.clone();
        }
        let from = self.pool.input(&mut self.rng).to_vec();
        mutate(&from, &self.pool, &mut self.rng)
    }

    /// Tries one more input and returns it.
    ///
    /// # Errors
    /// When it makes the target panic.
    pub fn run_one(&mut self) -> Result<Vec<u8>, Crash> {
        let input = self.next_input();
        if self.survives(&input) { Ok(input) } else { Err(Crash { input }) }
    }

    /// Whether the target does not panic on this input.
    pub fn survives(&self, input: &[u8]) -> bool {
        catch_unwind(|| (self.run)(input)).is_ok()
    }
}
