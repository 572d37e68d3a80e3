use std::{sync::Arc, time::Duration};

use secevent_ssf::engine::Millis;

use super::*;
use crate::Settings;

/// Where the hub of these tests listens.
const HERE: &str = "http://127.0.0.1:8417";

fn no_variables(_: &str) -> Option<String> {
    None
}

fn settings(text: &str, variables: &[(&str, &str)], listening_on: &str) -> Result<Settings, ConfigError> {
    let laid_over = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let config = Config::parse(text, laid_over)?;
    let env =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    Ok(config.settings(listening_on, &env, Arc::new(|| Millis(0)))?.0)
}

/// Every mistake is answered with its place and what to do.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn mistakes_are_named_with_their_place_and_mend() {
    const RECEIVER: &str = "[[receiver]]\nid = \"a\"\n";
    const TRANSMITTER: &str = "[[transmitter]]\nid = \"a\"\nissuer = \"https://t.example\"\n";
    let receiver = |rest: &str| format!("{RECEIVER}{rest}");
    let transmitter = |rest: &str| format!("{TRANSMITTER}{rest}");
    let cases = [
        ("isuer = \"https://a.example\"", "line 1: unknown key `isuer`; did you mean `issuer`?"),
        ("\n[stor]\nurl = \"sqlite:x\"", "line 2: unknown key `stor`; did you mean `store`?"),
        ("[store]\nurll = \"sqlite:x\"", "line 2: unknown key `urll`; did you mean `url`?"),
        ("[poll]\nxyz = 1", "line 2: unknown key `xyz`"),
        ("issuer = \"https://a", "line 1: invalid basic string, expected `\"`"),
        ("issuer = 5", "line 1: give a string, not integer 5"),
        ("listen = \"a:1\"\nlisten = \"a:2\"", "line 2: duplicate key"),
        ("[poll]\nmax_events = -3", "line 2: give a whole number from 0, not integer -3"),
        ("[poll]\nmax_events = 0", "line 2: [poll] max_events: give more than 0"),
        ("[push]\nwindow = 0", "line 2: [push] window: give more than 0"),
        ("[push]\ntimeout = 0", "line 2: [push] timeout: give more than 0"),
        ("[limits]\nbody = 0", "line 2: [limits] body: give more than 0"),
        ("[limits]\nrequest = \"0s\"", "line 2: [limits] request: give more than 0"),
        ("[limits]\nconnections = 0", "line 2: [limits] connections: give more than 0"),
        (
            "[poll]\nwait = \"abc\"",
            "line 2: \"abc\" is no length of time; give seconds, or text such as \"30s\" or \"7d\"",
        ),
        ("[poll]\nwait = 1.5", "line 2: give a length of time such as \"30s\", not 1.5"),
        (
            "[signing]\nalg = \"none\"",
            "line 2: \"none\" is no algorithm here; use one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, \
             ES384, ES512, EdDSA, Ed25519",
        ),
        (
            "[egress]\nallow_private = \"yes\"",
            "line 2: give true, false, or ranges such as [\"10.1.0.0/16\"], not \"yes\"",
        ),
        (
            "[egress]\nallow_private = [\"10.0.0.0/99\"]",
            "line 2: [egress] allow_private: \"10.0.0.0/99\" is no address range; give one such as 10.0.0.0/8 or fd00::/8",
        ),
        (
            "[egress]\nextra_ca = \"/no/ca.pem\"",
            "line 2: [egress] extra_ca /no/ca.pem: No such file or directory (os error 2)",
        ),
        ("[admin]\ntoken = \"env:NO\"", "line 2: [admin] token: the environment variable NO is not set"),
        (
            "[admin]\ntoken = \"file:/no/token\"",
            "line 2: [admin] token: the secret file /no/token: No such file or directory (os error 2)",
        ),
        (
            "[admin]\ntoken = 271828",
            "line 2: give a secret as text in quotes, or as \"env:NAME\" or \"file:PATH\"",
        ),
        ("[admin]\ntoken = \"\"", "line 2: [admin] token: the secret is empty"),
        ("[store]\nurl = \"mysql:x\"", "line 2: [store] url: give `sqlite:PATH`"),
        ("[store]\nurl = \"sqlite:\"", "line 2: [store] url: give `sqlite:PATH`"),
        (
            "[receiver]\nid = \"a\"",
            "line 1: give a list: sections of which there may be several have two brackets, as in [[receiver]]",
        ),
        (RECEIVER, "line 1: the key `audience` is missing"),
        (
            &receiver("audience = [\"b\"]"),
            "line 1: [[receiver]] \"a\": give it a `token`, a `secret`, or its keys as `jwks` or `jwks_uri`; or configure [oauth]",
        ),
        (
            &receiver("token = \"t\"\naudience = []"),
            "line 4: [[receiver]] \"a\": audience: name at least one `aud` for its streams",
        ),
        (
            &receiver("token = \"env:NO\"\naudience = [\"b\"]"),
            "line 3: [[receiver]] \"a\": token: the environment variable NO is not set",
        ),
        (&receiver("tokn = \"t\""), "line 3: unknown key `tokn`; did you mean `token`?"),
        (
            &receiver("token = \"t\"\naudience = [\"b\"]\nevents = [\"cap:*\"]"),
            "line 5: [[receiver]] \"a\": events: no event has a name like \"cap:*\"; use `caep:*`, `risc:*`, `ssf:*`, \
             `logout:*`, `scim:*` or `*`",
        ),
        (
            &receiver("token = \"t\"\naudience = [\"b\"]\nevents = [\"caep:sesion-revoked\"]"),
            "line 5: [[receiver]] \"a\": events: \"caep:sesion-revoked\" is no event: give a short name such as \
             `caep:session-revoked` or a URI; did you mean `caep:session-revoked`?",
        ),
        (
            "[[receiver]]\nid = \"a b\"\ntoken = \"t\"\naudience = [\"b\"]",
            "line 2: [[receiver]] \"a b\": id: use letters, digits, `-`, `_` and `.`",
        ),
        (
            &receiver(&format!(
                "token = \"t\"\naudience = [\"b\"]\n{RECEIVER}token = \"u\"\naudience = [\"b\"]"
            )),
            "line 5: [[receiver]] id \"a\" is there twice",
        ),
        (
            &receiver("token = \"t\"\naudience = [\"b\"]\n[admin]\ntoken = \"t\""),
            "line 5: [admin] and [[receiver]] \"a\" have the same token; give each its own",
        ),
        (
            &receiver(&format!(
                "token = \"t\"\naudience = [\"b\"]\n{}secret = \"t\"\naudience = [\"b\"]",
                RECEIVER.replace("\"a\"", "\"c\"")
            )),
            "line 1: [[receiver]] \"a\" and [[receiver]] \"c\" have the same secret; give each its own",
        ),
        (
            &receiver("secret = \"env:NO\"\naudience = [\"b\"]"),
            "line 3: [[receiver]] \"a\": secret: the environment variable NO is not set",
        ),
        (
            &receiver("jwks = \"k.json\"\njwks_uri = \"https://k.example\"\naudience = [\"b\"]"),
            "line 1: [[receiver]] \"a\": give it `jwks` or `jwks_uri`, not both",
        ),
        (
            &receiver("jwks_uri = \"ftp://k.example\"\naudience = [\"b\"]"),
            "line 3: [[receiver]] \"a\": jwks_uri: the scheme \"ftp\" is not allowed; use https (PUSH-049)",
        ),
        (
            &receiver("jwks = \"/no/keys.json\"\naudience = [\"b\"]"),
            "line 3: [[receiver]] \"a\": jwks: /no/keys.json: No such file or directory (os error 2)",
        ),
        (
            &receiver("jwks = 5\naudience = [\"b\"]"),
            "line 3: [[receiver]] \"a\": jwks: give the name of a file, or a table with `keys`",
        ),
        (
            &receiver("jwks = { keys = [] }\naudience = [\"b\"]"),
            "line 3: [[receiver]] \"a\": jwks: it has no keys",
        ),
        (
            &receiver("jwks = { keys = [{ kty = \"oct\", k = \"AAAA\" }] }\naudience = [\"b\"]"),
            "line 3: [[receiver]] \"a\": jwks: no key of it is usable: key 0: unusable key: it has the private member k; a published key must not",
        ),
        (
            "[oauth]\njwks_uri = \"https://as.example/jwks\"",
            "line 1: [oauth] issuer: name the `iss` of the authorization server",
        ),
        (
            "[oauth]\nissuer = \"as.example\"",
            "line 2: [oauth] issuer \"as.example\": use an https URL without query and fragment; http is for loopback only",
        ),
        (
            "[oauth]\nissuer = \"https://as.example\"\njwks_uri = \"https://as.example:22/\"",
            "line 3: [oauth] jwks_uri: port 22 is not one of HTTP; use another (SSF-107)",
        ),
        (
            &format!(
                "[oauth]\nissuer = \"https://as.example\"\n{RECEIVER}audience = [\"b\"]\n[[receiver]]\nid = \"c\"\n\
                 client_id = \"a\"\naudience = [\"b\"]"
            ),
            "line 8: [[receiver]] client_id \"a\" is there twice",
        ),
        (
            &transmitter("audience = [\"b\"]\nclient_secret = \"s\""),
            "line 1: [[transmitter]] \"a\": client_id: name the client that these credentials are of",
        ),
        (
            &transmitter("audience = [\"b\"]\nclient_id = \"c\""),
            "line 1: [[transmitter]] \"a\": give it one of `token`, `client_secret` and `client_key`",
        ),
        (
            &transmitter("audience = [\"b\"]\nclient_id = \"c\"\nclient_secret = \"s\"\ntoken = \"t\""),
            "line 1: [[transmitter]] \"a\": give it one of `token`, `client_secret` and `client_key`",
        ),
        (
            &transmitter("audience = [\"b\"]\nclient_id = \"c\"\nclient_key = \"{}\""),
            "line 6: [[transmitter]] \"a\": client_key: no private JWK or PEM key: unusable key: kty is missing",
        ),
        (
            &transmitter(
                "audience = [\"b\"]\nclient_id = \"c\"\nclient_secret = \"s\"\ntoken_url = \"http://10.0.0.1/\"",
            ),
            "line 7: [[transmitter]] \"a\": token_url: 10.0.0.1 is not reachable from here: its address is private or reserved; \
             use a public one, or allow its range under [egress] allow_private (SSF-107)",
        ),
        (&transmitter(""), "line 1: the key `audience` is missing"),
        (
            &transmitter("audience = []"),
            "line 4: [[transmitter]] \"a\": audience: name at least one `aud` of SETs for this hub",
        ),
        (
            &transmitter("audience = [\"b\"]\ndelivery = \"pull\""),
            "line 5: `pull` is no choice here; use push or poll",
        ),
        (
            &transmitter("audience = [\"b\"]\nevents = []"),
            "line 5: [[transmitter]] \"a\": events: name at least one, or leave it out to ask for all",
        ),
        (
            &transmitter("audience = [\"b\"]\nsilence = \"1s\""),
            "line 5: [[transmitter]] \"a\": silence: give at least \"10s\"",
        ),
        (
            &transmitter("audience = [\"b\"]\ntolerance = \"some\""),
            "line 5: \"some\": give \"strict\", \"lenient\" or a list of rules",
        ),
        (
            &transmitter("audience = [\"b\"]\ntolerance = [\"no-typ\"]"),
            "line 5: \"no-typ\" is no rule that can be relaxed; name some of missing-typ, typ-jwt, \
             subject-in-event, legacy-delivery, media-type",
        ),
        (
            "[[transmitter]]\nid = \"a\"\nissuer = \"ftp://t.example\"\naudience = [\"b\"]",
            "line 3: [[transmitter]] \"a\": issuer \"ftp://t.example\": use an https URL without query and fragment; http \
             is for loopback only (SSF-031)",
        ),
    ];
    for (text, words) in cases {
        let error = settings(text, &[], HERE).map(|_| "it was taken").expect_err(text);
        assert_eq!(error.to_string(), words, "{text}");
    }
}

