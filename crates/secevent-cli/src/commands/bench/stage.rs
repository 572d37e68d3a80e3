//! One scene: a hub, its receivers and their streams, in a folder that is removed in the end.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

use super::{
    config::{Account, HubPlan, random},
    hub::HubProcess,
    load::Door,
    peers::Peers,
    protocol::{Behaviour, Polled, Question},
};
use crate::failure::Failure;

/// Everything that runs.
pub(super) struct Stage {
    pub(super) hub: HubProcess,
    pub(super) peers: Peers,
    pub(super) streams: Vec<StreamMade>,
    pub(super) plan: HubPlan,
    accounts: Vec<Account>,
    toml: String,
    jwks: String,
    metadata: Value,
    /// The number of the next event: no two events of a stage have the same.
    pub(super) next_event: u64,
    folder: TempDir,
}

/// A stream that was made.
pub(super) struct StreamMade {
    pub(super) id: String,
    /// Of a stream that is polled.
    pub(super) poll_path: String,
}

/// Where nobody listens: the port of a service that died out.
const REFUSED: &str = "127.0.0.1:1";

/// Requests at once while a stage is set; their commits go together.
const SETTERS: usize = 32;

impl Stage {
    /// Starts the hub and the receivers.
    pub(super) async fn set(plan: HubPlan, data: Option<&Path>) -> Result<Self, Failure> {
        let folder = folder(data)?;
        let (accounts, admin_token) = (plan.accounts(), random());
        let toml = plan.toml(&accounts, &admin_token);
        let hub = HubProcess::start(folder.path().to_owned(), &toml, admin_token, "127.0.0.1:0").await?;
        let peers = Peers::start(folder.path())?;
        let (jwks, metadata) = (String::new(), Value::Null);
        let mut stage = Self {
            hub,
            peers,
            streams: Vec::new(),
            plan,
            accounts,
            toml,
            jwks,
            metadata,
            next_event: 0,
            folder,
        };
        stage.metadata = stage.hub.json(("GET", "/.well-known/ssf-configuration"), "", "", 200).await?;
        let (_, jwks) = stage.hub.call("GET", &stage.path("jwks_uri"), "", "").await?;
        stage.jwks = String::from_utf8_lossy(&jwks).into_owned();
        Ok(stage)
    }

    /// Makes every stream, to be pushed to the sink; of the first, this many have an endpoint that refuses connections.
    pub(super) async fn push(
        &mut self,
        behaviour: Behaviour,
        refused: u32,
        events: impl Fn(u32) -> Vec<&'static str>,
    ) -> Result<(), Failure> {
        let sink = self.peers.listen(behaviour).await?;
        let spoilt = behaviour.silent + behaviour.slow;
        let delivery = |no: u32| {
            let address = if (spoilt..spoilt + refused).contains(&no) { REFUSED } else { sink.as_str() };
            json!({
                "method": "urn:ietf:rfc:8935", "endpoint_url": format!("http://{address}/s/{no}"),
                "authorization_header": "Bearer bench-receiver",
            })
        };
        self.make_streams(delivery, events).await
    }

    /// Makes every stream, to be polled; nobody polls yet.
    pub(super) async fn pollable(
        &mut self,
        events: impl Fn(u32) -> Vec<&'static str>,
    ) -> Result<(), Failure> {
        self.make_streams(|_| json!({"method": "urn:ietf:rfc:8936"}), events).await
    }

    /// Polls every stream from now on.
    pub(super) async fn poll(&mut self) -> Result<(), Failure> {
        let polled = |(no, stream): (u32, &StreamMade)| Polled {
            no,
            path: stream.poll_path.clone(),
            token: self.account(no).token.clone(),
        };
        let streams = (0..).zip(&self.streams).map(polled).collect();
        self.peers.poll(self.hub.address.clone(), streams).await
    }

