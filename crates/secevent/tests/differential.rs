//! Ours beside two other implementations of JWS, on the same tokens: whole ones, and ones with one thing wrong.
//!
//! All answer one question: is this text a token that this key signed, with a JSON object inside? Claims are not judged
//! here. Where an answer differs from ours, [`DIFFERENCES`] says so and why, and each line of it is seen to be true.

#![expect(clippy::unwrap_used, reason = "the helpers are tests too")]

use std::{collections::BTreeMap, sync::LazyLock};

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use proptest::{prelude::*, sample::Index, strategy::ValueTree as _, test_runner::TestRunner};
use secevent::{Alg, JwkSet, Policy, Profile, Set, Signer as _, SigningKey, Timestamp};
use secevent_jose::{AlgSet, Compact, base64url, base64url_decode, json};
use serde_json::{Map, Value, json};
use testkit::PythonPeer;

const ALGS: [Alg; 5] = [Alg::Rs256, Alg::Ps256, Alg::Es256, Alg::Es384, Alg::EdDsa];

/// For each algorithm a key, and a second one that is not published.
static KEYS: LazyLock<Vec<[SigningKey; 2]>> = LazyLock::new(|| {
    let key = |alg, kid: &str| SigningKey::generate(alg).unwrap().with_kid(kid);
    ALGS.map(|alg| [key(alg, "k"), key(alg, "other")]).to_vec()
});

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Other {
    Jsonwebtoken,
    Joserfc,
}
use Other::{Joserfc, Jsonwebtoken};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Verdict {
    /// We take it, and the other does not.
    OnlyOurs,
    /// The other takes it, and we do not.
    OnlyTheirs,
}
use Verdict::{OnlyOurs, OnlyTheirs};

