//! The receiver in somebody's own application: what handlers see, how often, and what happens when they fail.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use secevent::{Event, event::caep};
use secevent_http::client::{Client, Egress};
use secevent_hub::{
    receiver::{Accepted, Receiver, Receiving, Tolerance, TransmitterSettings},
    rusqlite::{Connection, Transaction},
    store::Inbox,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::fake_transmitter::FakeTransmitter;
use tokio::sync::Semaphore;

use crate::{
    home::{clock, eventually},
    misbehaving::{AUD, settings},
};

const CREDENTIAL_CHANGE: &str = "https://schemas.openid.net/secevent/caep/event-type/credential-change";

/// What handlers were given, in order.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    async fn are(&self, expected: &[&str]) {
        eventually("handlers were called", async || self.all().len() >= expected.len()).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(self.all(), expected);
    }
}

struct Application {
    folder: TempDir,
    idp: FakeTransmitter,
}

impl Application {
    async fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), idp: FakeTransmitter::start().await }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("app.db")
    }

    /// A receiver over the inbox, once whoever had it before has let go of it.
    async fn receiver(&self) -> Receiver {
        let mut inbox = Inbox::open(self.file());
        for _ in 0..500 {
            if inbox.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            inbox = Inbox::open(self.file());
        }
        let inbox = inbox.unwrap();
        Receiver::new(AUD, inbox, clock()).client(Client::new(Egress::loopback()))
    }

    /// Starts it, pushed to in an application with a route of its own.
    async fn start(&self, receiver: Receiver) -> Receiving {
        self.start_with(receiver, |_| {}).await
    }

    async fn start_with(
        &self,
        receiver: Receiver,
        change: impl FnOnce(&mut TransmitterSettings),
    ) -> Receiving {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/signals", listener.local_addr().unwrap());
        self.idp.script(|script| script.stream = None);
        let receiving = receiver.start();
        let app = axum::Router::new()
            .route("/", axum::routing::get(|| async { "the application" }))
            .merge(receiving.push_endpoint("/signals", &url, settings(&self.idp, change)));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        eventually("subscribed", async || receiving.transmitters()[0].is_subscribed()).await;
        receiving
    }

    async fn push(&self, jti: &str) {
        assert_eq!(self.idp.push(self.idp.set(jti).sign()).await.status, 202);
    }
}

// spec: SSF-186, PUSH-037
#[tokio::test(flavor = "multi_thread")]
async fn each_event_goes_to_the_handler_of_its_type_or_to_the_one_for_all_others_once() {
    let (app, heard) = (Application::new().await, Heard::default());
    let (typed, other) = (heard.clone(), heard.clone());
    let receiver = app
        .receiver()
        .await
        .on(move |e: Accepted<caep::SessionRevoked>| {
            let subject = e.subject().map(ToString::to_string).unwrap_or_default();
            typed.note(format!("revoked {} {subject} {}", e.jti(), e.txn().unwrap_or_default()));
            assert!(e.iat().0 > 0 && e.transmitter == "idp" && e.attempt == 1);
            async {}
        })
        .on_other(move |e: Accepted<Event>| {
            other.note(format!("other {} {}", e.jti(), e.payload.event_type().name()));
            async { Ok::<(), std::io::Error>(()) }
        });
    let receiving = app.start_with(receiver, |settings| settings.tolerance = Tolerance::LENIENT).await;
    app.push("1").await;
    app.push("1").await;
    let unknown = app.idp.set("2").event("https://app.example/door-opened", json!({"door": 1}));
    assert_eq!(app.idp.push(unknown.sign()).await.status, 202);
    let bob = json!({"subject": {"format": "email", "email": "bob@example.com"}});
    let inside = app.idp.set("3").claim("sub_id", Value::Null);
    let inside = inside.event(caep_session_revoked(), bob);
    assert_eq!(app.idp.push(inside.sign()).await.status, 202);
    let expected = [
        "revoked 1 alice@example.com txn-1",
        "other 2 https://app.example/door-opened",
        "revoked 3 bob@example.com txn-3",
    ];
    heard.are(&expected).await;
    eventually("the stream is verified, which no handler hears of", async || {
        !receiving.transmitters()[0].describe()["status"]["last_verified"].is_null()
    })
    .await;
    heard.are(&expected).await;
    receiving.stop().await;
}

const fn caep_session_revoked() -> &'static str {
    <caep::SessionRevoked as secevent::Payload>::URI
}

// spec: PUSH-019, PUSH-020, PUSH-021, POLL-025
#[tokio::test(flavor = "multi_thread")]
async fn the_answer_does_not_wait_for_the_handler_and_what_waits_survives() {
    let (app, heard, door) = (Application::new().await, Heard::default(), Arc::new(Semaphore::new(0)));
    let first = app.receiver().await.on(move |_: Accepted<caep::SessionRevoked>| {
        let door = Arc::clone(&door);
        async move { drop(door.acquire().await) }
    });
    let receiving = app.start(first).await;
    for jti in ["1", "2", "3"] {
        app.push(jti).await;
    }
    // The process dies while the first handler is at work.
    drop(receiving);
    let again = heard.clone();
    let second = app.receiver().await.on(move |e: Accepted<caep::SessionRevoked>| {
        again.note(e.jti());
        async {}
    });
    let receiving = second.start();
    heard.are(&["1", "2", "3"]).await;
    receiving.stop().await;
}

