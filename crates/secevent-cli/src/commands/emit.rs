//! `secevent emit`: hands an event to a hub.

use secevent_jose::json;
use serde_json::{Map, Value};

use crate::{
    failure::{Exit, Failure},
    input, net,
    output::{self, Form},
};

/// Hand an event to a hub
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secevent emit --event caep:session-revoked \\
    --subject '{\"format\":\"email\",\"email\":\"alice@example.com\"}'
  secevent emit --event caep:credential-change \\
    --subject '{\"format\":\"iss_sub\",\"iss\":\"https://idp.example\",\"sub\":\"alice\"}' \\
    --claims '{\"credential_type\":\"password\",\"change_type\":\"update\"}' --txn 8675309")]
pub(crate) struct Args {
    /// A short name such as caep:session-revoked, or a URI
    #[arg(long)]
    event: String,
    /// Whom or what it is about: a subject identifier
    #[arg(long, value_name = "JSON")]
    subject: String,
    /// Members of the event's payload
    #[arg(long, value_name = "JSON")]
    claims: Option<String>,
    /// What ties it to others of the same cause
    #[arg(long)]
    txn: Option<String>,
    /// Only for this stream
    #[arg(long, value_name = "ID")]
    stream: Option<String>,
    /// The hub
    #[arg(long, value_name = "URL", env = "SECEVENT_HUB", default_value = "http://127.0.0.1:8417")]
    hub: String,
    /// Its admin token: text, `env:NAME` or `file:PATH`
    #[arg(
        long,
        value_name = "TOKEN",
        env = "SECEVENT_ADMIN_TOKEN",
        hide_env_values = true,
        default_value = "file:secevent-data/admin.token"
    )]
    admin_token: String,
}

pub(crate) fn run(args: &Args, form: Form) -> Result<Exit, Failure> {
    let body = event(args)?;
    let token = input::secret(&args.admin_token).map_err(|failure| {
        failure.or_next("secevent serve, in this folder, makes secevent-data/admin.token")
    })?;
    if !["https://", "http://"].iter().any(|scheme| args.hub.starts_with(scheme)) {
        let what = format!("--hub: {:?} is no URL of a hub", args.hub);
        return Err(Failure::usage(what).next("--hub http://127.0.0.1:8417"));
    }
    let url = format!("{}/v1/events", args.hub.trim_end_matches('/'));
    let answer = net::block_on(async {
        let authorization = format!("Bearer {}", token.as_str());
        let client = net::client(&url);
        let request = client.post(&url).authorization(Some(&authorization)).body(body.to_string());
        let unreachable = |error| Failure::could_not(format_args!("{url}: {error}")).next("secevent serve");
        let response = request.header(http::header::CONTENT_TYPE, "application/json").send().await;
        let response = response.map_err(unreachable)?;
        Ok((response.status, json::parse(&response.body).unwrap_or_default()))
    })?;
    match answer {
        (202, accepted) if form == Form::Json => output::json(&accepted)?,
        (202, accepted) => {
            let first = &accepted["events"][0];
            let (id, streams) = (first["id"].as_str().unwrap_or_default(), &first["streams"]);
            output::say(format_args!("accepted as event {id}, for {streams} stream(s)"))?;
        }
        (status, problem) => {
            if form == Form::Json && problem.is_object() {
                output::json(&problem)?;
            }
            return Err(refused(status, &problem));
        }
    }
    Ok(Exit::Yes)
}

fn event(args: &Args) -> Result<Value, Failure> {
    const SUBJECT: &str = r#"{"format":"email","email":"alice@example.com"}"#;
    let mut event = Map::new();
    event.insert("event".into(), args.event.as_str().into());
    event.insert("subject".into(), input::object("--subject", &args.subject, SUBJECT)?.into());
    if let Some(claims) = &args.claims {
        event.insert("claims".into(), input::object("--claims", claims, r#"{"reason":"hijacking"}"#)?.into());
    }
    for (name, value) in [("txn", &args.txn), ("stream", &args.stream)] {
        if let Some(value) = value {
            event.insert(name.into(), value.as_str().into());
        }
    }
    Ok(event.into())
}

fn refused(status: u16, problem: &Value) -> Failure {
    let word = |name: &str| output::printable(problem[name].as_str().unwrap_or_default());
    let (title, detail) = (word("title"), word("detail"));
    let said = [&title, &detail].map(String::as_str).into_iter().filter(|text| !text.is_empty());
    let said = said.collect::<Vec<_>>().join("; ");
    match status {
        400 => Failure::no(format_args!("not accepted: {}", reasons(problem).unwrap_or(said)))
            .next("mend it and emit again; nothing was accepted"),
        401 | 403 => Failure::could_not(format_args!("the hub answered {status}: {said}"))
            .next("secevent emit --admin-token file:secevent-data/admin.token ..."),
        404 if title.contains("stream") => Failure::no(format_args!("not accepted: {said}"))
            .next("leave --stream out, for every stream that subscribed"),
        405..=499 => Failure::no(format_args!("the hub answered {status}: {said}")),
        _ => Failure::could_not(format_args!("{status} is no answer of a hub: {said}"))
            .next("--hub http://127.0.0.1:8417"),
    }
}

/// Every broken rule: the place, the fact, the mend and the rule. Advice is left out where something was refused.
fn reasons(problem: &Value) -> Option<String> {
    let findings = problem["findings"].as_array()?.iter().filter(|finding| finding["level"] == "error");
    let reason = |finding: &Value| {
        let word = |name: &str| output::printable(finding[name].as_str().unwrap_or_default());
        let place = output::place(finding["where"].as_str().unwrap_or_default());
        format!("{place}: {}; {} ({})", word("found"), word("mend"), word("id"))
    };
    let reasons: Vec<_> = findings.map(reason).collect();
    (!reasons.is_empty()).then(|| reasons.join("\n  "))
}