/// Change, who differs, how, and why that is as it should be.
const DIFFERENCES: &[(&str, Other, Verdict, &str)] = &[
    (
        "a member twice",
        Jsonwebtoken,
        OnlyTheirs,
        "two readers may keep different ones; RFC 7519 §4 lets us refuse (JWT-007)",
    ),
    (
        "a member twice",
        Joserfc,
        OnlyTheirs,
        "two readers may keep different ones; RFC 7519 §4 lets us refuse (JWT-007)",
    ),
    ("a member twice, one escaped", Jsonwebtoken, OnlyTheirs, "it is the same name (JWT-007)"),
    ("a member twice, one escaped", Joserfc, OnlyTheirs, "it is the same name (JWT-007)"),
    (
        "a member twice, further inside",
        Jsonwebtoken,
        OnlyTheirs,
        "no depth is safe: events are objects (JWT-007)",
    ),
    ("a member twice, further inside", Joserfc, OnlyTheirs, "no depth is safe: events are objects (JWT-007)"),
    ("an unknown member twice", Jsonwebtoken, OnlyTheirs, "a header is read as strictly as claims (JWT-007)"),
    (
        "nested 65 deep",
        Jsonwebtoken,
        OnlyTheirs,
        "we stop at 64, so that no token chooses how deep the stack grows",
    ),
    (
        "nested 65 deep",
        Joserfc,
        OnlyTheirs,
        "we stop at 64, so that no token chooses how deep the stack grows",
    ),
    ("nested 200 deep", Joserfc, OnlyTheirs, "Python stops near its recursion limit, 1000"),
    (
        "a header nested 65 deep",
        Jsonwebtoken,
        OnlyTheirs,
        "as for the payload; joserfc refuses the unknown member",
    ),
    ("70 KiB", Jsonwebtoken, OnlyTheirs, "we read 64 KiB at most (CHK-001)"),
    ("70 KiB", Joserfc, OnlyTheirs, "we read 64 KiB at most (CHK-001)"),
    (
        "crit of something unknown",
        Jsonwebtoken,
        OnlyTheirs,
        "it reads `crit` and does not act on it, against RFC 7515 §4.1.11 (JWT-021)",
    ),
    ("crit that is empty", Jsonwebtoken, OnlyTheirs, "RFC 7515 §4.1.11: it must not be (JWT-021)"),
    ("crit that is empty", Joserfc, OnlyTheirs, "RFC 7515 §4.1.11: it must not be (JWT-021)"),
    (
        "crit b64",
        Jsonwebtoken,
        OnlyTheirs,
        "RFC 7797 is an extension, and no profile of ours has it (JWT-021)",
    ),
    ("crit b64", Joserfc, OnlyTheirs, "RFC 7797 is an extension, and no profile of ours has it (JWT-021)"),
    (
        "kid of no key",
        Jsonwebtoken,
        OnlyTheirs,
        "they were given one key; we look for it by name, as in the issuer's set (CHK-005)",
    ),
    (
        "kid of no key",
        Joserfc,
        OnlyTheirs,
        "they were given one key; we look for it by name, as in the issuer's set (CHK-005)",
    ),
    (
        "kid that is null",
        Jsonwebtoken,
        OnlyTheirs,
        "serde reads null as absent; RFC 7515 §4.1.4 wants a string",
    ),
    ("typ that is null", Jsonwebtoken, OnlyTheirs, "likewise, RFC 7515 §4.1.9"),
    (
        "a jku that is a number",
        Jsonwebtoken,
        OnlyOurs,
        "members that bring a key are not read at all (BCP-016)",
    ),
    ("a jku that is a number", Joserfc, OnlyOurs, "members that bring a key are not read at all (BCP-016)"),
    ("a jku that is no URL", Joserfc, OnlyOurs, "likewise"),
    (
        "an unknown member",
        Joserfc,
        OnlyOurs,
        "RFC 7515 §4: it must be ignored; joserfc does so unless it checks strictly",
    ),
    (
        "a header of 600 bytes",
        Joserfc,
        OnlyOurs,
        "joserfc stops at 512 bytes; our limit is that of the token",
    ),
    ("NaN", Joserfc, OnlyTheirs, "Python's json takes it; RFC 8259 does not"),
    (
        "a number beyond f64",
        Joserfc,
        OnlyTheirs,
        "Python reads infinity; a number that cannot be read is none (BCP-012)",
    ),
    ("a lone surrogate", Joserfc, OnlyTheirs, "Python keeps it; it is no Unicode text"),
    (
        "a byte order mark",
        Joserfc,
        OnlyTheirs,
        "Python guesses the encoding of bytes; RFC 8259 §8.1 lets us refuse",
    ),
    ("a byte order mark before the header", Joserfc, OnlyTheirs, "likewise"),
];

/// Where a token was changed. The name of a change is the first column of [`DIFFERENCES`].
#[derive(Clone, Debug)]
enum Place {
    /// The text of the token.
    Text(fn(&str) -> String),
    /// The bytes of one part, after signing.
    Part(usize, fn(Vec<u8>) -> Vec<u8>),
    /// The header, as JSON text with its closing brace taken off; signed after the change.
    Header(fn(&str) -> String),
    /// The payload, likewise.
    Payload(fn(&str) -> String),
    /// Signed by another key.
    Key,
    /// Nothing.
    Nowhere,
}
use Place::{Header, Key, Nowhere, Part, Payload, Text};

