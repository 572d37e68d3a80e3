//! The signing keys of a hub, rotated while it runs.

use serde_json::Value;

use crate::{
    emit,
    running::{Desk, Ended, write},
};

/// `(kid, state)` of each key.
fn states(said: &Ended) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("it is text").to_owned();
    let answer = &said.lines()[0];
    assert!(!said.out.contains("\"d\""), "{}", said.out);
    let keys = answer["keys"].as_array().expect("a list");
    keys.iter().map(|key| (text(&key["kid"]), text(&key["state"]))).collect()
}

// spec: SSF-033
#[test]
fn keys_rotate_while_somebody_listens() {
    let desk = Desk::new();
    let hub = desk.serve();
    let list = || states(&desk.run(&["keys", "list", "--hub", &hub.url, "--json"]).with(0));
    let rotate = |more: &[&str]| desk.run(&[&["keys", "rotate", "--hub", &hub.url][..], more].concat());
    let first = list()[0].0.clone();
    let listening = desk.start(&["listen", "--issuer", &hub.url, "--count", "3", "--json"]);
    listening.out.line("ssf:verification");
    let emit = || desk.run(&emit(&hub.url, &[])).with(0);
    emit();

    let said = rotate(&["--alg", "rs256"]).with(0);
    assert!(said.out.contains("RS256    current   "), "{}", said.out);
    assert!(said.out.contains("  signs from 20"), "{}", said.out);
    let two = list();
    assert_eq!(states(&rotate(&["--json"]).with(0)), two, "once more changes nothing");
    assert_eq!((&two[0].0, two[0].1.as_str(), two[1].1.as_str()), (&first, "current", "next"));
    emit();

    let said = rotate(&["--now"]).with(0);
    assert!(!said.out.contains(&first) && said.out.contains("  signs since 20"), "{}", said.out);
    assert!(said.err.contains("receivers learn it"), "{}", said.err);
    assert_eq!(list()[1], (two[1].0.clone(), "current".into()), "the next one took over");
    emit();
    let heard = listening.ended().with(0);
    assert_eq!(heard.lines().iter().filter(|line| line["event"] == "caep:session-revoked").count(), 3);

    let none = rotate(&["--alg", "ES512"]).with(1);
    assert!(none.err.contains("no key of ES512 signs here"), "{}", none.err);
    let stranger = rotate(&["--admin-token", "nobody"]).with(3);
    assert!(stranger.err.contains("the hub answered 401"), "{}", stranger.err);
    assert_eq!(hub.call("GET", "/jwks.json", "", "").json["keys"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_schedule_is_a_length_of_time_that_leaves_room() {
    let desk = Desk::new();
    for (every, code) in [("90d", 0), ("20h", 0), ("19h", 2), ("soon", 2)] {
        write(
            &desk.path("hub.toml"),
            &format!("issuer = \"https://a.example\"\n[signing]\nrotate_every = \"{every}\""),
        );
        let said = desk.run(&["serve", "--config", "hub.toml", "--check"]).with(code);
        let words = if every == "19h" { "[signing] rotate_every: give at least \"20h\"" } else { "" };
        assert!(said.err.contains(words), "{}", said.err);
    }
}
