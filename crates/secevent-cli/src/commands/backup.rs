//! `secevent backup`: a copy of a hub's store.

use std::{
    io,
    path::{Path, PathBuf},
};

use secevent_hub::store::back_up;
use serde_json::json;

use crate::{
    data::{Data, copying, size},
    failure::{Exit, Failure},
    output::{self, Form},
};

/// Copy the store of a hub, which may be running
#[derive(clap::Args)]
#[command(after_help = "\
The copy has everything that was committed when it began: events, streams, signing keys. Only its
owner can read it; guard it like a key. Tokens and configuration are files of their own and are
not in it. The hub goes on meanwhile; what it writes until the copy is done stays in its
write-ahead log, which grows by that much.

A hub that is started on a copy names its SETs anew, so that two lives of one store never use the
same jti. The copy has the schema of this program: to be able to go back to an older one, make it
with that one.

Examples:
  secevent backup hub-backup.db
  secevent backup /backup/hub.db --config hub.toml --force")]
pub(crate) struct Args {
    /// The file to make
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    data: Data,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: &Args, form: Form) -> Result<Exit, Failure> {
    let store = args.data.store()?;
    let file = args.file.display();
    if is_same(&store, &args.file) {
        return Err(Failure::usage(format_args!("{file} is the store itself")).next("secevent backup OTHER"));
    }
    if !args.force && args.file.exists() {
        return Err(there_already(&args.file));
    }
    // Whole, synced and with mode 0600 from its first instant, or not there at all.
    let unwritten = |error: &io::Error| Failure::could_not(format_args!("cannot write {file}: {error}"));
    let folder = folder_of(&args.file);
    let new = tempfile::NamedTempFile::new_in(folder).map_err(|error| unwritten(&error))?.into_temp_path();
    copying("copying", |progress| Ok(back_up(&store, &new, progress)?))
        .map_err(|failure| failure.or_next("secevent doctor, to see how the store is"))?;
    let bytes = new.metadata().map_err(|error| unwritten(&error))?.len();
    let kept = if args.force { new.persist(&args.file) } else { new.persist_noclobber(&args.file) };
    kept.map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => there_already(&args.file),
        _ => unwritten(&error.error),
    })?;
    if cfg!(unix) {
        std::fs::File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| unwritten(&error))?;
    }
    if form == Form::Json {
        output::json(&json!({ "file": args.file, "store": store, "bytes": bytes }))?;
    } else {
        output::say(format_args!("wrote {file}: {} of {}", size(bytes), store.display()))?;
        output::remark(format_args!("to put it in place: secevent restore {file} --data FOLDER"));
    }
    Ok(Exit::Yes)
}

fn there_already(file: &Path) -> Failure {
    let file = file.display();
    Failure::usage(format_args!("{file} is there already"))
        .next(format!("another file, or --force to replace {file}"))
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// Under whatever name.
fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    real(one).is_some_and(|one| real(other) == Some(one))
}
