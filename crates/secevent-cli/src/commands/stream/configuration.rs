//! The configuration of a stream (SSF 1.0 §8.1.1): list, show, create, update, delete.

use secevent_http::client::TransmitterClient;
use secevent_ssf::stream::{CreateStream, Delivery, Secret, UpdateStream};
use serde_json::json;

use super::{display, failed, reach};
use crate::{
    failure::{Exit, Failure},
    input,
    output::{self, Form},
    transmitter::{self, Flags},
};

/// List your streams
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secevent stream list --issuer http://127.0.0.1:8417
  secevent stream list --issuer http://127.0.0.1:8417 --json")]
pub(super) struct List {
    #[command(flatten)]
    transmitter: Flags,
}

pub(super) async fn list(args: &List, form: Form) -> Result<Exit, Failure> {
    let streams = reach(&args.transmitter).await?.list_streams().await;
    let streams = streams.map_err(failed(&args.transmitter))?;
    if form == Form::Json {
        output::json(&streams.iter().map(display::without_credential).collect::<Vec<_>>())?;
    } else if streams.is_empty() {
        output::remark("you have no stream there");
        output::remark(format_args!(
            "  one is made by: secevent stream create --issuer {}",
            args.transmitter.issuer
        ));
    } else {
        output::say(display::list(&streams))?;
    }
    Ok(Exit::Yes)
}

/// Show a stream and its status
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secevent stream show --issuer http://127.0.0.1:8417 f67e39a0a4d34d56b3aa1bc4cff0069f")]
pub(super) struct Show {
    /// The stream
    id: String,
    #[command(flatten)]
    transmitter: Flags,
}

pub(super) async fn show(args: &Show, form: Form) -> Result<Exit, Failure> {
    let transmitter = reach(&args.transmitter).await?;
    let stream = transmitter.read_stream(&args.id).await.map_err(failed(&args.transmitter))?;
    if form == Form::Json {
        output::json(&display::without_credential(&stream))?;
        return Ok(Exit::Yes);
    }
    let status = match transmitter.metadata().status_endpoint {
        None => None,
        Some(_) => Some(transmitter.status(&args.id).await.map_err(failed(&args.transmitter))?),
    };
    output::say(display::whole(&stream, status.as_ref()))?;
    Ok(Exit::Yes)
}

/// Where SETs are pushed to, and with what.
#[derive(clap::Args)]
struct Push {
    /// Have signals pushed to this URL
    #[arg(long, value_name = "URL")]
    push: Option<String>,
    /// The whole Authorization field of each push: text, `env:NAME` or `file:PATH`
    #[arg(long, value_name = "VALUE", requires = "push")]
    authorization: Option<String>,
}

impl Push {
    fn delivery(&self) -> Result<Option<Delivery>, Failure> {
        let Some(url) = &self.push else { return Ok(None) };
        let authorization = self.authorization.as_deref().map(input::secret).transpose()?;
        if authorization.as_ref().is_some_and(|value| !value.contains(' ')) {
            output::note("--authorization is sent as it is, and has no scheme such as `Bearer` in front");
        }
        let authorization_header = authorization.map(|value| Secret::new(value.as_str()));
        Ok(Some(Delivery::Push { endpoint_url: url.clone(), authorization_header }))
    }
}

/// Make a stream
///
/// Without --push its signals wait until they are polled for.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secevent stream create --issuer http://127.0.0.1:8417
  secevent stream create --issuer http://127.0.0.1:8417 --description \"sessions\" \\
    --events caep:session-revoked,caep:credential-change
  PUSH_SECRET=\"Bearer 8f2c\" secevent stream create --issuer http://127.0.0.1:8417 \\
    --push http://127.0.0.1:9000/events --authorization env:PUSH_SECRET")]
pub(super) struct Create {
    #[command(flatten)]
    push: Push,
    /// The events to ask for, by name or URI; all if left out
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    events: Vec<String>,
    /// What you call it
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    #[command(flatten)]
    transmitter: Flags,
}

