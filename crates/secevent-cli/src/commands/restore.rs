//! `secevent restore`: a copy of a store in its place again.

use std::path::{Path, PathBuf};

use secevent_hub::{
    config::make_private_folder,
    doctor::{self, Level},
    store::restore,
};
use serde_json::json;

use crate::{
    clock,
    commands::doctor::line_of,
    data::{Data, copying},
    failure::{Exit, Failure},
    output::{self, Form},
};

/// Put a copy of a hub's store in place; the hub must not be running
#[derive(clap::Args)]
#[command(after_help = "\
The copy is examined as by `secevent doctor` and refused if a hub cannot run on it. The store that
was there is moved aside and not deleted. A hub that is started on the copy names its SETs anew:
what receivers had not acknowledged when the copy was made is delivered again under other jti.

Examples:
  secevent restore hub-backup.db
  secevent restore /backup/hub.db --config hub.toml")]
pub(crate) struct Args {
    /// The copy, as `secevent backup` makes it
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    data: Data,
}

pub(crate) fn run(args: &Args, form: Form) -> Result<Exit, Failure> {
    let store = args.data.store()?;
    if let Some(folder) = store.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        make_private_folder(folder).map_err(Failure::could_not)?;
    }
    let older = judge(args, &args.file)?;
    // Of an older schema not everything could be told before it was brought up to date.
    let judge_again = |copy: &Path| if older { judge(args, copy).map(drop) } else { Ok(()) };
    let aside = copying("restoring", |progress| restore(&args.file, &store, progress, judge_again))?;
    if form == Form::Json {
        output::json(&json!({ "store": store, "file": args.file, "aside": aside }))?;
        return Ok(Exit::Yes);
    }
    output::say(format_args!("{} is in place as {}", args.file.display(), store.display()))?;
    if let Some(aside) = aside {
        output::remark(format_args!("the store that was there is now {}", aside.display()));
    }
    output::remark(format_args!("start the hub: secevent serve {}", args.data.option()));
    Ok(Exit::Yes)
}

/// Refuses a copy on which a hub cannot run. Answers whether it is of an older schema.
fn judge(args: &Args, copy: &Path) -> Result<bool, Failure> {
    let report = doctor::examine(copy, &[], clock::millis().timestamp()).map_err(Failure::could_not)?;
    for finding in &report.findings {
        output::remark(line_of(finding));
    }
    match report.findings.iter().filter(|finding| finding.level == Level::Fatal).count() {
        0 => Ok(report.schema < report.schema_today),
        count => {
            let words = format!("a hub cannot run on {}: {count} findings", args.file.display());
            Err(Failure::no(words).next("an earlier copy; nothing was changed"))
        }
    }
}
