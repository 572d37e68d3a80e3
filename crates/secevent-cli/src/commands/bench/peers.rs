//! The receivers, as the benchmark sees them: a child process that is asked and answers.

use std::{path::Path, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};

use super::{
    process::Process,
    protocol::{Ask, Behaviour, Polled, Question, Report, Tell},
};
use crate::failure::Failure;

/// The receivers of all streams.
pub(super) struct Peers {
    process: Process,
    answers: mpsc::Receiver<Tell>,
    received: watch::Receiver<u64>,
}

/// Longer than the verification of a million SETs takes on one core.
const ANSWER_WAIT: Duration = Duration::from_mins(5);

impl Peers {
    pub(super) fn start(folder: &Path) -> Result<Self, Failure> {
        let (process, mut lines) = Process::start(&["bench", "receivers"], &folder.join("receivers.log"))?;
        let (news, received) = watch::channel(0);
        let (said, answers) = mpsc::channel(1);
        tokio::spawn(async move {
            while let Some(line) = lines.recv().await {
                match serde_json::from_str(&line) {
                    Ok(Tell::Received(sets)) => _ = news.send_replace(sets),
                    Ok(answer) => drop(said.send(answer).await),
                    Err(error) => drop(said.send(Tell::Failed(error.to_string())).await),
                }
            }
        });
        Ok(Self { process, answers, received })
    }

    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// How many SETs came since the process began.
    pub(super) fn received(&self) -> watch::Receiver<u64> {
        self.received.clone()
    }

    /// Takes SETs by push from now on, and says where.
    pub(super) async fn listen(&mut self, behaviour: Behaviour) -> Result<String, Failure> {
        match self.ask(&Ask::Listen(behaviour)).await? {
            Tell::Listening(address) => Ok(address),
            _ => Err(Failure::could_not("the receivers do not say where they listen")),
        }
    }

    pub(super) async fn poll(&mut self, address: String, streams: Vec<Polled>) -> Result<(), Failure> {
        self.ask(&Ask::Poll { address, streams }).await.map(drop)
    }

    pub(super) async fn away(&mut self) -> Result<(), Failure> {
        self.ask(&Ask::Away).await.map(drop)
    }

    pub(super) async fn back(&mut self) -> Result<(), Failure> {
        self.ask(&Ask::Back).await.map(drop)
    }

    pub(super) async fn forget(&mut self) -> Result<(), Failure> {
        self.ask(&Ask::Forget).await.map(drop)
    }

    pub(super) async fn report(&mut self, question: Question) -> Result<Report, Failure> {
        match self.ask(&Ask::Report(question)).await? {
            Tell::Report(report) => Ok(report),
            _ => Err(Failure::could_not("the receivers do not report")),
        }
    }

    async fn ask(&mut self, ask: &Ask) -> Result<Tell, Failure> {
        let ended = || Failure::could_not("the receivers have ended");
        let line = serde_json::to_string(ask).expect("maps with text keys are JSON");
        self.process.tell(&line).map_err(|_| ended())?;
        match timeout(ANSWER_WAIT, self.answers.recv()).await {
            Ok(Some(Tell::Failed(why))) => Err(Failure::could_not(format_args!("the receivers: {why}"))),
            Ok(answer) => answer.ok_or_else(ended),
            Err(_) => Err(Failure::could_not("the receivers do not answer")),
        }
    }
}