#[test]
fn mistakes_of_all_sections_are_named_at_once() {
    const TEXT: &str = "\
issuer = \"http://a.example\"
[poll]
max_events = 0
[push]
window = 0
[[receiver]]
id = \"a\"
audience = []
[[receiver]]
id = \"b\"
token = \"env:NO\"
audience = [\"b\"]
[[transmitter]]
id = \"t\"
issuer = \"https://t.example\"
audience = []
[signing]
rotate_every = \"1s\"
[oauth]
issuer = \"as.example\"
";
    let config = Config::parse(TEXT, std::iter::empty()).unwrap();
    let clock: crate::Clock = Arc::new(|| Millis(0));
    let mistakes = config.mistakes(HERE, &no_variables, &clock);
    let words: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
    let begin = |at: usize, with: &str| assert!(words[at].starts_with(with), "{words:?}");
    begin(0, "line 1: issuer \"http://a.example\": ");
    begin(1, "line 3: [poll] max_events: ");
    begin(2, "line 5: [push] window: ");
    begin(3, "line 18: [signing] rotate_every: ");
    begin(4, "line 20: [oauth] issuer \"as.example\": ");
    begin(5, "line 8: [[receiver]] \"a\": audience: ");
    begin(6, "line 11: [[receiver]] \"b\": token: ");
    begin(7, "line 16: [[transmitter]] \"t\": audience: ");
    assert_eq!(words.len(), 8, "{words:?}");
    assert_eq!(config.mistakes("http://192.0.2.1:1", &no_variables, &clock), mistakes);
    let none = Config::parse("", std::iter::empty()).unwrap();
    assert_eq!(none.mistakes("http://192.0.2.1:1", &no_variables, &clock).len(), 1);
    assert_eq!(none.mistakes(HERE, &no_variables, &clock), []);
}

#[test]
fn rooms_that_are_not_built_are_not_yet() {
    let cases = [
        ("[tls]\nchain = \"c\"", "line 2: unknown key `chain`"),
        (
            "\n[[route]]\nfrom = [\"a\"]",
            "line 2: not yet: [[route]] is not built; SETs that are received are kept and listed at /v1/received",
        ),
        ("[otlp]\nurl = \"a\"", "line 2: unknown key `url`"),
        ("[log]\nform = \"json\"", "line 2: unknown key `form`; did you mean `format`?"),
        ("[log]\nformat = \"xml\"", "line 2: `xml` is no choice here; use text or json"),
        (
            "[store]\nurl = \"postgres://a/b\"",
            "line 2: not yet: [store] url with PostgreSQL is not built; use `sqlite:PATH`",
        ),
    ];
    for (text, words) in cases {
        let error = Config::parse(text, std::iter::empty()).expect_err(text);
        assert_eq!(error.to_string(), words, "{text}");
    }
}

#[test]
fn the_environment_overrides_the_file_and_is_named_when_it_is_wrong() {
    const FILE: &str = "[poll]\nwait = \"7s\"\nmax_events = 5\n[admin]\ntoken = \"of-the-file\"";
    let given = settings(
        FILE,
        &[
            ("SECEVENT_POLL_WAIT", "1m"),
            ("SECEVENT_ISSUER", "https://a.example"),
            ("SECEVENT_ADMIN_TOKEN", "00123"),
            ("SECEVENT_PUSH_WINDOW", "3"),
            ("SECEVENT_EGRESS_ALLOW_HTTP", "true"),
            // None of ours.
            ("SECEVENT_HUB", "http://127.0.0.1:1"),
            ("SECEVENTPOLL_WAIT", "x"),
            ("HOME", "/"),
        ],
        HERE,
    )
    .unwrap();
    assert_eq!(given.limits.poll_wait, Duration::from_mins(1));
    assert_eq!((given.limits.poll_events, given.limits.push_window), (5, 3));
    assert_eq!(given.issuer, "https://a.example");
    assert_eq!(given.admin_token.as_deref(), Some("00123"), "text stays text");
    assert!(given.client.egress().allows_http());

    for (name, value, words) in [
        (
            "SECEVENT_POLL_WAIT",
            "abc",
            "SECEVENT_POLL_WAIT: \"abc\" is no length of time; give seconds, or text such as \"30s\" or \"7d\"",
        ),
        ("SECEVENT_POLL_WAITT", "5", "SECEVENT_POLL_WAITT: unknown key `waitt`; did you mean `wait`?"),
        (
            "SECEVENT_PUSH_WINDOW",
            "many",
            "SECEVENT_PUSH_WINDOW: give a whole number from 0, not string \"many\"",
        ),
        (
            "SECEVENT_TLS_CERTIFICATE",
            "c",
            "SECEVENT_TLS_CERTIFICATE: unknown key `certificate`; did you mean `cert`?",
        ),
        (
            "SECEVENT_STORE_URL",
            "postgres://a",
            "SECEVENT_STORE_URL: not yet: [store] url with PostgreSQL is not built; use `sqlite:PATH`",
        ),
        (
            "SECEVENT_ADMIN_TOKEN",
            "env:NO",
            "SECEVENT_ADMIN_TOKEN: [admin] token: the environment variable NO is not set",
        ),
        ("SECEVENT_PUSH_WINDOW", "0", "SECEVENT_PUSH_WINDOW: [push] window: give more than 0"),
        (
            "SECEVENT_ISSUER",
            "x",
            "SECEVENT_ISSUER: issuer \"x\": use an https URL without query and fragment; http is for loopback only (SSF-031)",
        ),
    ] {
        let error = settings(FILE, &[(name, value)], HERE).expect_err(name);
        assert_eq!(error.to_string(), words);
    }
}

#[test]
fn lengths_are_seconds_or_a_number_with_a_unit() {
    for (text, secs) in
        [("5", 5), ("\"5\"", 5), ("\"30s\"", 30), ("\"15m\"", 900), ("\"12h\"", 43_200), ("\"7d\"", 604_800)]
    {
        let given = settings(&format!("[retention]\nage = {text}"), &[], HERE).unwrap();
        assert_eq!(given.limits.retention, Duration::from_secs(secs), "{text}");
    }
    for text in [
        "\"\"",
        "\"s\"",
        "\"-1s\"",
        "\"1w\"",
        "\"1 h 2\"",
        "-1",
        "true",
        "\"99999999999999999999d\"",
        "\"9999999999999999d\"",
    ] {
        let error = settings(&format!("[retention]\nage = {text}"), &[], HERE).expect_err(text);
        assert!(error.to_string().starts_with("line 2: "), "{error}");
    }
}

#[test]
fn sizes_are_bytes_or_a_number_with_a_unit() {
    let given = |text: &str| settings(&format!("[retention]\nbytes = {text}"), &[], HERE);
    for (text, bytes) in [
        ("1000000", 1_000_000),
        ("\"1000000\"", 1_000_000),
        ("\"5000 kB\"", 5_000_000),
        ("\"10 GB\"", 10_000_000_000),
        ("\"10GB\"", 10_000_000_000),
        ("\"3 TB\"", 3_000_000_000_000),
        ("\"1024 KiB\"", 1 << 20),
        ("\"2 MiB\"", 2 << 20),
        ("\"2 GiB\"", 2 << 30),
    ] {
        assert_eq!(given(text).unwrap().limits.retention_bytes, Some(bytes), "{text}");
    }
    assert_eq!(settings("", &[], HERE).unwrap().limits.retention_bytes, None);
    for text in ["\"\"", "\"GB\"", "\"-1 GB\"", "\"1.5 GB\"", "\"1 gb\"", "true", "\"99999999999 TB\""] {
        let error = given(text).expect_err(text);
        assert!(error.to_string().starts_with("line 2: "), "{error}");
    }
    let error = given("\"999 kB\"").expect_err("too small").to_string();
    assert!(error.contains("[retention] bytes: give at least \"1 MB\""), "{error}");
}

// spec: SSF-031
#[test]
fn plain_http_is_for_loopback_and_opens_the_egress_there_only() {
    let issued = |issuer: &str| settings(&format!("issuer = \"{issuer}\""), &[], HERE);
    for issuer in ["http://127.0.0.1:8417", "http://localhost", "http://[::1]:1/path", "http://127.9.9.9"] {
        let given = issued(issuer).expect(issuer);
        assert!(given.client.egress().allows_http(), "{issuer}");
    }
    for issuer in ["https://a.example", "https://a.example/tenant", "https://127.0.0.1"] {
        let given = issued(issuer).expect(issuer);
        assert!(!given.client.egress().allows_http(), "{issuer}");
    }
    for issuer in [
        "http://a.example",
        "http://127.0.0.1.example",
        "http://localhost.example",
        "http://127.0.0.1@a.example",
        "http://127.0.0.1:8417@a.example",
        "http://[::1].a.example",
        "https://user@a.example",
        "https://",
        "https:///path",
        "https://a.example?x",
        "https://a.example#x",
        "https://a.example/ b",
        "a.example",
        "",
    ] {
        let error = issued(issuer).map(|_| "it was taken").expect_err(issuer);
        assert!(error.to_string().contains("SSF-031"), "{error}");
    }
    assert_eq!(settings("", &[], HERE).unwrap().issuer, HERE);
    let elsewhere = settings("", &[], "http://192.0.2.1:8417").expect_err("receivers need a name");
    assert_eq!(elsewhere.to_string(), "issuer: name the https URL that receivers know this hub by");
}

#[test]
fn development_keeps_what_is_there_and_makes_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = |name: &str| std::fs::read_to_string(data.join(name)).unwrap();
    let config = Config::development(&data, std::iter::empty()).unwrap();
    assert!(!data.exists(), "a configuration alone makes nothing");
    config.make_development_files(&data).unwrap();
    let made = (file("admin.token"), file("dev.token"));
    assert!(made.0.len() == 33 && made.0 != made.1);
    config.make_development_files(&data).unwrap();
    assert_eq!((file("admin.token"), file("dev.token")), made);
    let (given, _) = config.settings(HERE, &no_variables, Arc::new(|| Millis(0))).unwrap();
    assert_eq!(given.admin_token.as_deref(), Some(made.0.trim()));
    assert_eq!((given.receivers.len(), given.receivers[0].id.as_str()), (1, "dev"));

    let variables = [("SECEVENT_ISSUER", "https://a.example"), ("SECEVENT_ADMIN_TOKEN", "mine")];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = Config::development(&folder.path().join("other"), variables.into_iter()).unwrap();
    config.make_development_files(&folder.path().join("other")).unwrap();
    assert!(!folder.path().join("other/admin.token").exists());
    let (given, _) = config.settings(HERE, &no_variables, Arc::new(|| Millis(0))).unwrap();
    assert_eq!((given.issuer.as_str(), given.admin_token.as_deref()), ("https://a.example", Some("mine")));
    assert!(given.client.egress().allows_http(), "without a file this is for development");
}