/// One thing at a time. `open` is an object without its closing brace.
const CHANGES: &[(&str, Place)] = &[
    ("none", Nowhere),
    ("another key", Key),
    // The text.
    ("a line break at the end", Text(|token| format!("{token}\n"))),
    ("a space in front", Text(|token| format!(" {token}"))),
    ("a period at the end", Text(|token| format!("{token}."))),
    ("a fourth part", Text(|token| format!("{token}.e30"))),
    ("padding in the header", Text(|token| token.replacen('.', "=.", 1))),
    ("padding in the payload", Text(|token| format!("{}=.{}", cut(token, 2).0, cut(token, 2).1))),
    ("padding in the signature", Text(|token| format!("{token}="))),
    ("stray bits in the signature", Text(stray_bits)),
    ("no signature", Text(|token| format!("{}.", cut(token, 2).0))),
    ("the signature left out", Text(|token| cut(token, 2).0.to_owned())),
    ("half of it", Text(|token| token[..token.len() / 2].to_owned())),
    ("JSON serialisation", Text(json_serialisation)),
    // A part, after signing.
    ("a bit of the header", Part(0, flip)),
    ("a bit of the payload", Part(1, flip)),
    ("a bit of the signature", Part(2, flip)),
    ("a byte more of signature", Part(2, |bytes| [bytes, vec![0]].concat())),
    // The last one: some read an RSA signature without its first byte, when that is zero, as the same number.
    ("a byte less of signature", Part(2, |bytes| bytes[..bytes.len() - 1].to_vec())),
    ("a signature of zeros", Part(2, |bytes| vec![0; bytes.len()])),
    // The header, signed.
    ("no typ", Header(|open| open.replace(r#""typ":"secevent+jwt","#, "") + "}")),
    ("typ that is a number", Header(|open| open.replace(r#""secevent+jwt""#, "1") + "}")),
    ("typ that is null", Header(|open| open.replace(r#""secevent+jwt""#, "null") + "}")),
    ("alg none", Header(|open| alg(open, r#""none""#))),
    ("alg HS256", Header(|open| alg(open, r#""HS256""#))),
    ("alg in lower case", Header(|open| open.to_lowercase() + "}")),
    (
        "alg of another family",
        Header(|open| alg(open, if open.contains("ES") { r#""RS256""# } else { r#""ES256""# })),
    ),
    ("alg missing", Header(|open| open.replace("\"alg\"", "\"gla\"") + "}")),
    ("alg that is an array", Header(|open| alg(open, r#"["ES256"]"#))),
    ("alg twice", Header(|open| format!(r#"{open},"alg":"none"}}"#))),
    ("no kid", Header(|open| open.replace(r#","kid":"k""#, "") + "}")),
    ("kid of no key", Header(|open| open.replace(r#""kid":"k""#, r#""kid":"x""#) + "}")),
    ("kid that is a number", Header(|open| open.replace(r#""kid":"k""#, r#""kid":1"#) + "}")),
    ("kid that is null", Header(|open| open.replace(r#""kid":"k""#, r#""kid":null"#) + "}")),
    ("crit of something unknown", Header(|open| format!(r#"{open},"crit":["x"],"x":1}}"#))),
    ("crit that is empty", Header(|open| format!(r#"{open},"crit":[]}}"#))),
    ("crit that is no array", Header(|open| format!(r#"{open},"crit":true}}"#))),
    ("crit b64", Header(|open| format!(r#"{open},"crit":["b64"],"b64":true}}"#))),
    ("an unknown member", Header(|open| format!(r#"{open},"x":{{"y":[1]}}}}"#))),
    ("an unknown member twice", Header(|open| format!(r#"{open},"x":1,"x":2}}"#))),
    ("a jku", Header(|open| format!(r#"{open},"jku":"https://attacker.example/jwks"}}"#))),
    ("a jku that is no URL", Header(|open| format!(r#"{open},"jku":"here"}}"#))),
    ("a jku that is a number", Header(|open| format!(r#"{open},"jku":1}}"#))),
    ("a jwk that is no key", Header(|open| format!(r#"{open},"jwk":{{}}}}"#))),
    ("cty JWT", Header(|open| format!(r#"{open},"cty":"JWT"}}"#))),
    ("cty that is a number", Header(|open| format!(r#"{open},"cty":1}}"#))),
    ("a header of 600 bytes", Header(|open| format!(r#"{open},"x5t":"{}"}}"#, "A".repeat(512)))),
    ("a header nested 65 deep", Header(|open| format!(r#"{open},"x":{}}}"#, nested(64)))),
    ("a header that is an array", Header(|open| format!("[{open}}}]"))),
    ("a header cut off", Header(str::to_owned)),
    ("white space in the header", Header(|open| format!(" {}\r\n}}\n", open.replace(',', " ,\t")))),
    ("escapes in the header", Header(|open| open.replace("alg", "\\u0061lg") + "}")),
    ("a byte order mark before the header", Header(|open| format!("\u{feff}{open}}}"))),
    ("something after the header", Header(|open| format!("{open}}}x"))),
    // The payload, signed.
    ("a member twice", Payload(|open| format!(r#"{open},"m":1,"m":2}}"#))),
    ("a member twice, one escaped", Payload(|open| format!(r#"{open},"m":1,"\u006d":2}}"#))),
    ("a member twice, further inside", Payload(|open| format!(r#"{open},"m":[{{"n":1,"n":1}}]}}"#))),
    ("nested 64 deep", Payload(|open| format!(r#"{open},"m":{}}}"#, nested(63)))),
    ("nested 65 deep", Payload(|open| format!(r#"{open},"m":{}}}"#, nested(64)))),
    ("nested 200 deep", Payload(|open| format!(r#"{open},"m":{}}}"#, nested(200)))),
    ("nested 20000 deep", Payload(|open| format!(r#"{open},"m":{}}}"#, nested(20_000)))),
    ("a number beyond f64", Payload(|open| format!(r#"{open},"m":1e400}}"#))),
    ("NaN", Payload(|open| format!(r#"{open},"m":NaN}}"#))),
    ("a lone surrogate", Payload(|open| format!(r#"{open},"m":"\ud800"}}"#))),
    ("a pair of surrogates", Payload(|open| format!(r#"{open},"m":"\ud83d\ude00"}}"#))),
    ("a control character", Payload(|open| format!("{open},\"m\":\"\n\"}}"))),
    ("a trailing comma", Payload(|open| format!("{open},}}"))),
    ("something after the payload", Payload(|open| format!("{open}}}{{}}"))),
    ("white space around the payload", Payload(|open| format!("\n {open}\t}}\r\n"))),
    ("a byte order mark", Payload(|open| format!("\u{feff}{open}}}"))),
    ("a payload that is an array", Payload(|open| format!("[{open}}}]"))),
    ("a payload that is text", Payload(|_| "\"text\"".to_owned())),
    ("a payload that is null", Payload(|_| "null".to_owned())),
    ("no payload", Payload(|_| String::new())),
    ("a payload cut off", Payload(str::to_owned)),
    ("exp that is past", Payload(|open| format!(r#"{open},"exp":1}}"#))),
    ("70 KiB", Payload(|open| format!(r#"{open},"m":"{}"}}"#, "a".repeat(70 * 1024)))),
];

/// Before the part of this number, counted from 0, and after.
fn cut(token: &str, part: usize) -> (&str, &str) {
    let (at, _) = token.match_indices('.').nth(part - 1).unwrap();
    (&token[..at], &token[at + 1..])
}

fn alg(open: &str, value: &str) -> String {
    let (_, rest) = open.split_once(r#""alg":""#).unwrap();
    let (name, _) = rest.split_once('"').unwrap();
    open.replacen(&format!("\"{name}\""), value, 1) + "}"
}

fn nested(depth: usize) -> String {
    format!("{}1{}", "[".repeat(depth), "]".repeat(depth))
}

/// The last character stands for the same bytes, and is not the one that encoders write.
fn stray_bits(token: &str) -> String {
    let (before, last) = token.split_at(token.len() - 1);
    let next = char::from(last.as_bytes()[0] + 1);
    format!("{before}{next}")
}

fn json_serialisation(token: &str) -> String {
    let ((signed, signature), (header, payload)) = (cut(token, 2), cut(cut(token, 2).0, 1));
    assert!(signed.len() > signature.len() || !signed.is_empty());
    json!({ "protected": header, "payload": payload, "signature": signature }).to_string()
}

fn flip(mut bytes: Vec<u8>) -> Vec<u8> {
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    bytes
}

/// A token and how it came to be.
#[derive(Debug)]
struct Case {
    alg: usize,
    change: &'static str,
    token: String,
}

/// Members of few kinds. Floats are eighths, which every parser reads exactly.
fn members() -> impl Strategy<Value = Map<String, Value>> {
    let value = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        (-999..999).prop_map(|eighths| json!(f64::from(eighths) / 8.0)),
        "\\PC{0,12}".prop_map(Value::from),
        prop::collection::vec("[a-z]{0,4}", 0..4).prop_map(Value::from),
        ("[a-z]{1,4}", any::<u8>()).prop_map(|(name, value)| json!({ name: [value, null] })),
    ];
    let members = prop::collection::vec(("[a-l]{1,6}", value), 0..6);
    members.prop_map(|members| {
        [("iss".to_owned(), json!("https://idp.example"))].into_iter().chain(members).collect()
    })
}

fn case() -> impl Strategy<Value = Case> {
    (0..ALGS.len(), any::<Index>(), members()).prop_map(|(alg, change, members)| {
        let (change, place) = change.get(CHANGES);
        Case { alg, change, token: make(&KEYS[alg], place, members) }
    })
}

fn make([key, other]: &[SigningKey; 2], place: &Place, members: Map<String, Value>) -> String {
    let open = |value: Value| value.to_string().strip_suffix('}').unwrap().to_owned();
    let closed = |text: String| if text.ends_with('}') { text } else { text + "}" };
    let header = open(json!({ "typ": "secevent+jwt", "alg": key.alg().name(), "kid": "k" }));
    let payload = open(members.into());
    let (header, payload) = match place {
        Header(change) => (change(&header), closed(payload)),
        Payload(change) => (closed(header), change(&payload)),
        _ => (closed(header), closed(payload)),
    };
    let signer = if matches!(place, Key) { other } else { key };
    let input = format!("{}.{}", base64url(header.as_bytes()), base64url(payload.as_bytes()));
    let token = format!("{input}.{}", base64url(&signer.sign(input.as_bytes()).unwrap()));
    match place {
        Text(change) => change(&token),
        Part(at, change) => {
            let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
            parts[*at] = base64url(&change(base64url_decode(&parts[*at]).unwrap()));
            parts.join(".")
        }
        _ => token,
    }
}

/// The claims of a token that is ours by signature and shape.
fn ours(case: &Case) -> Option<Value> {
    let keys = JwkSet::new(vec![KEYS[case.alg][0].verifying_key().clone()]);
    let jws = Compact::parse(&case.token).ok()?;
    let key = keys.find(jws.alg().ok()?, jws.header().kid()).ok()?;
    let payload = jws.verify(key, AlgSet::of(&[ALGS[case.alg]])).ok()?;
    Some(json::parse_object(payload).ok()?.into())
}

fn jsonwebtoken(case: &Case) -> Option<Value> {
    let jwk = Value::Object(KEYS[case.alg][0].verifying_key().to_jwk());
    let key = DecodingKey::from_jwk(&serde_json::from_value(jwk).unwrap()).unwrap();
    let mut validation = Validation::new(ALGS[case.alg].name().parse().unwrap());
    validation.required_spec_claims.clear();
    (validation.validate_exp, validation.validate_aud) = (false, false);
    let read = jsonwebtoken::decode::<Map<String, Value>>(&case.token, &key, &validation);
    read.ok().map(|read| read.claims.into())
}

/// What joserfc reads of each token; `None` where there is no joserfc.
fn joserfc(cases: &[Case]) -> Option<Vec<Option<Value>>> {
    let mut joserfc = PythonPeer::start(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/differential.py"))?;
    let read = |case: &Case| {
        let jwk = KEYS[case.alg][0].verifying_key().to_jwk();
        let answer = joserfc.ask(json!({ "alg": ALGS[case.alg].name(), "jwk": jwk, "token": case.token }));
        // What Python takes as JSON, we may not.
        let claims = answer["claims"].as_str()?;
        Some(serde_json::from_str(claims).unwrap_or(Value::Null))
    };
    Some(cases.iter().map(read).collect())
}

/// Every change with every algorithm, and as many more as wanted; the same ones each time.
fn cases(more: usize) -> Vec<Case> {
    let mut runner = TestRunner::deterministic();
    let draw = |runner: &mut TestRunner| members().new_tree(runner).unwrap().current();
    let mut cases = Vec::new();
    for (change, place) in CHANGES {
        for (alg, keys) in KEYS.iter().enumerate() {
            cases.push(Case { alg, change, token: make(keys, place, draw(&mut runner)) });
        }
    }
    cases.extend((0..more).map(|_| case().new_tree(&mut runner).unwrap().current()));
    cases
}

/// Every difference is listed, and every listed one is there.
fn compare(other: Other, cases: &[Case], answers: &[Option<Value>]) {
    let mut found: BTreeMap<(&str, Verdict), usize> = BTreeMap::new();
    for (case, theirs) in cases.iter().zip(answers) {
        let verdict = match (ours(case), theirs) {
            (Some(ours), Some(theirs)) => {
                assert_eq!(&ours, theirs, "{}: {}", case.change, case.token);
                continue;
            }
            (None, None) => continue,
            (Some(_), None) => OnlyOurs,
            (None, Some(_)) => OnlyTheirs,
        };
        *found.entry((case.change, verdict)).or_default() += 1;
    }
    let listed = DIFFERENCES.iter().filter(|difference| difference.1 == other);
    let listed: BTreeMap<_, _> = listed.map(|(change, _, verdict, why)| ((*change, *verdict), why)).collect();
    let unlisted: Vec<_> = found.keys().filter(|key| !listed.contains_key(*key)).collect();
    let gone: Vec<_> = listed.keys().filter(|key| !found.contains_key(*key)).collect();
    assert!(
        unlisted.is_empty() && gone.is_empty(),
        "{other:?}: not listed {unlisted:#?}, no longer there {gone:#?}"
    );
}

// spec: JWT-001, JWT-005, JWT-007, JWT-021, JWT-022, JWT-023, BCP-001, BCP-026
#[test]
fn jsonwebtoken_reads_the_same_tokens() {
    let cases = cases(1000);
    let answers: Vec<_> = cases.iter().map(jsonwebtoken).collect();
    compare(Jsonwebtoken, &cases, &answers);
}

// spec: JWT-001, JWT-005, JWT-007, JWT-021, JWT-022, JWT-023, BCP-001, BCP-026
#[test]
fn joserfc_reads_the_same_tokens() {
    let cases = cases(0);
    let Some(answers) = joserfc(&cases) else { return };
    compare(Joserfc, &cases, &answers);
}

/// A token that nothing was done to is taken by all, whatever the algorithm.
#[test]
fn whole_tokens_are_taken() {
    let whole = cases(0).into_iter().filter(|case| case.change == "none");
    assert_eq!(whole.filter(|case| ours(case).is_some() && jsonwebtoken(case).is_some()).count(), ALGS.len());
}

// spec: BCP-001
#[test]
fn a_token_with_a_mac_is_theirs_alone() {
    let token = String::from_utf8(testkit::bytes("rfc7515-1.jwt")).unwrap();
    let jwk: Map<String, Value> = json::parse_object(&testkit::bytes("rfc7515-2.json")).unwrap();
    let key = DecodingKey::from_jwk(&serde_json::from_value(jwk.clone().into()).unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_exp = false;
    let read = jsonwebtoken::decode::<Map<String, Value>>(token.trim_end(), &key, &validation).unwrap();
    assert_eq!(read.claims["iss"], "joe");

    let keys = JwkSet::parse(json!({ "keys": [jwk] }).to_string().as_bytes()).unwrap();
    assert_eq!((keys.keys().len(), keys.skipped().len()), (0, 1));
    let policy = Policy::new(Profile::SET, "joe", "anybody");
    let error = Set::parse(token.trim_end()).unwrap().verify(&keys, &policy, Timestamp(0)).unwrap_err();
    assert_eq!(error.findings()[0].id, "CHK-003");
}