// spec: PUSH-038, POLL-027
#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_fails_is_called_again_while_others_go_on_and_at_last_the_set_is_set_aside() {
    let (app, heard) = (Application::new().await, Heard::default());
    let (failing, well) = (heard.clone(), heard.clone());
    let broken = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let mended = Arc::clone(&broken);
    let receiver = app
        .receiver()
        .await
        .attempts(2)
        .on(move |e: Accepted<caep::SessionRevoked>| {
            failing.note(format!("{} attempt {}", e.jti(), e.attempt));
            let broken = broken.load(Ordering::SeqCst);
            async move { if broken { Err("the database is away") } else { Ok(()) } }
        })
        .on(move |e: Accepted<caep::CredentialChange>| {
            well.note(e.jti());
            assert_ne!(e.jti(), "panics", "this one is meant to panic");
            async {}
        });
    let receiving = app.start(receiver).await;
    let change = json!({"credential_type": "password", "change_type": "update"});
    app.push("fails").await;
    let event = |jti: &str| app.idp.set(jti).event(CREDENTIAL_CHANGE, change.clone()).sign();
    assert_eq!(app.idp.push(event("goes on")).await.status, 202);
    assert_eq!(app.idp.push(event("panics")).await.status, 202);
    eventually("both are set aside", async || receiving.inbox().set_aside(0, 9).unwrap().len() == 2).await;
    let aside = receiving.inbox().set_aside(0, 9).unwrap();
    assert_eq!((aside[0].jti.as_str(), aside[0].attempts), ("fails", 2));
    assert_eq!(aside[0].why, "the database is away");
    assert_eq!((aside[1].jti.as_str(), aside[1].why.as_str()), ("panics", "the handler panicked"));
    assert_eq!(heard.all().iter().filter(|jti| *jti == "goes on").count(), 1);

    mended.store(false, Ordering::SeqCst);
    assert!(receiving.again(aside[0].no).await.unwrap());
    assert!(!receiving.again(99).await.unwrap());
    eventually("handled at last", async || receiving.inbox().set_aside(0, 9).unwrap().len() == 1).await;
    receiving.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effect_in_the_transaction_is_there_exactly_once() {
    let app = Application::new().await;
    let table = Connection::open(app.file()).unwrap();
    table.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE ended (who TEXT)").unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let receiver = app.receiver().await.on_in_transaction(
        move |transaction: &Transaction<'_>, e: Accepted<caep::SessionRevoked>| {
            let who = e.subject().map(ToString::to_string);
            transaction.execute("INSERT INTO ended VALUES (?1)", [who]).map_err(|e| e.to_string())?;
            // The first time it fails after it has written, the second time it panics.
            match counted.fetch_add(1, Ordering::SeqCst) {
                0 => Err("too early".to_owned()),
                1 => panic!("this is meant to panic"),
                _ => Ok(()),
            }
        },
    );
    let receiving = app.start(receiver).await;
    app.push("1").await;
    app.push("1").await;
    eventually("two calls", async || calls.load(Ordering::SeqCst) >= 2).await;
    assert_eq!(rows(&table), 0);
    let due = "UPDATE secevent_inbox SET due = 0 WHERE state = 'waiting'";
    eventually("the effect", async || {
        table.execute(due, []).unwrap();
        app.push("wakes it").await;
        rows(&table) == 2
    })
    .await;
    assert_eq!(calls.load(Ordering::SeqCst), 4, "two that failed, and one for each SET");
    receiving.stop().await;
    // A restart finds it handled.
    let receiving = app.receiver().await.start();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(rows(&table), 2);
    receiving.stop().await;
}

fn rows(table: &Connection) -> i64 {
    table.query_row("SELECT count(*) FROM ended", [], |row| row.get(0)).unwrap()
}

// spec: SSF-078, POLL-023, POLL-024, POLL-025, POLL-026, CIOP-017
#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_polls_acknowledges_what_it_keeps() {
    let (app, heard) = (Application::new().await, Heard::default());
    let typed = heard.clone();
    let receiver = app.receiver().await.on(move |e: Accepted<caep::SessionRevoked>| {
        typed.note(e.jti());
        async {}
    });
    let receiving = receiver.start();
    receiving.poll(settings(&app.idp, |settings| settings.audience = Vec::new()));
    for jti in ["1", "2"] {
        app.idp.queue(jti, app.idp.set(jti).claim("aud", AUD).sign());
    }
    heard.are(&["1", "2"]).await;
    eventually("acknowledged", async || app.idp.script(|script| script.queue.is_empty())).await;
    let asked = app.idp.calls("POST streams")[0].body["events_requested"].clone();
    assert_eq!(asked, json!([caep_session_revoked()]), "what there is a handler for");
    receiving.stop().await;
}