/// Every way in which a certificate and its key cannot be used is told with the file that is at fault.
#[test]
fn a_certificate_and_its_key_are_read_and_belong_together() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let authority = testkit::Authority::new();
    let (own, other) = (authority.certify("localhost"), authority.certify("localhost"));
    for (name, text) in [("cert", &own.cert), ("key", &own.key), ("other", &other.key)] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    std::fs::write(folder.path().join("words"), "words").unwrap();
    let tls = |cert: &str, key: &str| {
        let text = format!("[tls]\ncert = {:?}\nkey = {:?}", path(cert), path(key));
        Config::parse(&text, std::iter::empty()).unwrap().tls()
    };
    assert!(tls("cert", "key").unwrap().is_some());
    for (cert, key, wrong) in [
        ("none", "key", format!("[tls] cert {}: No such file", path("none"))),
        ("cert", "none", format!("[tls] key {}: No such file", path("none"))),
        ("words", "key", format!("[tls] cert {}: there is no certificate in PEM in it", path("words"))),
        ("cert", "words", format!("[tls] key {}: there is no private key in PEM in it", path("words"))),
        ("cert", "other", format!("[tls] key {}: it is not the key of the first certificate", path("other"))),
    ] {
        let error = tls(cert, key).unwrap_err().to_string();
        assert!(error.starts_with(&wrong), "{error}");
    }
    for (text, missing) in [
        ("[tls]", "[tls] cert: name a PEM file"),
        ("[tls]\ncert = \"c\"", "[tls] key: name a PEM file"),
        ("[tls]\ncert = \"\"\nkey = \"k\"", "[tls] cert: name a PEM file"),
    ] {
        let config = Config::parse(text, std::iter::empty()).unwrap();
        assert_eq!(config.tls().unwrap_err().to_string(), missing);
    }
    let variables = [("SECEVENT_TLS_CERT", path("cert")), ("SECEVENT_TLS_KEY", path("key"))];
    let variables = variables.map(|(name, value)| (name.to_owned(), value));
    assert!(Config::parse("", variables.into_iter()).unwrap().tls().unwrap().is_some());
    assert!(Config::default().tls().unwrap().is_none());
}

