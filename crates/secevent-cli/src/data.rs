//! Which store a command is about: that of a hub without a configuration, or with one.

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use secevent_hub::{
    config::{Config, SecretRef},
    store::{OnProgress, Progress},
};

use crate::{commands::serve, failure::Failure, net, output};

/// Where the store is.
#[derive(clap::Args)]
pub(crate) struct Data {
    /// The folder that the hub keeps everything in
    #[arg(long, value_name = "DIR", default_value = "secevent-data", conflicts_with = "config")]
    data: PathBuf,
    /// The configuration of the hub
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Data {
    /// The file of the store.
    pub(crate) fn store(&self) -> Result<PathBuf, Failure> {
        Ok(self.configuration()?.sqlite_path().into())
    }

    /// The files of tokens and keys that are for their owner only.
    pub(crate) fn secrets(&self) -> Result<Vec<PathBuf>, Failure> {
        let config = self.configuration()?;
        let receivers = config.receivers.iter().flat_map(|receiver| [&receiver.token, &receiver.secret]);
        let transmitters = config.transmitters.iter();
        let transmitters =
            transmitters.flat_map(|section| [&section.token, &section.client_secret, &section.client_key]);
        let all = receivers.chain(transmitters).chain([&config.admin.token]).flatten();
        let key = config.tls.iter().filter_map(|tls| tls.key.as_ref()).map(PathBuf::from);
        Ok(all.filter_map(SecretRef::path).map(Path::to_owned).chain(key).collect())
    }

    /// As it is given again on the command line.
    pub(crate) fn option(&self) -> String {
        match &self.config {
            Some(config) => format!("--config {}", config.display()),
            None => format!("--data {}", self.data.display()),
        }
    }

    fn configuration(&self) -> Result<Config, Failure> {
        let Some(path) = &self.config else {
            return Config::development(&self.data, serve::variables()).map_err(Failure::usage);
        };
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::could_not(format_args!("cannot read {}: {error}", path.display())))?;
        let wrong = |error| Failure::usage(format_args!("{}: {error}", path.display()));
        Config::parse(&text, serve::variables()).map_err(wrong)
    }
}

/// A number of bytes for people.
pub(crate) fn size(bytes: u64) -> String {
    indicatif::DecimalBytes(bytes).to_string()
}

/// Copies, shows how far that is, and breaks it off when the program is asked to end.
pub(crate) fn copying<T>(
    what: &'static str,
    copy: impl FnOnce(&mut OnProgress<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    net::block_on(async {
        let asked = Arc::new(AtomicBool::new(false));
        let end = net::asked_to_end()?;
        tokio::spawn({
            let asked = Arc::clone(&asked);
            async move {
                end.await;
                asked.store(true, Ordering::Release);
            }
        });
        let mut bar = Bar::new(what);
        let copied = copy(&mut |progress| {
            bar.at(progress);
            if asked.load(Ordering::Acquire) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        bar.0.finish_and_clear();
        copied.map_err(|failure| {
            let interrupted = Failure::could_not("interrupted; nothing is left of the copy");
            if asked.load(Ordering::Acquire) { interrupted.next("the same again") } else { failure }
        })
    })
}

/// How far a copy is: a bar on a terminal, and elsewhere a line for every tenth.
struct Bar(indicatif::ProgressBar, u64);

impl Bar {
    fn new(what: &'static str) -> Self {
        let form = "{msg} [{bar:40}] {decimal_bytes} of {decimal_total_bytes}, {eta} left";
        let style = indicatif::ProgressStyle::with_template(form).expect("the template is written here");
        // It draws nothing where stderr is no terminal.
        let bar = indicatif::ProgressBar::new(0).with_style(style.progress_chars("=> ")).with_message(what);
        Self(bar, 0)
    }

    fn at(&mut self, progress: Progress) {
        let Self(bar, told) = self;
        bar.set_length(progress.all);
        bar.set_position(progress.done);
        let tenths = (progress.done * 10).checked_div(progress.all).unwrap_or(10);
        if bar.is_hidden() && tenths > *told && tenths < 10 {
            *told = tenths;
            output::remark(format_args!("{}: {tenths}0 % of {}", bar.message(), size(progress.all)));
        }
    }
}
