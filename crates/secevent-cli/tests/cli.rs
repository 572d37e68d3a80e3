//! The program as people and scripts meet it: words, JSON and exit codes of the real binary.

mod common;

use std::{collections::BTreeSet, os::unix::fs::PermissionsExt, path::Path, process::Command};

use common::{ALGS, ALICE, AUD, Desk, ISS, NOW, Said};
use serde_json::{Value, json};

/// Every command that works without a network.
const COMMANDS: [&[&str]; 8] = [
    &[],
    &["keys"],
    &["keys", "generate"],
    &["keys", "public"],
    &["sign"],
    &["inspect"],
    &["validate"],
    &["verify"],
];

#[test]
fn every_command_has_help_with_examples_at_its_end() {
    let desk = Desk::new();
    let others: [&[&str]; 10] = [
        &["demo"],
        &["serve"],
        &["emit"],
        &["listen"],
        &["bench"],
        &["keys", "list"],
        &["keys", "rotate"],
        &["backup"],
        &["restore"],
        &["doctor"],
    ];
    let stream: [&[&str]; 11] = [
        &["stream"],
        &["stream", "list"],
        &["stream", "show"],
        &["stream", "create"],
        &["stream", "update"],
        &["stream", "delete"],
        &["stream", "status"],
        &["stream", "subjects"],
        &["stream", "subjects", "add"],
        &["stream", "subjects", "remove"],
        &["stream", "verify"],
    ];
    for command in COMMANDS.into_iter().chain(others).chain(stream) {
        let help = desk.run(&[command, &["--help"]].concat()).yes().out;
        let first = help.lines().next().unwrap();
        assert!(!first.ends_with('.') && first.starts_with(char::is_uppercase), "{command:?}: {first}");
        assert!(!examples(&help).is_empty(), "{command:?}");
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{command:?} is too wide: {help}");
    }
}

#[test]
fn every_example_of_the_help_works() {
    // Those that need a hub or its store, or never end, are tested beside hubs.
    let network = [
        "demo",
        "serve",
        "listen",
        "emit",
        "stream",
        "keys list",
        "keys rotate",
        "backup",
        "restore",
        "doctor",
        "dead-letters",
        "replay",
    ];
    let network = network.map(|command| format!("secevent {command}"));
    let help = |desk: &Desk, command: &[&str]| {
        let examples = examples(&desk.run(&[command, &["--help"]].concat()).out).replace("\\\n", " ");
        let alone = |line: &&str| !network.iter().any(|command| line.trim().starts_with(command));
        examples.lines().filter(alone).collect::<Vec<_>>().join("\n")
    };
    let from_nothing: [&[&str]; 3] = [&[], &["keys"], &["keys", "generate"]];
    for command in COMMANDS {
        let desk = Desk::new();
        if !from_nothing.contains(&command) {
            shell(&desk, &help(&desk, &[])).yes();
            shell(&desk, "secevent keys generate --alg RS256 --out rsa.jwk").yes();
            shell(&desk, &format!("secevent {LOGOUT} > logout.jwt")).yes();
        }
        shell(&desk, &help(&desk, command)).yes();
    }
}

const LOGOUT: &str = "sign --key key.jwk --iss https://idp.example --aud client-1 --event logout:backchannel-logout --sub alice";

/// The commands below `Examples:`, which is the last thing help says.
fn examples(help: &str) -> String {
    help.split_once("\nExamples:\n").expect("help has examples").1.to_owned()
}

/// A script in which `secevent` is the program under test.
fn shell(desk: &Desk, script: &str) -> Said {
    let program = Path::new(env!("CARGO_BIN_EXE_secevent"));
    let folder = program.parent().expect("the program lies in a folder").display();
    let script = format!("set -e\nPATH={folder}:$PATH\n{script}");
    desk.finish(Command::new("sh").args(["-c", &script]), "")
}

// spec: SET-037
#[test]
fn what_is_signed_verifies_with_every_algorithm() {
    let desk = Desk::new();
    for alg in ALGS {
        desk.key(alg, alg);
        let token = desk.sign(alg, &["--txn", "8675309", "--jti", "1"]);
        let verify = verify(&desk, alg, &["--iss", ISS, "--aud", AUD, "--alg", alg, &token]).yes();
        let claims = verify.json();
        assert_eq!(claims["jti"], "1", "{alg}");
        assert_eq!(claims["iat"], 1_767_225_600);
        assert!(verify.err.contains("valid: caep:session-revoked about alice@example.com"), "{}", verify.err);
    }
    let token = desk.sign("RS256", &[]);
    let other = verify(&desk, "ES256", &[&token]);
    assert_eq!((other.code, other.out.as_str()), (1, "invalid_key\n"));
}

