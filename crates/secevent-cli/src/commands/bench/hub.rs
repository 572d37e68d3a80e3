//! The hub that is measured: the same program, in a process and a folder of its own.

use std::{fs, path::PathBuf, time::Duration};

use serde_json::Value;
use tokio::time::{Instant, timeout};

use super::{
    process::Process,
    usage::{Memory, Usage},
    wire::{Target, Wire},
};
use crate::failure::Failure;

/// A hub in a process of its own.
pub(super) struct HubProcess {
    process: Process,
    folder: PathBuf,
    /// Host and port.
    pub(super) address: String,
    pub(super) admin_token: String,
}

/// A hub that used no time for so long has nothing to do; it is not waited for longer than a minute.
const QUIET: Duration = Duration::from_millis(500);
const QUIET_LOOKS_MAX: u32 = 120;

/// What it has done and used so far.
#[derive(Clone, Copy, Default)]
pub(super) struct Meter {
    pub(super) usage: Usage,
    /// Durable commits, if the hub counts them.
    pub(super) commits: Option<u64>,
}

impl Meter {
    /// Of a hub that has just begun.
    pub(super) const fn nothing() -> Self {
        Self { usage: Usage { cpu_us: Some(0), written: Some(0) }, commits: Some(0) }
    }
}

/// Longer than any start that is still of use.
const START_WAIT: Duration = Duration::from_mins(2);

/// Longer than the hub takes for any request but a long poll.
const ANSWER_WAIT: Duration = Duration::from_mins(1);

impl HubProcess {
    /// Starts a hub with this configuration over the data in this folder, and waits until it takes traffic.
    pub(super) async fn start(
        folder: PathBuf,
        config: &str,
        admin_token: String,
        listen: &str,
    ) -> Result<Self, Failure> {
        let cannot =
            |error: std::io::Error| Failure::could_not(format_args!("the folder of the hub: {error}"));
        let (file, data) = (folder.join("hub.toml"), folder.join("data"));
        fs::write(&file, config).map_err(cannot)?;
        let (file, data) = (file.to_string_lossy(), data.to_string_lossy());
        let args = ["serve", "--config", &file, "--listen", listen, "--data", &data];
        let (process, mut lines) = Process::start(&args, &folder.join("hub.log"))?;
        let mut hub = Self { process, folder, address: String::new(), admin_token };
        let line = timeout(START_WAIT, lines.recv()).await.ok().flatten();
        let url = line.as_deref().and_then(|line| line.strip_prefix("listening on http://"));
        url.ok_or_else(|| hub.failure("does not start"))?.clone_into(&mut hub.address);
        hub.ready().await?;
        Ok(hub)
    }

    /// Its URL, which is its issuer.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn memory(&self) -> Memory {
        Memory::of(self.process.id())
    }

    pub(super) async fn meter(&self) -> Meter {
        Meter { usage: Usage::of(self.process.id()), commits: self.commits().await }
    }

    /// Waits until it has nothing to do.
    pub(super) async fn quiet(&self) {
        let mut before = Usage::of(self.process.id()).cpu_us;
        for _ in 0..QUIET_LOOKS_MAX {
            tokio::time::sleep(QUIET).await;
            let now = Usage::of(self.process.id()).cpu_us;
            if now == before {
                return;
            }
            before = now;
        }
    }

    /// How many commits were done, by `/metrics`; each has synced the disk once.
    async fn commits(&self) -> Option<u64> {
        const DONE: &str = "secevent_commits_total{outcome=\"done\"} ";
        let (status, body) = self.call("GET", "/metrics", &self.admin_token, "").await.ok()?;
        let text = str::from_utf8(&body).ok().filter(|_| status == 200)?;
        let line = text.lines().find_map(|line| line.strip_prefix(DONE))?;
        line.trim().parse().ok()
    }

    /// One request on a connection of its own.
    pub(super) async fn call(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: &str,
    ) -> Result<(u16, Vec<u8>), Failure> {
        let target = Target { method, path, token };
        let exchange = async {
            let mut wire = Wire::connect(&self.address).await?;
            wire.call(&target, body).await.map(|(status, body)| (status, body.to_vec()))
        };
        let answer = timeout(ANSWER_WAIT, exchange).await;
        answer
            .ok()
            .and_then(Result::ok)
            .ok_or_else(|| self.failure(&format!("does not answer {method} {path}")))
    }

    /// The same, of which only one status is an answer.
    pub(super) async fn json(
        &self,
        request: (&str, &str),
        token: &str,
        body: &str,
        expected: u16,
    ) -> Result<Value, Failure> {
        self.json_by(&mut self.connect().await?, request, token, body, expected).await
    }

    pub(super) async fn connect(&self) -> Result<Wire, Failure> {
        Wire::connect(&self.address).await.map_err(|_| self.failure("takes no connection"))
    }

    /// The same on a connection that is there.
    pub(super) async fn json_by(
        &self,
        wire: &mut Wire,
        (method, path): (&str, &str),
        token: &str,
        body: &str,
        expected: u16,
    ) -> Result<Value, Failure> {
        let answer = timeout(ANSWER_WAIT, wire.call(&Target { method, path, token }, body)).await;
        let (status, body) = answer
            .ok()
            .and_then(Result::ok)
            .ok_or_else(|| self.failure(&format!("does not answer {path}")))?;
        if status != expected {
            let body = String::from_utf8_lossy(body);
            return Err(self.failure(&format!("answered {method} {path} with {status}: {body}")));
        }
        Ok(serde_json::from_slice(body).unwrap_or_default())
    }

    /// Kills it, as a crash would.
    pub(super) fn kill(&mut self) {
        self.process.kill();
    }

    /// Waits until `/readyz` says yes.
    async fn ready(&self) -> Result<(), Failure> {
        let until = Instant::now() + START_WAIT;
        while self.call("GET", "/readyz", "", "").await?.0 != 200 {
            if Instant::now() > until {
                return Err(self.failure("is not ready"));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    /// What the hub said last is the best hint there is.
    pub(super) fn failure(&self, what: &str) -> Failure {
        let log = fs::read_to_string(self.folder.join("hub.log")).unwrap_or_default();
        let last = log.lines().next_back().unwrap_or_default();
        Failure::could_not(format_args!("the hub {what}; its last words: {}", crate::output::one_line(last)))
    }
}
