//! `secevent backup`, `restore` and `doctor` beside hubs that run, as processes of their own.

#[path = "common/running.rs"]
#[expect(dead_code, reason = "each file of tests uses what it needs")]
mod running;

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use running::{Desk, Hub, patiently};
use serde_json::{Value, json};

fn event(txn: &str) -> String {
    let subject = json!({"format": "opaque", "id": txn});
    json!({"event": "caep:session-revoked", "subject": subject, "txn": txn}).to_string()
}

fn poll_stream(hub: &Hub, desk: &Desk) -> String {
    let made = hub.call("POST", "/ssf/streams", &desk.dev(), "{}");
    assert_eq!(made.status, 201);
    made.json["stream_id"].as_str().expect("its id").to_owned()
}

/// What a poll offers: `jti` by `txn`.
fn poll(hub: &Hub, token: &str, stream: &str, ack: &[&String]) -> BTreeMap<String, String> {
    let request = json!({"ack": ack, "returnImmediately": true}).to_string();
    let answer = hub.call("POST", &format!("/ssf/poll/{stream}"), token, &request);
    assert_eq!(answer.status, 200);
    let sets = answer.json["sets"].as_object().expect("sets").clone();
    let txn = |set: &Value| {
        let seen = secevent::danger::peek(set.as_str().expect("a token")).expect("it can be read");
        seen.claims["txn"].as_str().expect("a txn").to_owned()
    };
    sets.into_iter().map(|(jti, set)| (txn(&set), jti)).collect()
}

/// Hands events in from several threads while something else is done; answers with what was accepted before it began.
fn under_load<T>(hub: &Hub, admin: &str, work: impl FnOnce(&dyn Fn() -> Vec<u64>) -> T) -> T {
    let (done, accepted) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    thread::scope(|threads| {
        for producer in 0..3 {
            let (done, accepted) = (&done, &accepted);
            threads.spawn(move || {
                for n in 0.. {
                    if done.load(Ordering::SeqCst) {
                        break;
                    }
                    let answer = hub.call("POST", "/v1/events", admin, &event(&format!("{producer}-{n}")));
                    assert_eq!(answer.status, 202, "{}", answer.json);
                    let id =
                        answer.json["events"][0]["id"].as_str().expect("an id").parse().expect("a number");
                    accepted.lock().expect("no thread panicked").push(id);
                }
            });
        }
        let result = work(&|| accepted.lock().expect("no thread panicked").clone());
        done.store(true, Ordering::SeqCst);
        result
    })
}

// spec: SET-019, POLL-033
#[test]
fn a_hub_under_load_is_copied_and_the_copy_lives_a_life_of_its_own() {
    let desk = Desk::new();
    let hub = desk.serve();
    let admin = desk.admin();
    let stream = poll_stream(&hub, &desk);
    assert_eq!(hub.call("POST", "/v1/events", &admin, &event("first")).status, 202);
    let before = under_load(&hub, &admin, |accepted| {
        patiently("some events", || (accepted().len() > 200).then_some(()));
        let before = accepted();
        let said = desk.run(&["backup", "copy.db", "--json"]).with(0).lines();
        assert_eq!(said[0]["file"], "copy.db");
        let so_far = accepted().len();
        patiently("the hub goes on", || (accepted().len() > so_far + 50).then_some(()));
        assert_eq!(desk.run(&["doctor", "--json"]).with(0).lines()[0]["findings"], json!([]));
        before
    });
    assert_eq!(desk.mode("copy.db"), 0o600);
    assert_eq!(hub.call("GET", "/readyz", "", "").status, 200);
    let offered = poll(&hub, &desk.dev(), &stream, &[]);

    let restored = desk.run(&["restore", "copy.db", "--data", "other"]).with(0);
    assert!(restored.err.contains("secevent serve --data other"), "{}", restored.err);
    let said = desk.run(&["doctor", "--data", "other"]).with(0);
    assert!(said.out.contains("a copy: the first hub"), "{}", said.out);
    let other = Hub::new(desk.start(&["serve", "--listen", "127.0.0.1:0", "--data", "other"]));
    let admin = format!("Bearer {}", desk.read("other/admin.token"));
    let dev = format!("Bearer {}", desk.read("other/dev.token"));
    for id in &before {
        assert_eq!(other.call("GET", &format!("/v1/events/{id}"), &admin, "").status, 200, "event {id}");
    }
    // The same events, other names: what is acknowledged to one is not to the other.
    let anew = poll(&other, &dev, &stream, &[]);
    assert!(anew.len() > 200, "{}", anew.len());
    assert!(anew.iter().all(|(txn, jti)| offered.get(txn).is_some_and(|theirs| theirs != jti)));
    assert_eq!(
        poll(&other, &dev, &stream, &offered.values().collect::<Vec<_>>()),
        anew,
        "unknown names do nothing"
    );
    let next = poll(&other, &dev, &stream, &anew.values().collect::<Vec<_>>());
    assert!(next.keys().all(|txn| !anew.contains_key(txn)));
    other.process.terminate();
    other.process.ended().with(0);
    assert!(!desk.run(&["doctor", "--data", "other"]).with(0).out.contains("a copy"));
}

