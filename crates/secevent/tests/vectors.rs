//! The vectors of this workspace, judged as their manifest says; one test per question.

use secevent::{
    Finding, JwkSet, Level, Matching, Policy, Profile, Set, Signer, SigningKey, SubjectId, Timestamp, danger,
    explain,
};
use secevent_jose::{Alg, base64url, json};
use serde_json::Value;
use testkit::Vector;

/// What `derived-jws-*.jwt` suppose: their issuer, audience and clock.
const ISS: &str = "https://tr.example.com";
const AUD: &str = "https://rx.example.com";
const NOW: Timestamp = Timestamp(1_767_225_660);

const CLAIMS: [&str; 3] = ["set", "logout-token", "jwt-claims"];
const SUBJECTS: [&str; 5] =
    ["subject", "sub-id-fragment", "jwt-claims", "add-subject-request", "remove-subject-request"];

/// Compares the verdicts of these kinds of files on one question and shows all that differ.
fn compare(kinds: &[&str], question: &str, judge: impl Fn(&Vector) -> String) {
    let mut judged = 0;
    let mut differences = Vec::new();
    for vector in testkit::vectors().iter().filter(|vector| kinds.contains(&vector.kind.as_str())) {
        let Some(expected) = vector.expected.get(question).and_then(Value::as_str) else { continue };
        let found = judge(vector);
        judged += 1;
        if found != expected && found.split(": ").next() != Some(expected) {
            differences
                .push(format!("{} ({}): expected {expected}, found {found}", vector.file, vector.title));
        }
    }
    assert!(judged > 0, "no vector answers {question}");
    assert!(differences.is_empty(), "{question}:\n{}", differences.join("\n"));
}

fn verdict(findings: &[Finding]) -> String {
    let word = match findings.iter().map(|finding| finding.level).max() {
        Some(Level::Error) => "invalid",
        Some(Level::Lenient) => "lenient-only",
        Some(Level::OutsideProfile) => "outside-profile",
        _ => "valid",
    };
    let broken = findings.iter().filter(|finding| finding.level > Level::Warning);
    broken.fold(word.to_owned(), |words, finding| format!("{words}: {finding}"))
}

fn claims_under(profile: Profile) -> impl Fn(&Vector) -> String {
    move |vector| verdict(&explain::judge_claims(&vector.bytes(), &profile))
}

// spec: JWT-004, JWT-006, JWT-007, BCP-012, SCIM-070, RISC-035
#[test]
fn json_is_read_strictly() {
    compare(&[&CLAIMS[..], &SUBJECTS[..]].concat(), "json", |vector| match json::parse(&vector.bytes()) {
        Ok(_) => "valid".to_owned(),
        Err(error) if error.is_duplicate() => "valid (duplicate members)".to_owned(),
        Err(error) => format!("invalid: {error}"),
    });
}

// spec: SET-004, SET-006, SET-007, SET-008, SET-016, SET-018, SET-019, SET-056, JWT-007, JWT-010
#[test]
fn rfc8417_verdicts() {
    compare(&CLAIMS, "rfc8417", claims_under(Profile::SET));
}

// spec: SSF-002, SSF-003, SSF-004, SUB-041, SUB-043, SSF-183, SSF-198, CHK-007, CHK-008, CHK-009
#[test]
fn ssf_verdicts() {
    compare(&CLAIMS, "ssf", claims_under(Profile::SSF));
}

// spec: CIOP-023, CIOP-025, CIOP-028, CIOP-042, CIOP-046, CIOP-048, CHK-012
#[test]
fn interop_verdicts() {
    compare(&CLAIMS, "interop", claims_under(Profile::CAEP_INTEROP));
}

// spec: CAEP-005, CAEP-015, CAEP-020, CAEP-023, CAEP-029, CAEP-033, CAEP-036, CAEP-037, RISC-016, SCIM-006, SCIM-021, SCIM-022, SCIM-050, CHK-013
#[test]
fn event_verdicts() {
    compare(&CLAIMS, "event", |vector| verdict(&explain::judge_events(&vector.bytes())));
}

// spec: BCL-014, BCL-015, BCL-017, BCL-019, BCL-044, BCL-045, BCL-046
#[test]
fn logout_verdicts() {
    compare(&CLAIMS, "logout", claims_under(Profile::LOGOUT));
    compare(&CLAIMS, "logout_2022", claims_under(Profile::LOGOUT_2022));
}

// spec: SUB-002, SUB-013, SUB-015, SUB-016, SUB-017, SUB-019, SUB-024, SUB-025, SUB-026, SUB-048, SUB-051, SUB-052, SUB-075
#[test]
fn subject_verdicts() {
    compare(&SUBJECTS, "subject", |vector| {
        let Ok(document) = json::parse(&vector.bytes()) else { return "invalid: not strict JSON".to_owned() };
        let member = match vector.kind.as_str() {
            "subject" => Some(&document),
            "add-subject-request" | "remove-subject-request" => document.get("subject"),
            _ => document.get("sub_id"),
        };
        match member.map(SubjectId::from_json) {
            Some(Ok(_)) => "valid".to_owned(),
            Some(Err(findings)) => format!("invalid: {}", verdict(&findings)),
            None => "no subject".to_owned(),
        }
    });
}