fn verify(desk: &Desk, key: &str, more: &[&str]) -> Said {
    desk.run(&[&["verify", "--now", NOW, "--jwks", &format!("{key}.jwks")], more].concat())
}

// spec: SET-032, BCL-025, BCL-028, SSF-001
#[test]
fn the_event_decides_the_profile() {
    let desk = Desk::new();
    desk.key("k", "ES256");
    let base = ["--json", "sign", "--key", "k.jwk", "--iss", ISS, "--aud", AUD, "--now", NOW, "--event"];
    let scim = r#"{"format":"scim","uri":"/Users/44f6142df96bd6ab61e7521d9"}"#;
    for (event, more, typ) in [
        ("caep:session-revoked", ["--subject", ALICE], "secevent+jwt"),
        ("logout:backchannel-logout", ["--sub", "alice"], "logout+jwt"),
        ("scim:prov:delete", ["--subject", scim], "secevent+jwt"),
        ("https://example.com/own", ["--subject", ALICE], "secevent+jwt"),
    ] {
        let signed = desk.run(&[&base[..], &[event], &more].concat()).yes().json();
        let token = signed["token"].as_str().unwrap();
        let said = desk.run(&["inspect", "--json", token]).yes().json();
        assert_eq!(said["header"]["typ"], typ, "{event}");
        assert_eq!(said["header"]["kid"], signed["kid"], "{event}");
        assert_eq!(said["claims"], signed["claims"], "{event}");
        assert!(!said["findings"].to_string().contains("error"), "{event}: {}", said["findings"]);
        if typ == "logout+jwt" {
            assert_eq!(said["claims"]["exp"], 1_767_225_720);
        }
    }
}

#[test]
fn a_whole_claims_set_is_judged_and_then_signed_as_it_is() {
    let desk = Desk::new();
    desk.key("k", "Ed25519");
    let claims = testkit::bytes("derived-set-1.json");
    desk.write("claims.json", &claims);
    let token = desk.run(&["sign", "--key", "k.jwk", "--payload", "claims.json"]).yes().out;
    let said = desk.run_with(&["inspect", "--json"], token).yes().json();
    assert_eq!(said["claims"], serde_json::from_slice::<Value>(&claims).unwrap());

    let refused =
        desk.run_with(&["sign", "--key", "k.jwk", "--payload", "-"], testkit::bytes("derived-set-2.json"));
    assert_eq!((refused.code, refused.out.as_str()), (1, ""));
    assert!(refused.err.contains("error: not signed") && refused.err.contains("SET-019"), "{}", refused.err);
}

#[test]
fn private_keys_are_for_their_owner_and_are_not_replaced() {
    let desk = Desk::new();
    let generate = ["keys", "generate", "--alg", "ES256", "--kid", "mine", "--out", "k.jwk"];
    let made = desk.run(&generate).yes();
    assert_eq!(made.out, "");
    let bits = |file| std::fs::metadata(desk.path(file)).unwrap().permissions().mode() & 0o777;
    assert_eq!(bits("k.jwk"), 0o600);
    let before = desk.read("k.jwk");

    let again = desk.run(&generate);
    assert_eq!((again.code, desk.read("k.jwk") == before), (2, true));
    assert!(again.err.contains("k.jwk is there already") && again.err.contains("--force"), "{}", again.err);

    std::fs::set_permissions(desk.path("k.jwk"), PermissionsExt::from_mode(0o644)).unwrap();
    let forced = desk.run(&[&generate[..], &["--force", "--json"]].concat()).yes().json();
    assert_eq!(forced, json!({ "file": "k.jwk", "alg": "ES256", "kid": "mine" }));
    assert_eq!((bits("k.jwk"), desk.read("k.jwk") == before), (0o600, false));

    let public = desk.run(&["--json", "keys", "public", "k.jwk"]).yes().json();
    assert_eq!(public["keys"][0]["kid"], "mine");
    assert_eq!(public["keys"][0].get("d"), None);
    let printed = desk.run(&["keys", "generate", "--alg", "EdDSA"]).yes().json();
    assert!(printed["d"].is_string() && printed["alg"] == "EdDSA");
}