#[test]
fn a_backup_replaces_nothing_unasked() {
    let desk = Desk::new();
    let hub = desk.serve();
    desk.run(&["backup", "copy.db"]).with(0);
    let said = desk.run(&["doctor", "copy.db"]).with(0);
    assert!(said.out.contains("all is well"), "{}", said.out);
    let refused = desk.run(&["backup", "copy.db"]).with(2);
    assert!(
        refused.err.contains("copy.db is there already") && refused.err.contains("--force"),
        "{}",
        refused.err
    );
    desk.run(&["backup", "copy.db", "--force"]).with(0);
    let itself = desk.run(&["backup", "secevent-data/hub.db", "--force"]).with(2);
    assert!(itself.err.contains("is the store itself"), "{}", itself.err);
    let nowhere = desk.run(&["backup", "missing/copy.db"]).with(3);
    assert!(nowhere.err.contains("cannot write missing/copy.db"), "{}", nowhere.err);
    let nothing = desk.run(&["backup", "other.db", "--data", "missing"]).with(3);
    assert!(nothing.err.contains("missing/hub.db") && !desk.path("other.db").exists(), "{}", nothing.err);
    assert_eq!(hub.call("POST", "/v1/events", &desk.admin(), &event("a")).status, 202);
    let files = fs::read_dir(desk.path(".")).expect("the folder").count();
    assert_eq!(files, 2, "nothing is left of what was refused");
}

#[test]
fn a_restore_waits_for_the_hub_to_end_and_judges_the_copy() {
    let desk = Desk::new();
    let hub = desk.serve();
    let admin = desk.admin();
    assert_eq!(hub.call("POST", "/v1/events", &admin, &event("kept")).status, 202);
    desk.run(&["backup", "copy.db"]).with(0);
    assert_eq!(hub.call("POST", "/v1/events", &admin, &event("later")).status, 202);
    let refused = desk.run(&["restore", "copy.db"]).with(3);
    assert!(refused.err.contains("another hub has this store open"), "{}", refused.err);
    // Killed: the last event is in the write-ahead log only.
    hub.process.kill();

    let mut damaged = fs::read(desk.path("copy.db")).expect("the copy");
    let middle = damaged.len() / 2;
    damaged.truncate(middle);
    fs::write(desk.path("damaged.db"), damaged).expect("the folder can be written to");
    let refused = desk.run(&["restore", "damaged.db"]).with(1);
    assert!(refused.err.contains("fatal  integrity: "), "{}", refused.err);
    assert!(refused.err.contains("a hub cannot run on damaged.db"), "{}", refused.err);
    desk.run(&["restore", "missing.db"]).with(3);
    let hub = desk.serve();
    assert_eq!(hub.call("GET", "/v1/events/2", &admin, "").status, 200, "nothing was changed");
    hub.process.kill();

    let said = desk.run(&["restore", "copy.db", "--json"]).with(0).lines();
    let aside = said[0]["aside"].as_str().expect("where the old one is").to_owned();
    let hub = desk.serve();
    assert_eq!(hub.call("GET", "/v1/events/1", &admin, "").status, 200);
    assert_eq!(hub.call("GET", "/v1/events/2", &admin, "").status, 404);
    hub.process.terminate();
    hub.process.ended().with(0);
    desk.run(&["restore", &aside]).with(0);
    let hub = desk.serve();
    assert_eq!(hub.call("GET", "/v1/events/2", &admin, "").status, 200, "what was there is not lost");
}

