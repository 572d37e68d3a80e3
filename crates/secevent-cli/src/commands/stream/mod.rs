//! `secevent stream`: the stream management API (SSF 1.0 §8) as a client, against any transmitter.

mod configuration;
mod control;
mod display;

use clap::Subcommand;
use secevent_http::client::{CallError, TransmitterClient, discover};

use crate::{
    failure::{Exit, Failure},
    net,
    output::{self, Form},
    transmitter::Flags,
};

/// Manage your streams at a transmitter
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secevent stream list --issuer http://127.0.0.1:8417
  secevent stream create --issuer http://127.0.0.1:8417 --events caep:session-revoked")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    List(configuration::List),
    Show(configuration::Show),
    Create(configuration::Create),
    Update(configuration::Update),
    Delete(configuration::Delete),
    Status(control::Status),
    Subjects(control::Subjects),
    Verify(control::Verify),
}

pub(crate) fn run(args: &Args, form: Form) -> Result<Exit, Failure> {
    net::log(net::Log::Text, "warn");
    net::block_on(async {
        match &args.command {
            Command::List(args) => configuration::list(args, form).await,
            Command::Show(args) => configuration::show(args, form).await,
            Command::Create(args) => configuration::create(args, form).await,
            Command::Update(args) => configuration::update(args, form).await,
            Command::Delete(args) => configuration::delete(args, form).await,
            Command::Status(args) => control::status(args, form).await,
            Command::Subjects(args) => control::subjects(args, form).await,
            Command::Verify(args) => control::verify(args, form).await,
        }
    })
}

/// The transmitter as it describes itself.
async fn reach(flags: &Flags) -> Result<TransmitterClient, Failure> {
    let client = net::client(&flags.issuer);
    let authorization = flags.authorization(&client)?;
    let metadata = discover(&client, &flags.issuer).await.map_err(|error| {
        let what = format!("no transmitter at {}: {}", flags.issuer, output::printable(&error.to_string()));
        Failure::could_not(what).next("--issuer http://127.0.0.1:8417, with secevent serve running")
    })?;
    Ok(TransmitterClient::new(client, metadata, authorization))
}

/// What the failure of a call means: the transmitter said no, or nothing that can be relied on.
fn failed(flags: &Flags) -> impl Fn(CallError) -> Failure {
    let list = format!("secevent stream list --issuer {}", flags.issuer);
    move |error| {
        let words = output::printable(&error.to_string());
        match error {
            CallError::Status { status: 401, .. } => {
                Failure::could_not(words).next("--token TOKEN, as the transmitter gave it")
            }
            CallError::Status { status: 404, .. } => Failure::no(words).next(&list),
            CallError::Status { status: 408, .. } => Failure::could_not(words),
            CallError::Status { status: 429, retry_after_secs: Some(secs), .. } => {
                Failure::no(words).next(format!("the same again, in {secs} s"))
            }
            CallError::NoEndpoint(_) | CallError::Status { status: 400..=499, .. } => Failure::no(words),
            _ => Failure::could_not(words),
        }
    }
}
