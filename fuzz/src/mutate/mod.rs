//! Mutation that knows compact tokens, PEM and JSON when it sees them, and bytes otherwise.
//!
//! Plain byte mutation hardly ever gets through base64url and a JSON parser; here most inputs stay well formed to
//! some depth, so that the code behind is reached.

mod bytes;
mod json;
mod pem;
mod token;

use fastrand::Rng;
use serde_json::Value;

/// A token and a request body are refused beyond 64 KiB, a key set beyond 256 KiB: more only takes time.
const INPUT_BYTES_MAX: usize = 300 * 1024;

/// What mutation draws from: other inputs, and the JSON values in them.
pub(crate) struct Pool {
    pub(crate) inputs: Vec<Vec<u8>>,
    pub(crate) values: Vec<Value>,
    pub(crate) names: Vec<String>,
}

impl Pool {
    pub(crate) fn new(inputs: Vec<Vec<u8>>) -> Self {
        let mut pool = Self { inputs, values: json::scalars(), names: vec!["a".to_owned()] };
        let documents: Vec<Value> = pool.inputs.iter().flat_map(|input| token::documents(input)).collect();
        for document in &documents {
            pool.harvest(document);
        }
        pool.names.sort();
        pool.names.dedup();
        pool
    }

    fn harvest(&mut self, value: &Value) {
        self.values.push(value.clone());
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.harvest(item)),
            Value::Object(members) => {
                self.names.extend(members.keys().cloned());
                members.values().for_each(|member| self.harvest(member));
            }
            _ => {}
        }
    }

    pub(crate) fn input(&self, rng: &mut Rng) -> &[u8] {
        rng.choice(&self.inputs).map_or(&[], Vec::as_slice)
    }

    fn value(&self, rng: &mut Rng) -> Value {
        rng.choice(&self.values).cloned().unwrap_or_default()
    }

    fn name(&self, rng: &mut Rng) -> String {
        rng.choice(&self.names).cloned().unwrap_or_default()
    }
}

/// One to eight changes, most often few.
pub(crate) fn mutate(input: &[u8], pool: &Pool, rng: &mut Rng) -> Vec<u8> {
    let mut output = input.to_vec();
    loop {
        output = once(&output, pool, rng);
        output.truncate(INPUT_BYTES_MAX);
        if rng.bool() {
            return output;
        }
    }
}

/// One change: to a part of a token if it is one, to a document if it is one, or to bytes.
fn once(input: &[u8], pool: &Pool, rng: &mut Rng) -> Vec<u8> {
    let structured = rng.u8(..8) > 0;
    if structured
        && let Some(output) = token::mutate(input, pool, rng)
            .or_else(|| pem::mutate(input, pool, rng))
            .or_else(|| json::mutate(input, pool, rng))
    {
        return output;
    }
    bytes::mutate(input, pool, rng)
}
