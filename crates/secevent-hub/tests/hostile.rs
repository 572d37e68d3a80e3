//! The hub against peers that mean it harm: real sockets, bytes as they please.

#![expect(clippy::unwrap_used, reason = "the helpers are tests too")]

use std::{
    io::Write,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use secevent_http::client::{Client, Egress};
use secevent_hub::{Hub, ReceiverSettings, Settings, store::SqliteStore};
use secevent_ssf::engine::Millis;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

const ACME: &str = "acme-token";
const ADMIN: &str = "admin-token";

/// A hub that is served as the program serves it.
struct Victim {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Result<(), String>>,
    folder: TempDir,
}

impl Victim {
    async fn start(set: impl FnOnce(&mut Settings)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut settings = Settings::new(format!("http://{address}"), Arc::new(now));
        settings.client = Client::new(Egress::loopback());
        settings.admin_token = Some(ADMIN.into());
        settings.receivers = vec![ReceiverSettings::new("acme", ACME, vec!["acme".into()])];
        set(&mut settings);
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("hub.db"), secevent_hub::fresh_origin).unwrap();
        let hub = Hub::start(settings, Arc::new(store)).await.unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async { drop(stopped.await) };
        let served = tokio::spawn(async move { hub.serve(listener, Vec::new(), stopped).await });
        Self { address, stop, served, folder }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// A connection over which these bytes were sent.
    async fn begin(&self, bytes: &str) -> TcpStream {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_bytes()).await.unwrap();
        stream
    }

    /// Sends bytes and reads until the hub closes.
    async fn raw(&self, bytes: &str) -> String {
        rest(self.begin(bytes).await).await
    }

    /// Sends a request with these further header lines.
    async fn send(&self, line: &str, headers: &str, body: &str) -> String {
        let length = body.len();
        let head =
            format!("{line} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\nContent-Length: {length}\r\n");
        self.raw(&format!("{head}{headers}\r\n{body}")).await
    }

    async fn post(&self, path: &str, token: &str, body: &Value) -> Value {
        let bearer = format!("Authorization: Bearer {token}\r\n");
        let answer = self.send(&format!("POST {path}"), &bearer, &body.to_string()).await;
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}"))
    }

    async fn poll_stream(&self) -> String {
        let created = self.post("/ssf/streams", ACME, &json!({})).await;
        format!("/ssf/poll/{}", created["stream_id"].as_str().unwrap())
    }

    /// A poll that waits for an event.
    async fn park(&self, path: &str) -> TcpStream {
        let head = format!("POST {path} HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {ACME}\r\n");
        let parked = self.begin(&format!("{head}Connection: close\r\nContent-Length: 2\r\n\r\n{{}}")).await;
        sleep(Duration::from_millis(100)).await;
        parked
    }

    async fn emit(&self) -> Value {
        let event =
            json!({"event": "caep:session-revoked", "subject": {"format": "email", "email": "a@x.example"}});
        self.post("/v1/events", ADMIN, &event).await
    }

    /// Stops it, and answers with how long that took.
    async fn stop(self) -> Duration {
        let started = Instant::now();
        drop(self.stop);
        self.served.await.unwrap().unwrap();
        started.elapsed()
    }
}

#[expect(clippy::disallowed_methods, reason = "a test is an edge")]
fn now() -> Millis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Millis(u64::try_from(since.as_millis()).unwrap())
}

/// What comes until the hub closes, which it must within five seconds; cut off is closed too.
async fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    drop(timeout(Duration::from_secs(5), stream.read_to_end(&mut bytes)).await.expect("it is closed"));
    String::from_utf8_lossy(&bytes).into_owned()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or(answer)
}

