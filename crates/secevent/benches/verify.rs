//! What a whole verification costs over the bare signature check, beside jsonwebtoken on the same tokens.
//!
//! Each round runs every contender once, in turn, so that whatever else the machine does hits all of them alike.
//! Printed are medians over rounds and their ratios. Run with `cargo bench -p secevent`.

use std::{hint::black_box, time::Instant};

use jsonwebtoken::{DecodingKey, Validation};
use secevent::{Alg, JwkSet, Policy, Set, SigningKey, Timestamp, danger};
use secevent_jose::base64url_decode;
use serde_json::Value;

const ROUNDS: usize = 200;
const ISS: &str = "https://idp.example.com/123456789/";
const AUD: &str = "https://sp.example.com/caep";
const NOW: Timestamp = Timestamp(1_615_305_200);

fn main() {
    // For a profiler that counts: `--count N` verifies one token N times and nothing else.
    let mut arguments = std::env::args().skip_while(|argument| argument != "--count").skip(1);
    if let Some(times) = arguments.next().and_then(|times| times.parse::<u32>().ok()) {
        let (key, token) = token(Alg::EdDsa);
        let (jwks, policy) = (JwkSet::new(vec![key.verifying_key().clone()]), Policy::ssf(ISS, AUD));
        for _ in 0..times {
            drop(Set::parse(black_box(&token)).and_then(|set| set.verify(&jwks, &policy, NOW)));
        }
        return;
    }
    println!("caep-4.json minified, as compact token; medians of {ROUNDS} rounds\n");
    println!(
        "{:<8} {:>10} {:>10} {:>8} {:>14} {:>8}",
        "", "raw us", "ours us", "ratio", "jsonwebtoken", "ratio"
    );
    for alg in [Alg::Es256, Alg::EdDsa, Alg::Rs256] {
        row(alg);
    }
    parse_only();
}

fn token(alg: Alg) -> (SigningKey, String) {
    let key = SigningKey::generate(alg).expect("keys can be made");
    let claims: Value = serde_json::from_slice(&testkit::bytes("caep-4.json")).expect("the vector is JSON");
    let payload = claims.to_string();
    let token =
        secevent_jose::jws::sign(Some("secevent+jwt"), payload.as_bytes(), &key).expect("it can be signed");
    (key, token)
}

fn row(alg: Alg) {
    let (key, token) = token(alg);
    let jwks = JwkSet::new(vec![key.verifying_key().clone()]);
    let policy = Policy::ssf(ISS, AUD);
    let (input, signature) = token.rsplit_once('.').expect("a compact token");
    let signature = base64url_decode(signature).expect("base64url");
    let raw = key.verifying_key();
    let (theirs, validation) = theirs(&key, alg);
    let contenders: [&dyn Fn(); 3] = [
        &|| raw.verify(alg, black_box(input.as_bytes()), &signature).expect("it verifies"),
        &|| {
            let set = Set::parse(black_box(&token)).and_then(|set| set.verify(&jwks, &policy, NOW));
            black_box(set.expect("it verifies"));
        },
        &|| {
            let data = jsonwebtoken::decode::<Value>(black_box(token.as_str()), &theirs, &validation);
            black_box(data.expect("it verifies"));
        },
    ];
    let [raw, ours, theirs] = measure(contenders, 20);
    println!(
        "{:<8} {raw:>10.2} {ours:>10.2} {:>8.3} {theirs:>14.2} {:>8.3}",
        alg.name(),
        ours / raw,
        theirs / raw
    );
}

/// Everything but the signature.
fn parse_only() {
    let (_, token) = token(Alg::EdDsa);
    let policy = Policy::ssf(ISS, AUD);
    let ours = || {
        let claims = danger::verified_before(black_box(&token), &policy, NOW);
        black_box(claims.expect("it keeps the rules"));
    };
    let theirs = || {
        let data = jsonwebtoken::dangerous::insecure_decode::<Value>(black_box(token.as_str()));
        black_box(data.expect("it parses"));
    };
    let [ours, theirs] = measure([&ours, &theirs], 200);
    println!(
        "\nwithout the signature: ours {ours:.3} us, jsonwebtoken {theirs:.3} us, ratio {:.2}",
        theirs / ours
    );
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn measure<const N: usize>(contenders: [&dyn Fn(); N], repeat: u32) -> [f64; N] {
    let mut times = [const { Vec::new() }; N];
    for _ in 0..ROUNDS {
        for (contender, times) in contenders.iter().zip(&mut times) {
            let start = Instant::now();
            (0..repeat).for_each(|_| contender());
            times.push(start.elapsed().as_secs_f64() * 1e6 / f64::from(repeat));
        }
    }
    times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[ROUNDS / 2]
    })
}

fn theirs(key: &SigningKey, alg: Alg) -> (DecodingKey, Validation) {
    let jwk = Value::Object(key.verifying_key().to_jwk());
    let jwk = serde_json::from_value(jwk).expect("they read our JWK");
    let mut validation = Validation::new(alg.name().parse().expect("they have the algorithm"));
    validation.set_issuer(&[ISS]);
    validation.set_audience(&[AUD]);
    validation.required_spec_claims.clear();
    (DecodingKey::from_jwk(&jwk).expect("they take our key"), validation)
}
