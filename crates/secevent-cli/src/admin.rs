//! The admin API of a hub, as its commands reach it.

use std::{fmt::Write as _, time::Duration};

use http::{Method, header::CONTENT_TYPE};
use secevent_jose::json;
use serde_json::Value;

use crate::{failure::Failure, input, net, output};

/// Which hub, and the right to administer it.
#[derive(clap::Args)]
pub(crate) struct Access {
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

impl Access {
    /// Asks for a path, with a body if there is one, and answers with the status and the JSON.
    pub(crate) fn call(&self, path: &str, body: Option<&Value>) -> Result<(u16, Value), Failure> {
        let method = if body.is_some() { Method::POST } else { Method::GET };
        self.ask(method, path, body)
    }

    /// Removes what is at a path.
    pub(crate) fn delete(&self, path: &str) -> Result<(u16, Value), Failure> {
        self.ask(Method::DELETE, path, None)
    }

    fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<(u16, Value), Failure> {
        let token = input::secret(&self.admin_token).map_err(|failure| {
            failure.or_next("secevent serve, in this folder, makes secevent-data/admin.token")
        })?;
        if !["https://", "http://"].iter().any(|scheme| self.hub.starts_with(scheme)) {
            let what = format!("--hub: {:?} is no URL of a hub", self.hub);
            return Err(Failure::usage(what).next("--hub http://127.0.0.1:8417"));
        }
        let url = format!("{}{path}", self.hub.trim_end_matches('/'));
        net::block_on(async {
            let authorization = format!("Bearer {}", token.as_str());
            let client = net::client(&url);
            let request = client.request(method, &url).deadline(DEADLINE);
            let request = match body {
                Some(body) => request.body(body.to_string()).header(CONTENT_TYPE, "application/json"),
                None => request,
            };
            let unreachable =
                |error| Failure::could_not(format_args!("{url}: {error}")).next("secevent serve");
            let response = request.authorization(Some(&authorization)).send().await.map_err(unreachable)?;
            Ok((response.status, json::parse(&response.body).unwrap_or_default()))
        })
    }
}

/// A part of a URL: whatever is not plainly text is written as its bytes.
pub(crate) fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut escaped, byte| {
        let _ = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b',' => {
                write!(escaped, "{}", char::from(byte))
            }
            _ => write!(escaped, "%{byte:02X}"),
        };
        escaped
    })
}

/// The words of a refusal.
pub(crate) fn said(problem: &Value) -> String {
    let word = |name: &str| output::printable(problem[name].as_str().unwrap_or_default());
    let (title, detail) = (word("title"), word("detail"));
    let said = [title, detail].into_iter().filter(|text| !text.is_empty());
    said.collect::<Vec<_>>().join("; ")
}

/// Refusals that every door has alike; `again` is the command with a token.
pub(crate) fn refused(status: u16, problem: &Value, again: &str) -> Failure {
    let said = said(problem);
    match status {
        401 | 403 => Failure::could_not(format_args!("the hub answered {status}: {said}")).next(again),
        405..=499 => Failure::no(format_args!("the hub answered {status}: {said}")),
        _ => Failure::could_not(format_args!("{status} is no answer of a hub: {said}"))
            .next("--hub http://127.0.0.1:8417"),
    }
}

/// Counting the events of a log of millions takes seconds.
const DEADLINE: Duration = Duration::from_mins(1);
