//! `secevent serve`: the hub.

use std::{io::IsTerminal as _, path::PathBuf, sync::Arc};

use clap::ValueEnum;
use secevent_hub::{
    Hub,
    config::{Config, make_private_folder},
    fresh_origin,
    store::SqliteStore,
};
use tokio::net::TcpListener;

use crate::{
    clock,
    failure::{Exit, Failure},
    net, output,
};

/// Run the hub: accept events, deliver them, receive those of others
#[derive(clap::Args)]
#[command(after_help = "\
Without a configuration file the hub runs for development: on 127.0.0.1:8417, with keys and tokens made at its
first start and everything kept in ./secevent-data.

Examples:
  secevent serve
  secevent serve --listen 127.0.0.1:0 --data /tmp/hub
  secevent serve --config hub.toml --check
  secevent serve --config hub.toml --log json")]
pub(crate) struct Args {
    /// The configuration, in TOML
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The address to listen on; port 0 lets the system choose
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// The folder that everything is kept in
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Judge the configuration and end
    #[arg(long)]
    check: bool,
    /// How the log on stderr is written
    #[arg(long, value_enum, default_value = "text")]
    log: Log,
}

#[derive(Clone, Copy, ValueEnum)]
enum Log {
    /// A readable line per thing that matters
    Text,
    /// A JSON object a line
    Json,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let config = configuration(args)?;
    net::block_on(async {
        let (listener, url) = listen(args, &config).await?;
        let (settings, transmitters) =
            config.settings(&url, &environment, clock::shared()).map_err(unfit(args))?;
        if args.check {
            output::say("the configuration is good")?;
            return Ok(Exit::Yes);
        }
        log(args.log);
        if settings.client.egress().allows_http() {
            output::note("plain HTTP and loopback targets are allowed; this is for development");
        }
        let store = PathBuf::from(config.sqlite_path());
        if let Some(folder) = store.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            make_private_folder(folder).map_err(unfit(args))?;
        }
        let failed = |why: &dyn std::fmt::Display| Failure::could_not(why);
        let store = SqliteStore::open(&store, fresh_origin).map_err(|error| failed(&error))?;
        let hub = Hub::start(settings, Arc::new(store)).await.map_err(|error| failed(&error))?;
        output::say(format_args!("listening on {url}"))?;
        if args.config.is_none() {
            let data = data_folder(args);
            output::note(format_args!("admin token: {}", data.join("admin.token").display()));
            output::note(format_args!("token of the receiver `dev`: {}", data.join("dev.token").display()));
        }
        let served = hub.serve(listener, transmitters, net::asked_to_end()).await;
        served.map_err(|why| {
            failed(&format_args!("{why}; what was accepted is on disk, start again when it is well"))
        })?;
        output::note("stopped; everything is written down");
        Ok(Exit::Yes)
    })
}

fn configuration(args: &Args) -> Result<Config, Failure> {
    let Some(path) = &args.config else {
        return Config::development(&data_folder(args)).map_err(unfit(args));
    };
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::could_not(format_args!("cannot read {}: {error}", path.display())))?;
    let mut config = Config::parse(&text, variables()).map_err(unfit(args))?;
    if let Some(data) = &args.data {
        config.keep_in(data);
    }
    Ok(config)
}

fn data_folder(args: &Args) -> PathBuf {
    args.data.clone().unwrap_or_else(|| "secevent-data".into())
}

async fn listen(args: &Args, config: &Config) -> Result<(TcpListener, String), Failure> {
    let address = args.listen.as_deref().or(config.listen.as_deref()).unwrap_or("127.0.0.1:8417");
    // A check must not fail because the hub it is for is running.
    let address = if args.check { "127.0.0.1:0" } else { address };
    let cannot = |error: std::io::Error| {
        Failure::could_not(format_args!("cannot listen on {address}: {error}"))
            .next("secevent serve --listen 127.0.0.1:0")
    };
    let listener = TcpListener::bind(address).await.map_err(cannot)?;
    let url = format!("http://{}", listener.local_addr().map_err(cannot)?);
    Ok((listener, url))
}

fn unfit(args: &Args) -> impl Fn(secevent_hub::config::ConfigError) -> Failure {
    let file =
        args.config.as_ref().map_or_else(|| "development".to_owned(), |path| path.display().to_string());
    move |error| Failure::usage(format_args!("{file}: {error}")).next("secevent serve --config FILE --check")
}

#[expect(clippy::disallowed_methods, reason = "this is the edge: only the program reads the environment")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// One readable line per thing that matters, on stderr.
fn log(form: Log) {
    let filter = tracing_subscriber::EnvFilter::new("info,hyper=warn,rustls=warn");
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match form {
        Log::Text => builder.with_target(false).with_ansi(std::io::stderr().is_terminal()).init(),
        Log::Json => builder.json().flatten_event(true).init(),
    }
}