#[test]
fn a_key_in_pem_signs_and_is_published_as_a_jwk_is() {
    let desk = Desk::new();
    for (pem, alg) in [(P256_PEM, "ES256"), (RSA_PEM, "RS256")] {
        // `sign` reads what the desk calls `k.jwk`: the content decides, not the name.
        desk.write("k.jwk", pem);
        desk.write("k.jwks", desk.run_with(&["keys", "public", "-"], pem).yes().out);
        let published: Value = serde_json::from_str(&desk.read("k.jwks")).unwrap();
        assert_eq!((&published["keys"][0]["alg"], published["keys"][0].get("d")), (&json!(alg), None));
        let token = desk.sign("k", &[]);
        verify(&desk, "k", &["--iss", ISS, "--aud", AUD, "--alg", alg, &token]).yes();
    }
    for (file, words) in [
        (format!("Bag Attributes\n{P256_PEM}"), "nothing may stand before it"),
        (P256_PEM.replace("PRIVATE", "ENCRYPTED PRIVATE"), "decrypt it first: openssl pkey"),
    ] {
        let refused = desk.run_with(&["keys", "public", "-"], &file);
        assert_eq!(refused.code, 3);
        assert!(
            refused.err.contains("- holds no private PEM key") && refused.err.contains(words),
            "{}",
            refused.err
        );
        assert!(!refused.err.contains("MIG"), "a key is not repeated: {}", refused.err);
    }
    for command in [&["sign", "--help"][..], &["keys", "public", "--help"]] {
        assert!(desk.run(command).yes().out.contains("PEM"), "{command:?}");
    }
}

const P256_PEM: &str = include_str!("../../secevent-jose/tests/keys/p256.pem");
const RSA_PEM: &str = include_str!("../../secevent-jose/tests/keys/rsa.pem");