#[test]
fn the_doctor_tells_well_from_ill_and_from_what_it_cannot_see() {
    let desk = Desk::new();
    let missing = desk.run(&["doctor"]).with(3);
    assert!(missing.err.contains("secevent-data/hub.db"), "{}", missing.err);
    let hub = desk.serve();
    let stream = poll_stream(&hub, &desk);
    let two = format!("[{},{}]", event("a"), event("b"));
    assert_eq!(hub.call("POST", "/v1/events", &desk.admin(), &two).status, 202);
    let well = desk.run(&["doctor"]).with(0);
    assert!(well.out.contains(&format!("waiting 2 events for {stream} of dev")), "{}", well.out);
    assert!(well.out.ends_with("all is well\n"), "{}", well.out);

    let readable = |file: &str, mode| {
        fs::set_permissions(desk.path(file), fs::Permissions::from_mode(mode)).expect("it is ours");
    };
    readable("secevent-data/admin.token", 0o644);
    let ill = desk.run(&["doctor"]).with(1);
    assert!(ill.out.contains("warning  modes: secevent-data/admin.token has mode 644"), "{}", ill.out);
    assert!(ill.out.contains("mend: chmod 600 secevent-data/admin.token"), "{}", ill.out);
    readable("secevent-data/admin.token", 0o600);
    hub.process.terminate();
    hub.process.ended().with(0);

    // A hub says so too when others may read its keys.
    readable("secevent-data/hub.db", 0o640);
    let hub = desk.serve();
    hub.process.err.line("hub.db has mode 640");
    hub.process.terminate();
    hub.process.ended().with(0);
    readable("secevent-data/hub.db", 0o600);

    let mut bytes = fs::read(desk.path("secevent-data/hub.db")).expect("the store");
    let page = bytes.len() / 4096 - 1;
    bytes[page * 4096..].fill(0xA5);
    fs::write(desk.path("secevent-data/hub.db"), bytes).expect("the folder can be written to");
    let damaged = desk.run(&["doctor", "--json"]).with(1).lines();
    let finding = &damaged[0]["findings"][0];
    assert_eq!(
        (&finding["level"], &finding["check"]),
        (&json!("fatal"), &json!("integrity")),
        "{}",
        damaged[0]
    );
    for member in ["what", "why", "mend"] {
        assert!(finding[member].as_str().is_some_and(|text| !text.is_empty()), "{finding}");
    }
}

#[test]
fn a_configuration_names_the_store() {
    let desk = Desk::new();
    drop(desk.serve());
    let at = |url: &str| format!("issuer = \"https://hub.example\"\n[store]\nurl = \"sqlite:{url}\"\n");
    running::write(&desk.path("hub.toml"), &at("secevent-data/hub.db"));
    running::write(&desk.path("wrong.toml"), "stor = 1");
    desk.run(&["doctor", "--config", "hub.toml"]).with(0);
    desk.run(&["backup", "copy.db", "--config", "hub.toml"]).with(0);
    running::write(&desk.path("new.toml"), &at("new/deep/hub.db"));
    desk.run(&["restore", "copy.db", "--config", "new.toml"]).with(0);
    assert_eq!(desk.mode("new/deep/hub.db"), 0o600);
    let wrong = desk.run(&["doctor", "--config", "wrong.toml"]).with(2);
    assert!(wrong.err.contains("wrong.toml"), "{}", wrong.err);
    let both = desk.run(&["doctor", "--config", "hub.toml", "--data", "x"]).with(2);
    assert!(both.err.contains("cannot be used with"), "{}", both.err);
}
