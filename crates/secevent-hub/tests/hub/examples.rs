//! The examples, as programs: one signs a user out, the other hears of it.

use std::{
    io::{BufRead as _, BufReader, Lines},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
};

use crate::{home::eventually, http_call::call};

/// A running example; it ends with the test.
struct Example {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Example {
    fn start(name: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(built(name)).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }

    fn url(&mut self) -> String {
        self.line().strip_prefix("listening on ").unwrap().to_owned()
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Where an example was built: beside the tests, by whoever built those all; else now.
fn built(name: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let profile = tests.parent().and_then(|deps| deps.parent()).unwrap();
    let path = profile.join("examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if !path.exists() {
        let build = ["build", "--quiet", "--package", "secevent-hub", "--examples"];
        assert!(Command::new(env!("CARGO")).args(build).status().unwrap().success());
    }
    path
}

// spec: CIOP-043
#[tokio::test(flavor = "multi_thread")]
async fn what_one_application_publishes_the_other_acts_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let mut transmitter = Example::start("transmitter", &["127.0.0.1:0", "a-token", &file("hub.db")]);
    let issuer = transmitter.url();
    let mut receiver = Example::start("receiver", &[&issuer, "a-token", &file("inbox.db")]);
    receiver.url();
    let streams = format!("{issuer}/ssf/streams");
    eventually("there is a stream", async || {
        let answer = call("GET", &streams, &[("authorization", "Bearer a-token")], "").await;
        answer.status == 200 && answer.json().as_array().is_some_and(|streams| !streams.is_empty())
    })
    .await;
    call("POST", &format!("{issuer}/sign-out/alice"), &[], "").await.expect(202);
    let heard = tokio::task::spawn_blocking(move || receiver.line()).await.unwrap();
    assert!(heard.contains("alice are ended"), "{heard}");
}
