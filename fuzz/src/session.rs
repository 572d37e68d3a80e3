//! A run of one target: the corpus first, then mutations of it; the seed decides which.

use std::panic::{AssertUnwindSafe, catch_unwind};

use fastrand::Rng;

use crate::{
    Target,
    mutate::{Pool, mutate},
};

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

    /// Tries one more input and returns it.
    ///
    /// # Errors
    /// When it makes the target panic.
    pub fn run_one(&mut self) -> Result<Vec<u8>, Crash> {
        let next = usize::try_from(self.executions).ok().and_then(|next| self.pool.inputs.get(next));
        let input = match next {
            Some(input) => input.clone(),
            None => {
                let from = self.pool.input(&mut self.rng).to_vec();
                mutate(&from, &self.pool, &mut self.rng)
            }
        };
        self.executions += 1;
        match catch_unwind(AssertUnwindSafe(|| (self.run)(&input))) {
            Ok(()) => Ok(input),
            Err(_) => Err(Crash { input }),
        }
    }
}
