//! How far it is: a bar on a terminal, lines elsewhere.

use std::{
    io::{IsTerminal as _, Write as _},
    thread,
    time::Duration,
};

use serde_json::Value;

use super::refused;
use crate::{
    admin::Access,
    failure::{Exit, Failure},
    output::{self, Form},
};

/// Whether something is sent at all, and whether its end is waited for.
#[derive(clap::Args)]
pub(crate) struct Follow {
    /// Only count
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Show how far it is, until it is done
    #[arg(long)]
    follow: bool,
}

/// A look this often is no work for a hub, and a bar that moves for a person.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Where a hub is asked for its progress.
type Place<'a> = (&'a Access, &'a str);

impl Follow {
    /// What came of the request to send again, and all the rest if that is to be seen.
    pub(crate) fn started(
        &self,
        (status, answer): (u16, Value),
        form: Form,
        place: Place<'_>,
    ) -> Result<Exit, Failure> {
        let count = &answer["count"];
        match (status, form) {
            (200 | 202, Form::Json) => output::json(&answer)?,
            (200, Form::People) => output::say(format_args!("{count} event(s) would be sent again"))?,
            (202, Form::People) => output::say(format_args!("{count} event(s) are sent again"))?,
            _ => return Err(refused(status, &answer, form, "replay")),
        }
        if self.follow && status == 202 && *count != 0 {
            return follow(place, form);
        }
        Ok(Exit::Yes)
    }

    /// How far it is.
    pub(super) fn progress(&self, place: Place<'_>, form: Form) -> Result<Exit, Failure> {
        if self.follow {
            return follow(place, form);
        }
        let (status, progress) = place.0.call(place.1, None)?;
        show(status, &progress, form)
    }
}

/// One look.
pub(super) fn show(status: u16, progress: &Value, form: Form) -> Result<Exit, Failure> {
    match (status, form) {
        (200, Form::Json) => output::json(progress)?,
        (200, Form::People) => output::say(words(progress))?,
        _ => return Err(refused(status, progress, form, "replay")),
    }
    Ok(Exit::Yes)
}

/// Looks again and again, and says whether everything was taken.
fn follow((access, path): Place<'_>, form: Form) -> Result<Exit, Failure> {
    let bar = form == Form::People && std::io::stderr().is_terminal();
    let mut before = Value::Null;
    loop {
        let (status, progress) = access.call(path, None)?;
        if status != 200 {
            return Err(refused(status, &progress, form, "replay --progress"));
        }
        let goes_on = matches!(progress["state"].as_str(), Some("running" | "held"));
        if bar {
            // There is nobody to show it to if stderr is closed.
            let _ = write!(
                std::io::stderr(),
                "\r\x1b[K{}",
                if goes_on { drawn(&progress) } else { String::new() }
            );
        }
        if !goes_on {
            show(status, &progress, form)?;
            let well = progress["state"] == "finished" && progress["refused"] == 0;
            return Ok(if well { Exit::Yes } else { Exit::No });
        }
        if !bar && progress != before {
            match form {
                Form::Json => output::json(&progress)?,
                Form::People => output::remark(words(&progress)),
            }
        }
        before = progress;
        thread::sleep(LOOK_EVERY);
    }
}

/// `running: 120 of 3000 done, 0 refused`
pub(super) fn words(progress: &Value) -> String {
    let state = progress["state"].as_str().unwrap_or_default();
    let (done, count, refused) = (&progress["done"], &progress["count"], &progress["refused"]);
    match state {
        "none" => "nothing is sent again".to_owned(),
        "held" => format!("held until the stream is resumed: {done} of {count} done, {refused} refused"),
        _ => format!("{}: {done} of {count} done, {refused} refused", output::one_line(state)),
    }
}

/// `[######............]  120 of 3000`
fn drawn(progress: &Value) -> String {
    const WIDTH: u64 = 30;
    let number = |name: &str| progress[name].as_u64().unwrap_or_default();
    let (done, count) = (number("done"), number("count").max(1));
    let full = usize::try_from(done.min(count) * WIDTH / count).unwrap_or_default();
    let empty = usize::try_from(WIDTH).unwrap_or_default() - full;
    format!("[{}{}]  {}", "#".repeat(full), ".".repeat(empty), words(progress))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_bar_fills_and_never_overflows() {
        let at = |done: u64, count: u64| {
            drawn(&json!({"state": "running", "done": done, "count": count, "refused": 0}))
        };
        assert_eq!(at(0, 0).matches('.').count(), 30);
        assert_eq!(at(15, 30).matches('#').count(), 15);
        assert_eq!(at(9, 3).matches('#').count(), 30);
        assert!(at(1, 2).ends_with("running: 1 of 2 done, 0 refused"));
    }
}