#[test]
fn a_transmitter_is_forgiven_what_its_section_says() {
    let tolerance = |rest: &str| {
        let section = "[[transmitter]]\nid = \"a\"\nissuer = \"https://t.example\"\naudience = [\"b\"]";
        let config = Config::parse(&format!("{section}\n{rest}"), std::iter::empty()).unwrap();
        let (_, transmitters) = config.settings(HERE, &no_variables, Arc::new(|| Millis(0))).unwrap();
        (transmitters[0].tolerance, transmitters[0].watch.silence.as_secs())
    };
    assert_eq!(tolerance(""), (Tolerance::STRICT, 3_600));
    assert_eq!(tolerance("tolerance = \"strict\"\nsilence = \"10m\""), (Tolerance::STRICT, 600));
    assert_eq!(tolerance("tolerance = \"lenient\"").0, Tolerance::LENIENT);
    let some = Tolerance::STRICT.with(crate::receiver::Relaxed::MissingTyp);
    assert_eq!(tolerance("tolerance = [\"missing-typ\"]").0, some);
}

#[test]
fn a_receiver_is_known_by_a_token_a_secret_or_its_keys() {
    let keys =
        r#"keys = [{ kty = "OKP", crv = "Ed25519", x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }]"#;
    let text = format!(
        "[oauth]\nissuer = \"https://as.example/tenant\"\n\
         [[receiver]]\nid = \"a\"\naudience = [\"x\"]\nsecret = \"env:A\"\n\
         [[receiver]]\nid = \"b\"\naudience = [\"x\"]\njwks = {{ {keys} }}\n\
         [[receiver]]\nid = \"c\"\naudience = [\"x\"]\njwks_uri = \"https://c.example/jwks\"\nclient_id = \"other\"\n\
         [[receiver]]\nid = \"d\"\naudience = [\"x\"]"
    );
    let given = settings(&text, &[("A", " s3cret\n"), ("SECEVENT_OAUTH_AUDIENCE", "123")], HERE).unwrap();
    let [a, b, c, d] = &given.receivers[..] else { panic!("{given:?}") };
    assert_eq!((a.token.as_deref(), a.secret.as_deref()), (None, Some("s3cret")));
    assert!(matches!(&b.keys, Some(crate::ClientKeys::Set(keys)) if keys.keys().len() == 1));
    assert!(matches!(&c.keys, Some(crate::ClientKeys::Uri(uri)) if uri == "https://c.example/jwks"));
    assert_eq!((c.client_id(), d.client_id()), ("other", "d"));
    let outside = given.oauth.unwrap();
    assert_eq!((outside.issuer.as_str(), outside.audience.as_str()), ("https://as.example/tenant", "123"));
    let alone = settings("[oauth]\nissuer = \"https://as.example\"", &[], HERE).unwrap().oauth.unwrap();
    assert_eq!((alone.audience.as_str(), alone.jwks_uri), (HERE, None), "tokens are for the issuer");
    assert!(!format!("{a:?} {:?}", Config::parse(&text, std::iter::empty())).contains("s3cret"));
}