/// The challenge of a 401.
/// The error that the challenge of a 401 names.
fn error(answer: &str) -> Option<&str> {
    assert_eq!(status(answer), "401", "{answer}");
    let challenge = answer.lines().find_map(|line| line.strip_prefix("www-authenticate: Bearer")).unwrap();
    Some(challenge.split_once("error=\"")?.1.split_once('"')?.0)
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_and_bodies_have_a_deadline() {
    let victim = Victim::start(|settings| settings.limits.request_wait = Duration::from_millis(500)).await;
    let path = victim.poll_stream().await;
    let started = Instant::now();
    let silent = victim.connect().await;
    let half_a_head = victim.begin("GET /healthz HTTP/1.1\r\nHost: hub\r\nX-Slow: ").await;
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {ACME}\r\nContent-Length: 9\r\n\r\n"
    );
    let mut drip = victim.begin(&head).await;
    let dripping = async {
        for _ in 0..4 {
            sleep(Duration::from_millis(150)).await;
            drop(drip.write_all(b" ").await);
        }
        rest(drip).await
    };
    let (silent, half_a_head, late) = tokio::join!(rest(silent), rest(half_a_head), dripping);
    assert_eq!((silent.as_str(), half_a_head.as_str()), ("", ""));
    assert_eq!(status(&late), "408", "{late}");
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    // What waits for the hub itself has time.
    let parked = victim.park(&path).await;
    sleep(Duration::from_millis(800)).await;
    victim.emit().await;
    assert_eq!(status(&rest(parked).await), "200");
    victim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_gives_way_to_who_asks() {
    let victim = Victim::start(|settings| settings.limits.connections = 8).await;
    let path = victim.poll_stream().await;
    let parked = victim.park(&path).await;
    let mut silent = Vec::new();
    for n in 0..50 {
        silent.push(victim.begin(if n % 2 == 0 { "" } else { "GET /healthz HTTP/1.1\r\nX-Slow: " }).await);
    }
    let answer = victim.send("GET /healthz", "", "").await;
    assert_eq!(status(&answer), "200", "{answer}");
    assert_eq!(rest(silent.remove(0)).await, "", "the first to be silent is the first to go");
    victim.emit().await;
    let answer = rest(parked).await;
    assert_eq!(status(&answer), "200", "a request that is being answered keeps its place: {answer}");
    drop(silent);
    victim.stop().await;
}

/// A body that does not come asks for nothing, whoever its headers say it is from.
#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_finish_a_body_gives_way_too() {
    let victim = Victim::start(|settings| settings.limits.connections = 2).await;
    let headers = "POST /oauth/token HTTP/1.1\r\nhost: h\r\ncontent-length: 99\r\n\r\ngrant";
    let _first = victim.begin(headers).await;
    let _second = victim.begin(headers).await;
    sleep(Duration::from_millis(100)).await;
    let asked = Instant::now();
    let answer = victim.raw("GET /healthz HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await;
    assert_eq!(status(&answer), "200", "{answer}");
    assert!(asked.elapsed() < Duration::from_secs(5));
    victim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_every_place_is_asking_a_newcomer_waits_for_the_first_that_is_free() {
    let victim = Victim::start(|settings| {
        settings.limits.connections = 2;
        settings.limits.poll_wait = Duration::from_millis(700);
    })
    .await;
    let path = victim.poll_stream().await;
    let (one, two) = (victim.park(&path).await, victim.park(&path).await);
    assert_eq!(status(&victim.send("GET /healthz", "", "").await), "200");
    assert_eq!((status(&rest(one).await), status(&rest(two).await)), ("200", "200"));
    victim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_answers_parked_polls_and_closes_what_is_idle() {
    let victim = Victim::start(|_| {}).await;
    let path = victim.poll_stream().await;
    let (parked, silent) = (victim.park(&path).await, victim.connect().await);
    let mut kept_alive = victim.begin("GET /healthz HTTP/1.1\r\nHost: hub\r\n\r\n").await;
    assert!(kept_alive.read(&mut [0; 1024]).await.unwrap() > 0);
    assert!(victim.stop().await < Duration::from_secs(3));
    assert_eq!(status(&rest(parked).await), "200");
    assert_eq!((rest(silent).await, rest(kept_alive).await), (String::new(), String::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_those_who_stall() {
    let victim = Victim::start(|_| {}).await;
    let _half_a_head = victim.begin("GET /healthz HTTP/1.1\r\nX-Slow: ").await;
    sleep(Duration::from_millis(100)).await;
    assert!(victim.stop().await < Duration::from_secs(8));
}

// spec: CIOP-036
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_token_is_asked_for_and_a_wrong_one_is_called_wrong() {
    let victim = Victim::start(|settings| settings.open_health = false).await;
    let wrong = "Authorization: Bearer nobody\r\n";
    let twice = format!("Authorization: Bearer {ACME}\r\n").repeat(2);
    for line in ["GET /ssf/streams", "GET /v1/streams", "GET /healthz", "POST /receive/idp"] {
        for none in ["", "Authorization: Basic abc\r\n", "Authorization: Bearer \r\n", &twice] {
            assert_eq!(error(&victim.send(line, none, "").await), None, "{line} {none}");
        }
        let answer = victim.send(line, wrong, "").await;
        assert_eq!(error(&answer), Some("invalid_token"), "{line}");
    }
    victim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_read_before_it_is_known_who_asks() {
    let victim = Victim::start(|_| {}).await;
    let bearer = format!("Authorization: Bearer {ACME}\r\n");
    for line in ["GET /ssf/streams?stream_id=a&stream_id=b", "POST /ssf/poll/%ff"] {
        assert_eq!(error(&victim.send(line, "", "{}").await), None, "{line}");
        let answer = victim.send(line, &bearer, "{}").await;
        assert!(status(&answer) == "400" && answer.contains("application/problem+json"), "{answer}");
    }
    victim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ambiguous_headers_are_refused() {
    let victim = Victim::start(|_| {}).await;
    for hosts in ["", "Host: a\r\nHost: b\r\n"] {
        let answer = victim.raw(&format!("GET /healthz HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n")).await;
        assert_eq!(status(&answer), "400", "{hosts}");
    }
    assert_eq!(status(&victim.raw("GET /healthz HTTP/1.0\r\n\r\n").await), "200");
    let keys = format!("Authorization: Bearer {ADMIN}\r\nIdempotency-Key: a\r\nIdempotency-Key: b\r\n");
    assert_eq!(status(&victim.send("POST /v1/events", &keys, "{}").await), "400");
    let flood = "X-Flood: y\r\n".repeat(1000);
    assert_eq!(status(&victim.send("GET /healthz", &flood, "").await), "431");
    victim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_door_without_a_room_says_not_yet() {
    let victim = Victim::start(|_| {}).await;
    let answer = victim.send("GET /v1/tail", &format!("Authorization: Bearer {ADMIN}\r\n"), "").await;
    assert!(status(&answer) == "501" && answer.contains("not yet"), "{answer}");
    victim.stop().await;
}

// spec: SSF-107
#[tokio::test(flavor = "multi_thread")]
async fn the_hub_is_no_receiver_of_its_own() {
    let victim = Victim::start(|settings| {
        settings.issuer = "https://signals.example.com/tenant".into();
        settings.client = Client::new(Egress::strict());
    })
    .await;
    let own = ["https://signals.example.com/v1/events", "https://SIGNALS.example.com.:443/x"];
    let inside =
        ["http://rx.example.com/", "https://127.1/", "https://[::ffff:7f00:1]/", "https://localhost/"];
    for url in own.into_iter().chain(inside) {
        let delivery = json!({"method": "urn:ietf:rfc:8935", "endpoint_url": url});
        let answer = victim.post("/tenant/ssf/streams", ACME, &json!({"delivery": delivery})).await;
        assert_eq!(
            (&answer["status"], &answer["title"]),
            (&400.into(), &"the push endpoint cannot be used".into())
        );
    }
    victim.stop().await;
}

// spec: POLL-034
#[tokio::test(flavor = "multi_thread")]
async fn words_of_a_receiver_stay_within_their_line_of_the_log() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer({
        let log = log.clone();
        move || log.clone()
    });
    // The only test here that looks at the log; what others write to it does no harm.
    tracing::subscriber::set_global_default(subscriber.finish()).unwrap();
    let victim = Victim::start(|_| {}).await;
    let path = victim.poll_stream().await;
    victim.emit().await;
    let now = json!({"returnImmediately": true});
    let sets = victim.post(&path, ACME, &now).await;
    let jti = sets["sets"].as_object().unwrap().keys().next().unwrap();
    let error = json!({"err": "\u{1b}[31m\r\n", "description": "\n2026-01-01 INFO forged \u{9b}\u{202e}"});
    victim.post(&path, ACME, &json!({"returnImmediately": true, "setErrs": {jti: error}})).await;
    victim.stop().await;
    let log = log.text();
    let line = log.lines().find(|line| line.contains("set aside")).unwrap_or_else(|| panic!("{log}"));
    assert!(line.contains("forged") && !line.contains(|c: char| c.is_control() || c == '\u{202e}'), "{line}");
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lock_is_private_and_says_who_has_it() {
    let victim = Victim::start(|_| {}).await;
    let path = victim.folder.path().join("hub.db");
    let error = SqliteStore::open(&path, secevent_hub::fresh_origin).unwrap_err().to_string();
    assert!(error.contains("another hub has this store open (it holds /"), "{error}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path.with_extension("lock")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    victim.stop().await;
}