pub(super) async fn create(args: &Create, form: Form) -> Result<Exit, Failure> {
    let wanted = CreateStream {
        events_requested: transmitter::events(&args.events)?,
        delivery: Some(args.push.delivery()?.unwrap_or(Delivery::Poll { endpoint_url: None })),
        description: args.description.clone(),
    };
    let stream = reach(&args.transmitter).await?.create_stream(&wanted).await;
    let stream = stream.map_err(failed(&args.transmitter))?;
    match form {
        Form::Json => output::json(&display::without_credential(&stream))?,
        Form::People => {
            output::remark("created");
            output::say(display::agreed(&stream))?;
        }
    }
    Ok(Exit::Yes)
}

/// Change a stream
///
/// What no flag names stays as it is, or is deleted with --replace.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secevent stream update --issuer http://127.0.0.1:8417 f67e39a0a4d34d56b3aa1bc4cff0069f \\
    --events caep:session-revoked
  secevent stream update --issuer http://127.0.0.1:8417 f67e39a0a4d34d56b3aa1bc4cff0069f \\
    --all-events --push http://127.0.0.1:9000/events
  secevent stream update --issuer http://127.0.0.1:8417 f67e39a0a4d34d56b3aa1bc4cff0069f \\
    --replace --poll --description \"everything\"")]
pub(super) struct Update {
    /// The stream
    id: String,
    /// The events to ask for, by name or URI
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    events: Vec<String>,
    /// Ask for every event that the transmitter supports
    #[arg(long, conflicts_with = "events")]
    all_events: bool,
    #[command(flatten)]
    push: Push,
    /// Have signals wait until they are polled for
    #[arg(long, conflicts_with = "push")]
    poll: bool,
    /// What you call it
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Delete what no other flag names: events become the transmitter's choice, delivery poll
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    transmitter: Flags,
}

pub(super) async fn update(args: &Update, form: Form) -> Result<Exit, Failure> {
    let poll = args.poll.then_some(Delivery::Poll { endpoint_url: None });
    let changes = CreateStream {
        events_requested: transmitter::events(&args.events)?,
        delivery: args.push.delivery()?.or(poll),
        description: args.description.clone(),
    };
    let mut update = UpdateStream { stream_id: args.id.clone(), changes, ..UpdateStream::default() };
    if !args.replace && !args.all_events && update.changes == CreateStream::default() {
        let what =
            "nothing to change: give --events, --all-events, --push, --poll, --description or --replace";
        return Err(Failure::usage(what).next("secevent stream update --help"));
    }
    let transmitter = reach(&args.transmitter).await?;
    if args.all_events {
        update.changes.events_requested = Some(every_event(args, &transmitter).await?);
    }
    let stream = if args.replace {
        transmitter.replace_stream(&update).await
    } else {
        transmitter.update_stream(&update).await
    };
    let stream = stream.map_err(failed(&args.transmitter))?;
    match form {
        Form::Json => output::json(&display::without_credential(&stream))?,
        Form::People => {
            output::remark("changed");
            output::say(display::agreed(&stream))?;
        }
    }
    Ok(Exit::Yes)
}

async fn every_event(
    args: &Update,
    transmitter: &TransmitterClient,
) -> Result<Vec<secevent::EventType>, Failure> {
    let stream = transmitter.read_stream(&args.id).await.map_err(failed(&args.transmitter))?;
    match stream.events_supported {
        none if none.is_empty() => Err(Failure::no("the transmitter does not say which events it supports")
            .next("secevent stream update --events NAMES ...")),
        all => Ok(all),
    }
}

/// Delete a stream and what waits on it
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secevent stream delete --issuer http://127.0.0.1:8417 f67e39a0a4d34d56b3aa1bc4cff0069f")]
pub(super) struct Delete {
    /// The stream
    id: String,
    #[command(flatten)]
    transmitter: Flags,
}

pub(super) async fn delete(args: &Delete, form: Form) -> Result<Exit, Failure> {
    let deleted = reach(&args.transmitter).await?.delete_stream(&args.id).await;
    deleted.map_err(failed(&args.transmitter))?;
    match form {
        Form::Json => output::json(&json!({"stream_id": args.id, "deleted": true}))?,
        Form::People => output::say(format_args!("stream {} is deleted", output::one_line(&args.id)))?,
    }
    Ok(Exit::Yes)
}
