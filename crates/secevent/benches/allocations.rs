//! How often a verification asks for memory, and for how much. Run with `cargo bench -p secevent --bench allocations`.

use secevent::{Alg, JwkSet, Policy, Set, SigningKey, Timestamp};
use serde_json::Value;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const NOW: Timestamp = Timestamp(1_615_305_200);

fn main() {
    let key = SigningKey::generate(Alg::Ed25519).expect("keys can be made");
    let claims: Value = serde_json::from_slice(&testkit::bytes("caep-4.json")).expect("the vector is JSON");
    let payload = claims.to_string();
    let token =
        secevent_jose::sign(Some("secevent+jwt"), payload.as_bytes(), &key).expect("it can be signed");
    let jwks = JwkSet::new(vec![key.verifying_key().clone()]);
    let policy = Policy::ssf("https://idp.example.com/123456789/", "https://sp.example.com/caep");
    let verify = || Set::parse(&token).and_then(|set| set.verify(&jwks, &policy, NOW)).expect("it verifies");
    drop(verify());
    let profiler = dhat::Profiler::builder().testing().build();
    let before = dhat::HeapStats::get();
    let set = verify();
    let after = dhat::HeapStats::get();
    println!(
        "one verification of caep-4.json ({} bytes as a token): {} allocations, {} bytes; kept: {} bytes",
        token.len(),
        after.total_blocks - before.total_blocks,
        after.total_bytes - before.total_bytes,
        after.curr_bytes - before.curr_bytes,
    );
    drop((set, profiler));
}