#[test]
fn spans_go_to_a_url_with_headers_that_are_secrets() {
    const NO_URL: &str =
        "[otlp] endpoint: give a URL such as \"http://127.0.0.1:4318\", without user and query";
    let env = |name: &str| (name == "KEY").then(|| "of-the-collector".to_owned());
    let read = |text: &str| Config::parse(text, std::iter::empty()).unwrap().otlp(&env);
    assert!(read("").unwrap().is_none());
    let text =
        "[otlp]\nendpoint = \"https://c.example/otlp/\"\nheaders = { x-key = \"env:KEY\" }\nsample = 0.25";
    let settings = read(text).unwrap().unwrap();
    assert_eq!((settings.url.as_str(), settings.sample), ("https://c.example/otlp/v1/traces", 0.25));
    assert_eq!(settings.headers[0].1, "of-the-collector");
    assert!(!format!("{settings:?}").contains("of-the-collector"));
    for (text, words) in [
        ("sample = 0.5", "[otlp] endpoint: name the URL of the collector"),
        ("endpoint = \"c:4318\"", NO_URL),
        ("endpoint = \"https://u:secret@c.example\"", NO_URL),
        ("endpoint = \"https://c.example?key=secret\"", NO_URL),
        ("endpoint = \"https://c.example\"\nsample = 1.5", "[otlp] sample 1.5: give a part from 0 to 1"),
        (
            "endpoint = \"https://c.example\"\nheaders = { x-key = \"env:NONE\" }",
            "[otlp] headers x-key: the environment variable NONE is not set",
        ),
        (
            "endpoint = \"https://c.example\"\nheaders = { \"x key\" = \"k\" }",
            "[otlp] headers x key: no header can be sent so",
        ),
    ] {
        let error = read(&format!("[otlp]\n{text}")).unwrap_err();
        assert_eq!(error.to_string(), words);
    }
}