/// Arguments, stdin, exit code, and words that stdout or stderr must have.
type Case = (&'static [&'static str], &'static str, i32, &'static [&'static str]);

#[test]
fn bad_input_is_answered_with_what_is_wrong_and_what_to_do() {
    const SIGN: [&str; 7] = ["sign", "--key", "k.jwk", "--iss", "https://a", "--aud", "b"];
    const SIGNS: [(&[&str], i32, &[&str]); 7] = [
        (&["--event", "caep:sesion-revoked"], 2, &["did you mean `caep:session-revoked`?"]),
        (&["--event", "caep:session-revoked"], 1, &["not signed", "SSF-004", "add the claim `sub_id`"]),
        (
            &["--event", "caep:session-revoked", "--subject", "alice"],
            2,
            &["error: --subject:", "try: --subject '{"],
        ),
        (&["--event", "caep:session-revoked", "--subject", "{}"], 2, &["SUB-002"]),
        (&["--event", "caep:session-revoked", "--claims", "[]"], 2, &["error: --claims:"]),
        (&["--event", "caep:session-revoked", "--exp", "soon"], 2, &["seconds since 1970, or +SECONDS"]),
        (
            &["--event", "caep:credential-change", "--subject", ALICE],
            1,
            &["CAEP-019", "CAEP-020", "credential-change/change_type"],
        ),
    ];
    const CASES: [Case; 26] = [
        (&[], "", 2, &["Usage: secevent"]),
        (&["frobnicate"], "", 2, &["unrecognized subcommand"]),
        (&["sign", "--key", "k.jwk"], "", 2, &["--iss", "--aud", "--event"]),
        (&["sign", "--key", "k.jwk", "--payload", "-", "--iss", "a"], "", 2, &["cannot be used with"]),
        (&["sign", "--key", "k.jwk", "--payload", "-"], "[]", 2, &["error: -:"]),
        (&["sign", "--key", "no.jwk", "--payload", "-"], "", 3, &["cannot read no.jwk", "keys generate"]),
        (&["sign", "--key", "k.jwks", "--payload", "-"], "", 3, &["holds no private JWK"]),
        (&["sign", "--key", "env:SECEVENT_NO_SUCH_KEY", "--payload", "-"], "", 3, &["SECEVENT_NO_SUCH_KEY"]),
        (&["keys", "generate", "--alg", "HS256"], "", 2, &["possible values: RS256"]),
        (&["keys", "generate", "--alg", "ES256", "--out", "no/k.jwk"], "", 3, &["cannot write no/k.jwk"]),
        (&["keys", "public", "no.jwk"], "", 3, &["cannot read no.jwk"]),
        (&["inspect", "-"], "garbage", 1, &["JWT-001"]),
        (&["inspect", "--json", "a.b.c"], "", 1, &["\"header\":null", "\"findings\":[{"]),
        (&["inspect", "no.jwt"], "", 3, &["cannot read no.jwt"]),
        (&["inspect"], "\u{1b}[2J", 1, &["JWT-001"]),
        (&["verify", "--jwks", "k.jwks", "garbage"], "", 1, &["invalid_request", "no file", "JWT-001"]),
        (&["verify", "--jwks", "no.jwks", "-"], "", 3, &["cannot read no.jwks", "keys public"]),
        (&["verify", "--jwks", "k.jwk", "-"], "", 3, &["no usable keys", "private member", "keys public"]),
        (&["verify", "--jwks", "http://127.0.0.1:1/jwks.json", "-"], "", 3, &["no connection", "curl"]),
        (&["verify", "--jwks", "k.jwks", "--profile", "x", "-"], "", 2, &["caep-interop"]),
        (&["verify", "--jwks", "k.jwks", "--lines", "no.txt"], "", 3, &["cannot read no.txt"]),
        (&["validate", "--kind", "set", "--as", "http"], "{}", 2, &["no request to judge"]),
        (&["validate", "--kind", "table", "--as", "shape"], "{}", 2, &["no shape to judge"]),
        (&["validate", "--kind", "jwks", "--as", "ssf"], "{}", 2, &["no claims to judge"]),
        (&["stream", "list", "--issuer", "x"], "", 2, &["--issuer", "give the whole URL"]),
        (&["bench", "pull"], "", 2, &["\"pull\" is no scenario", "secevent bench"]),
    ];
    let desk = Desk::new();
    desk.key("k", "ES256");
    let signs = SIGNS.map(|(more, code, words)| ([&SIGN[..], more].concat(), "", code, words));
    let cases = CASES.map(|(args, stdin, code, words)| (args.to_vec(), stdin, code, words));
    for (args, stdin, code, words) in signs.into_iter().chain(cases) {
        let said = desk.run_with(&args, stdin);
        let text = format!("{}{}", said.out, said.err);
        assert_eq!(said.code, code, "{args:?}: {text}");
        for word in words {
            assert!(text.contains(word), "{args:?} lacks {word:?}: {text}");
        }
        assert!(!text.contains('\u{1b}'), "{args:?}: colour or a peer's control character in a pipe");
    }
}

// spec: PUSH-035, SSF-006, JWT-009
#[test]
fn a_refusal_is_an_error_code_and_every_finding() {
    let desk = Desk::new();
    desk.key("k", "ES256");
    let token = desk.sign("k", &[]);
    for (more, code, id) in [
        (["--iss", "https://other.example"], "invalid_issuer", "SSF-006"),
        (["--aud", "https://other.example"], "invalid_audience", "JWT-009"),
        (["--alg", "RS256,PS256"], "invalid_key", "CHK-003"),
        (["--profile", "caep-interop"], "invalid_key", "CHK-003"),
        (["--profile", "logout"], "invalid_request", "BCL-026"),
        (["--now", "1767225539"], "invalid_request", "JWT-014"),
    ] {
        let jwks = ["verify", "--jwks", "k.jwks", more[0], more[1], &token];
        let said = desk.run(&jwks);
        assert_eq!((said.code, said.out.trim()), (1, code), "{more:?}: {}", said.err);
        assert!(said.err.contains(id), "{more:?}: {}", said.err);
        let json = desk.run(&[&["--json"], &jwks[..]].concat()).json();
        assert_eq!((&json["valid"], &json["err"]), (&json!(false), &json!(code)));
        assert!(json["findings"].to_string().contains(id) && json["description"].is_string(), "{json}");
    }
    let both = verify(&desk, "k", &["--iss", "https://x", "--aud", "https://y", &token]);
    assert!(both.err.contains("SSF-006") && both.err.contains("JWT-009"), "{}", both.err);
    let open = verify(&desk, "k", &[&token]).yes();
    assert!(open.err.contains("without --iss") && open.err.contains("without --aud"), "{}", open.err);
    // A minute of leeway, and white space around the token.
    let padded = format!("\r\n {token}\t\n");
    let early = ["verify", "--jwks", "k.jwks", "--json", "--now", "1767225540"];
    assert_eq!(desk.run_with(&early, padded).yes().json()["valid"], true);
}

#[test]
fn a_configuration_is_judged_with_every_mistake_and_its_line() {
    let desk = Desk::new();
    desk.write(
        "hub.toml",
        "[poll]\nmax_events = 0\n[[receiver]]\nid = \"a\"\ntoken = \"t\"\naudience = []\n",
    );
    let said = desk.run(&["serve", "--config", "hub.toml", "--check"]);
    let wanted = "\
error: hub.toml: line 2: [poll] max_events: give more than 0
error: hub.toml: line 6: [[receiver]] \"a\": audience: name at least one `aud` for its streams
  try: mend hub.toml, then: secevent serve --config hub.toml --check
";
    assert_eq!((said.code, said.err.as_str(), said.out.as_str()), (2, wanted, ""));
    desk.write("hub.toml", "[poll]\nmax_events = 5\n");
    let said = desk.run(&["serve", "--config", "hub.toml", "--check"]).yes();
    assert_eq!(said.out, "the configuration is good\n");
}

#[test]
fn tokens_of_others_get_the_verdict_that_the_vectors_give_them() {
    let desk = Desk::new();
    desk.write("jwks.json", testkit::bytes("derived-jwks.json"));
    for vector in testkit::vectors().iter().filter(|vector| vector.expected.contains_key("verify")) {
        let expected = vector.expected["verify"].as_str().unwrap();
        let args =
            ["verify", "--jwks", "jwks.json", "--now", "1767225660", "--iss", "https://tr.example.com"];
        let said = desk.run_with(&[&args[..], &["--aud", "https://rx.example.com"]].concat(), vector.bytes());
        let wanted = i32::from(expected.starts_with("reject"));
        assert_eq!(said.code, wanted, "{} {expected}: {}{}", vector.file, said.out, said.err);
    }
}

#[test]
fn lines_are_judged_one_by_one_in_order() {
    let desk = Desk::new();
    desk.key("k", "ES256");
    let good = desk.sign("k", &["--jti", "good"]);
    let long = format!("{good}{}.", " ".repeat(70_000));
    let mut input = format!("\n  \n{good}\nbad\r\n\n\t{good} \r\n{long}\n").into_bytes();
    input.extend_from_slice(b"\xff.\xff.\xff\n");
    input.extend_from_slice(good.as_bytes());
    let args = ["verify", "--jwks", "k.jwks", "--now", NOW, "--lines"];
    let said = desk.run_with(&args, &input);
    assert_eq!(said.code, 1);
    let verdicts: Vec<Value> = said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let brief: Vec<_> = verdicts.iter().map(|v| (v["line"].as_u64().unwrap(), v["valid"] == true)).collect();
    assert_eq!(brief, [(3, true), (4, false), (6, true), (7, false), (8, false), (9, true)]);
    assert_eq!(verdicts[0]["claims"]["jti"], "good");
    let members: Vec<_> = verdicts[1].as_object().unwrap().keys().collect();
    assert_eq!(members, ["line", "valid", "err", "description", "findings"]);
    assert!(verdicts[3]["description"].as_str().unwrap().contains("limit of 65536"), "{}", verdicts[3]);

    desk.write("tokens.txt", format!("{good}\n{good}\n"));
    let file = desk.run(&[&args[..], &["tokens.txt"]].concat()).yes();
    assert_eq!(file.out.lines().count(), 2);
    assert!(file.err.contains("2 valid, 0 not valid"), "{}", file.err);
}

#[test]
fn order_is_kept_over_many_lines() {
    const LINES: usize = 20_000;
    let desk = Desk::new();
    desk.key("k", "Ed25519");
    let tokens: Vec<_> = (0..5).map(|n| desk.sign("k", &["--jti", &n.to_string()])).collect();
    let lines: Vec<_> = (0..LINES).map(|n| if n % 7 == 6 { "bad" } else { tokens[n % 5].as_str() }).collect();
    let args = ["verify", "--jwks", "k.jwks", "--now", NOW, "--lines"];
    let said = desk.run_with(&args, lines.join("\n"));
    assert_eq!(said.code, 1);
    let mut count = 0;
    for (n, line) in said.out.lines().enumerate() {
        let verdict: Value = serde_json::from_str(line).unwrap();
        assert_eq!(verdict["line"], n + 1);
        let jti = (n % 7 != 6).then(|| (n % 5).to_string());
        assert_eq!(verdict["claims"]["jti"].as_str(), jti.as_deref(), "line {n}");
        count += 1;
    }
    assert_eq!(count, LINES);
}

#[test]
fn a_reader_that_leaves_ends_the_work_without_a_word() {
    let desk = Desk::new();
    desk.key("k", "Ed25519");
    let token = desk.sign("k", &[]);
    desk.write("tokens.txt", format!("{token}\n").repeat(20_000));
    let cut = format!(
        "secevent verify --iss {ISS} --aud {AUD} --now {NOW} --jwks k.jwks --lines tokens.txt | head -n 2"
    );
    let said = shell(&desk, &cut).yes();
    assert_eq!((said.out.lines().count(), said.err.as_str()), (2, ""));
}

#[test]
fn inspect_tells_people_what_machines_get_as_json() {
    let desk = Desk::new();
    let mut header = json!({ "typ": "JWT", "alg": "none" });
    header["kid"] = "\u{9b}2J".into();
    let mut claims: Value = serde_json::from_slice(&testkit::bytes("derived-set-1.json")).unwrap();
    claims["exp"] = 1_767_225_600.into();
    claims["sub"] = "\u{1b}[31malice\u{202e}".into();
    let part = |value: &Value| base64url(value.to_string().as_bytes());
    let token = format!("{}.{}.", part(&header), part(&claims));
    let people = desk.run(&["inspect", &token]).yes().out;
    for words in [
        "event     caep:session-revoked  (CAEP 1.0 §3.1)",
        "expires   2026-01-01T00:00:00Z",
        "error  SSF-003  /exp",
    ] {
        assert!(people.contains(words), "{words}: {people}");
    }
    assert!(!people.contains(['\u{9b}', '\u{1b}', '\u{202e}']), "a token steers the terminal");
    let machines = desk.run(&["inspect", "--json", &token]).yes().json();
    assert_eq!((&machines["header"], &machines["claims"]), (&header, &claims));
    let findings = machines["findings"].as_array().unwrap();
    let exp = findings.iter().find(|finding| finding["id"] == "SSF-003").unwrap();
    assert_eq!((&exp["level"], &exp["where"]), (&json!("error"), &json!("/exp")));
    let ids: BTreeSet<_> = findings.iter().map(|finding| finding["id"].as_str().unwrap()).collect();
    assert!(["CHK-003", "SSF-001", "SSF-002", "SSF-003"].iter().all(|id| ids.contains(id)), "{ids:?}");
}

fn base64url(bytes: &[u8]) -> String {
    secevent_jose::base64url(bytes)
}

/// One vector for each kind, question and verdict: the rules are tested in the library, the wiring here.
#[test]
fn documents_get_the_verdicts_of_the_vectors() {
    let keys: [&str; 11] = [
        "json",
        "shape",
        "rfc8417",
        "ssf",
        "interop",
        "event",
        "logout",
        "logout_2022",
        "subject",
        "metadata",
        "http",
    ];
    let desk = Desk::new();
    let mut seen = BTreeSet::new();
    for vector in testkit::vectors() {
        for (key, expected) in vector.expected.iter().filter(|(key, _)| keys.contains(&key.as_str())) {
            let status = expected.as_u64().map(|status| status.to_string());
            let expected = status.as_deref().or(expected.as_str()).unwrap();
            if !seen.insert((vector.kind.clone(), key.clone(), expected.to_owned())) {
                continue;
            }
            let said = desk.run_with(&["validate", "--kind", &vector.kind, "--as", key], vector.bytes());
            // The manifest explains one of its verdicts in brackets.
            let verdict = if vector.kind == "set-compact" { "invalid" } else { expected };
            assert_eq!(said.out.trim(), verdict, "{} as {key}: {}", vector.file, said.err);
            assert_eq!(said.code, i32::from(verdict != "valid"), "{} as {key}", vector.file);
        }
    }
    let all = desk.run(&["validate", "--kind", "set", "--as", "ssf", "--json", "-"]).json();
    assert_eq!(all["verdict"], "invalid");
    assert!(all["findings"][0]["id"].is_string());
}