/// A token as its file holds it.
fn token(vector: &Vector) -> String {
    String::from_utf8(vector.bytes()).expect("tokens are ASCII")
}

fn verify(token: &str, keys: &JwkSet, profile: Profile) -> &'static str {
    let policy = Policy::new(profile, ISS, AUD);
    if Set::parse(token).and_then(|set| set.verify(keys, &policy, NOW)).is_ok() { "accept" } else { "reject" }
}

// spec: JWT-001, JWT-005, JWT-021, JWT-022, JWT-023, BCP-001, BCP-002, BCP-005, BCP-008, BCP-016, BCP-026
// spec: SET-044, CHK-001, CHK-003, CHK-005, CHK-006, CHK-011, CIOP-026
#[test]
fn signed_tokens() {
    let keys = JwkSet::parse(&testkit::bytes("derived-jwks.json")).expect("the keys are fine");
    compare(&["set-compact"], "verify", |vector| {
        let token = token(vector);
        let ssf = verify(&token, &keys, Profile::SSF);
        match vector.expected["verify"].as_str() {
            Some(words @ "accept if allowed; reject under Interop")
                if (ssf, verify(&token, &keys, Profile::CAEP_INTEROP)) == ("accept", "reject") =>
            {
                words.to_owned()
            }
            // The line break is never trimmed, so the answer is always the same.
            Some(words @ "accept or reject, be consistent") if Set::parse(&token).is_err() => {
                words.to_owned()
            }
            _ => ssf.to_owned(),
        }
    });
}

// spec: JWT-001, JWT-020, SET-035, SET-044
#[test]
fn unverifiable_tokens_can_be_shown() {
    compare(&["set-compact", "jwt-compact"], "parse", |vector| match danger::peek(&token(vector)) {
        Ok(_) => "valid".to_owned(),
        Err(error) => format!("invalid: {error}"),
    });
    let judge = |file: &str, profile| {
        let inspection = explain::inspect(&token(&testkit::vector(file)), &profile).expect("it can be shown");
        inspection
            .findings
            .iter()
            .filter(|finding| finding.level == Level::Error)
            .map(|f| f.id)
            .collect::<Vec<_>>()
    };
    // HS256, `typ` JWT, no event: no SET in any way.
    assert_eq!(judge("rfc7515-1.jwt", Profile::SET), ["CHK-003", "SET-032", "SET-019", "SET-018", "SET-004"]);
    assert_eq!(judge("rfc8417-6.jwt", Profile::SET), ["CHK-003"]);
    assert!(judge("rfc8935-1.jwt", Profile::SSF).contains(&"SSF-004"));
}

fn table(file: &str) -> Vec<Value> {
    serde_json::from_slice(&testkit::bytes(file)).expect("a table")
}

// spec: SUB-010, SUB-061, SUB-062, SUB-065, SUB-067, SUB-068, SUB-069, SUB-070, SUB-071
#[test]
fn subjects_match_as_the_table_says() {
    let mut only_literal = Vec::new();
    for row in table("derived-table-2.json") {
        let side = |name: &str| SubjectId::from_json(&row[name]).expect("a subject");
        let (added, event) = (side("added"), side("event"));
        // What the specification leaves open (null) does not match.
        let expected = row["match"].as_bool().unwrap_or_default();
        assert_eq!(event.matches(&added, Matching::Literal), expected, "{row}");
        if event.matches(&added, Matching::SharedMember) != expected {
            only_literal.push(row["why"].as_str().unwrap_or_default().to_owned());
        }
    }
    assert_eq!(only_literal.len(), 1, "{only_literal:?}");
    assert!(only_literal[0].starts_with("disjoint members"), "{only_literal:?}");
}

/// A token with exactly this header, signed if there is a key for its algorithm.
fn with_header(header: &Value, keys: &[SigningKey]) -> String {
    let claims = testkit::bytes("derived-set-1.json");
    let input = format!("{}.{}", base64url(header.to_string().as_bytes()), base64url(&claims));
    let key = keys.iter().find(|key| header["alg"] == key.alg().name());
    let signature = key.map(|key| key.sign(input.as_bytes()).expect("it signs"));
    format!("{input}.{}", base64url(&signature.unwrap_or_default()))
}

// spec: SSF-001, SET-029, SET-033, BCP-016, BCP-017, BCP-023, JWT-021, CHK-002, CHK-003, CIOP-026
#[test]
fn headers_are_accepted_as_the_table_says() {
    let keys = [Alg::Rs256, Alg::Es256].map(|alg| SigningKey::generate(alg).expect("a key").with_kid("k"));
    let jwks = JwkSet::new(keys.iter().map(|key| key.verifying_key().clone()).collect());
    for row in table("derived-table-3.json") {
        let token = with_header(&row["header"], &keys);
        // A key or key URL in the header is ignored, and the published key is used.
        let expected = if row["ssf"] == "reject" { "reject" } else { "accept" };
        assert_eq!(verify(&token, &jwks, Profile::SSF), expected, "{row}");
        let interop = row["interop"].as_str().unwrap_or(expected);
        assert_eq!(verify(&token, &jwks, Profile::CAEP_INTEROP), interop, "interop: {row}");
    }
}