    /// Makes streams, many at a time.
    async fn make_streams(
        &mut self,
        delivery: impl Fn(u32) -> Value,
        events: impl Fn(u32) -> Vec<&'static str>,
    ) -> Result<(), Failure> {
        let path = self.path("configuration_endpoint");
        let uri = |name: &&str| secevent::EventType::from_name(name).map(|event| event.uri().to_owned());
        let bodies: Vec<_> = (0..self.plan.streams)
            .map(|no| {
                let events: Vec<_> = events(no).iter().filter_map(|name| uri(name).ok()).collect();
                json!({"events_requested": events, "delivery": delivery(no)}).to_string()
            })
            .collect();
        let answers = self.call_all(("POST", &path), &bodies, 201).await?;
        let base = self.hub.url();
        let made = |answer: &Value| StreamMade {
            id: answer["stream_id"].as_str().unwrap_or_default().to_owned(),
            poll_path: below(&base, &answer["delivery"]["endpoint_url"]),
        };
        self.streams = answers.iter().map(made).collect();
        Ok(())
    }

    /// One request for each body, on behalf of the streams in turn.
    pub(super) async fn call_all(
        &self,
        request: (&str, &str),
        bodies: &[String],
        expected: u16,
    ) -> Result<Vec<Value>, Failure> {
        let streams = usize::try_from(self.plan.streams).unwrap_or(usize::MAX);
        let share = bodies.len().div_ceil(SETTERS).max(1);
        let shares = bodies.chunks(share).enumerate().map(|(chunk, bodies)| async move {
            let mut wire = self.hub.connect().await?;
            let mut answers = Vec::with_capacity(bodies.len());
            for (index, body) in bodies.iter().enumerate() {
                let no = (chunk * share + index) % streams;
                let token = &self.account(u32::try_from(no).unwrap_or_default()).token;
                answers.push(self.hub.json_by(&mut wire, request, token, body, expected).await?);
            }
            Ok::<_, Failure>(answers)
        });
        let mut all = Vec::with_capacity(bodies.len());
        for answers in join_all(shares).await {
            all.extend(answers?);
        }
        Ok(all)
    }

    /// Kills the hub and starts it again over the same data; says how long that took until it was ready.
    pub(super) async fn restart(&mut self) -> Result<std::time::Duration, Failure> {
        self.hub.kill();
        let began = Instant::now();
        let (folder, token) = (self.folder.path().to_owned(), self.hub.admin_token.clone());
        let address = self.hub.address.clone();
        self.hub = HubProcess::start(folder, &self.toml, token, &address).await?;
        Ok(began.elapsed())
    }

    pub(super) fn door(&self) -> Door {
        let (address, token) = (self.hub.address.clone(), self.hub.admin_token.clone());
        Door { address, path: "/v1/events".to_owned(), token }
    }

    /// Verify by this; `from`, events and refusals are the load's.
    pub(super) fn question(&self) -> Question {
        let audiences = self.accounts.iter().map(|account| account.audience.clone()).collect();
        let (issuer, jwks) = (self.hub.url(), self.jwks.clone());
        Question { issuer, jwks, audiences, from: 0, first: 0, events: 0, refused: Vec::new() }
    }

    /// The path of an endpoint that the hub publishes.
    pub(super) fn path(&self, endpoint: &str) -> String {
        below(&self.hub.url(), &self.metadata[endpoint])
    }

    pub(super) fn account(&self, stream: u32) -> &Account {
        let no = if self.accounts.len() == 1 { 0 } else { stream as usize };
        &self.accounts[no]
    }
}

/// A folder for the data, removed in the end.
pub(super) fn folder(data: Option<&Path>) -> Result<TempDir, Failure> {
    let made = data.map_or_else(tempfile::tempdir, tempfile::tempdir_in);
    made.map_err(|error| Failure::could_not(format_args!("a temporary folder: {error}")))
}

fn below(base: &str, url: &Value) -> String {
    url.as_str().and_then(|url| url.strip_prefix(base)).unwrap_or_default().to_owned()
}

/// All of them at once, their answers in order.
async fn join_all<F: Future>(work: impl Iterator<Item = F>) -> Vec<F::Output> {
    use std::{pin::Pin, task::Poll};
    let mut work: Vec<Pin<Box<F>>> = work.map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = work.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (work, done) in work.iter_mut().zip(&mut done).filter(|(_, done)| done.is_none()) {
            if let Poll::Ready(answer) = work.as_mut().poll(context) {
                *done = Some(answer);
            }
        }
        if done.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}
