//! `secevent listen`: a receiver against any transmitter.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use secevent::{Event, VerifiedSet};
use secevent_http::{client::Client, router::push_endpoint};
use secevent_hub::receiver::{Intake, Kept, Sink, Subscription, Wanted, poll_loop, subscribe};
use secevent_ssf::stream::Secret;
use serde_json::json;
use tokio::{net::TcpListener, sync::watch};

use crate::{
    clock,
    failure::{Exit, Failure},
    net,
    output::{self, Form},
    transmitter::{self, Flags},
};

/// Receive signals from a transmitter and print them
#[derive(clap::Args)]
#[command(after_help = "\
Finds the transmitter, creates a stream, verifies it, prints each signal, and deletes the stream
at the end. Against a development hub the token is found in ./secevent-data/dev.token; elsewhere
give it with --token, or the credentials of an OAuth client with --client-id and --client-secret.

Examples:
  secevent listen --issuer http://127.0.0.1:8417
  secevent listen --issuer https://signals.example.com --token env:TOKEN \\
    --events caep:session-revoked --count 1
  secevent listen --issuer https://signals.example.com --client-id acme \\
    --client-secret env:SECRET
  secevent listen --issuer http://127.0.0.1:8417 --push 127.0.0.1:0 --json")]
pub(crate) struct Args {
    #[command(flatten)]
    transmitter: Flags,
    /// Be pushed to at this address instead of polling
    #[arg(long, value_name = "ADDR")]
    push: Option<String>,
    /// The URL that the transmitter reaches that address by
    #[arg(long, value_name = "URL", requires = "push")]
    public_url: Option<String>,
    /// The events to ask for, by name or URI; all if left out
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    events: Vec<String>,
    /// End after this many signals
    #[arg(long, value_name = "N", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    count: Option<usize>,
    /// Leave the stream there at the end
    #[arg(long)]
    keep: bool,
}

pub(crate) fn run(args: &Args, form: Form) -> Result<Exit, Failure> {
    let client = net::client(&args.transmitter.issuer);
    let wanted = wanted(args, &client)?;
    net::log(net::Log::Text, "warn");
    net::block_on(async {
        // Asked to end while the stream is being made, the program still deletes it.
        let asked_to_end = net::asked_to_end()?;
        let stop = watch::Sender::new(false);
        tokio::spawn({
            let stop = stop.clone();
            async move {
                asked_to_end.await;
                stop.send_replace(true);
            }
        });
        let pushed = match &args.push {
            None => None,
            Some(address) => Some(endpoint(address, args.public_url.as_deref()).await?),
        };
        let wanted = Wanted { push_to: pushed.as_ref().map(|(_, to)| to.clone()), ..wanted };
        let subscription = subscribe(&client, &wanted, clock::shared()).await;
        let subscription = subscription.map_err(|error| {
            Failure::could_not(format_args!("no stream at {}: {error}", args.transmitter.issuer))
                .next(args.transmitter.oauth.example())
        })?;
        let stream = &subscription.stream;
        let method = if args.push.is_some() { "push" } else { "poll" };
        let id = output::printable(&stream.stream_id);
        output::remark(format_args!("stream {id} created, delivery by {method}"));
        let printer = Arc::new(Printer {
            form,
            left: AtomicUsize::new(args.count.unwrap_or(usize::MAX)),
            stop: stop.clone(),
        });
        let pushed = pushed.map(|(listener, (_, secret))| (listener, secret));
        let heard = hear(&subscription, printer, stop.subscribe(), pushed).await;
        if !args.keep {
            match subscription.transmitter.delete_stream(&stream.stream_id).await {
                Ok(()) => output::remark("stream deleted"),
                Err(error) => output::note(format_args!("the stream could not be deleted: {error}")),
            }
        }
        heard.map(|()| Exit::Yes)
    })
}

fn wanted(args: &Args, client: &Client) -> Result<Wanted, Failure> {
    let authorization = args.transmitter.authorization(client)?;
    let events = transmitter::events(&args.events)?;
    Ok(Wanted { authorization, events, ..Wanted::new(&args.transmitter.issuer) })
}

/// A socket to be pushed to, its URL, and a fresh credential for it.
async fn endpoint(
    address: &str,
    public_url: Option<&str>,
) -> Result<(TcpListener, (String, Secret)), Failure> {
    let cannot = |error| Failure::could_not(format_args!("cannot listen on {address}: {error}"));
    let listener = TcpListener::bind(address).await.map_err(cannot)?;
    let local = format!("http://{}/", listener.local_addr().map_err(cannot)?);
    let credential = secevent_jose::base64url(&secevent_jose::random::<24>());
    let secret = Secret::new(format!("Bearer {credential}"));
    Ok((listener, (public_url.map_or(local, str::to_owned), secret)))
}

/// Prints signals until there were enough, somebody ends the program, or the transmitter ends the stream.
async fn hear(
    subscription: &Subscription,
    printer: Arc<Printer>,
    mut stopped: watch::Receiver<bool>,
    pushed: Option<(TcpListener, Secret)>,
) -> Result<(), Failure> {
    let verification = subscription.verify();
    if let Some((listener, secret)) = pushed {
        let app = push_endpoint("/", Intake::new(subscription.verifier.clone(), secret, printer));
        let until = async move { drop(stopped.wait_for(|stop| *stop).await) };
        let serving = axum::serve(listener, app).with_graceful_shutdown(until);
        let (verified, served) = tokio::join!(verification, serving.into_future());
        said(verified);
        return served.map_err(|error| Failure::could_not(format_args!("the push endpoint failed: {error}")));
    }
    said(verification.await);
    let polled = poll_loop(subscription, printer, stopped).await;
    polled.map_err(|error| Failure::could_not(format_args!("the stream ended: {error}")))
}

fn said(verification: Result<String, secevent_http::client::CallError>) {
    if let Err(error) = verification {
        output::note(format_args!("no verification event: {error}"));
    }
}

/// Prints each signal, and says stop after the last one wanted.
struct Printer {
    form: Form,
    left: AtomicUsize,
    stop: watch::Sender<bool>,
}

impl Sink for Printer {
    async fn keep(&self, set: &VerifiedSet) -> Result<Kept, String> {
        let verification = matches!(set.event(), Event::Verification(_));
        if !verification && self.left.load(Ordering::Acquire) == 0 {
            // Not acknowledged: with --keep it comes to whoever listens next.
            return Err("enough was heard".to_owned());
        }
        match self.form {
            Form::Json => output::json(&described(set)),
            Form::People if verification => {
                output::remark("the stream is verified; signals follow");
                Ok(())
            }
            Form::People => output::say(line(set)),
        }
        .map_err(|error| error.to_string())?;
        if !verification && self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.stop.send_replace(true);
        }
        Ok(Kept::New)
    }
}

fn described(set: &VerifiedSet) -> serde_json::Value {
    json!({
        "event": set.event().event_type().name(), "jti": set.jti(), "txn": set.txn(), "iat": set.iat(),
        "subject": set.subject(), "payload": set.event().payload(), "set": set.token(),
    })
}

fn line(set: &VerifiedSet) -> String {
    let name = output::heading(&output::printable(&set.event().event_type().name()));
    let subject = set.subject().map(ToString::to_string).unwrap_or_default();
    let payload = serde_json::Value::from(set.event().payload()).to_string();
    let payload = if payload == "{}" { String::new() } else { format!("  {}", output::printable(&payload)) };
    format!("{}  {name}  {}{payload}", output::date(set.iat().0), output::printable(&subject))
}
