//! `secevent serve`: the hub.

use std::{io::ErrorKind, path::PathBuf, sync::Arc};

use secevent_hub::{
    Hub, Listener,
    config::{Config, ConfigError, SecretRef, make_private_folder},
    fresh_origin,
    store::SqliteStore,
};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use crate::{
    clock,
    failure::{Exit, Failure},
    net, otlp, output,
};

/// Run the hub: accept events, deliver them, receive those of others
#[derive(clap::Args)]
#[command(after_help = "\
Without a configuration file the hub runs for development: on 127.0.0.1:8417, with keys and
tokens made at its first start and everything kept in ./secevent-data. Every value of a
configuration file can also be given as SECEVENT_SECTION_KEY, such as SECEVENT_POLL_WAIT=5s.

With [tls] cert and key the hub speaks https. A new certificate is taken up within seconds, or at
once on SIGHUP, without a restart; one that cannot be used is told in the log and changes nothing.

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
    /// How the log on stderr is written, instead of as [log] format says
    #[arg(long, value_enum)]
    log: Option<net::Log>,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let config = configuration(args)?;
    let address = args.listen.as_deref().or(config.listen.as_deref()).unwrap_or("127.0.0.1:8417");
    let level = log_filter(args, &config);
    if args.check {
        check(args, &config, address)?;
        level?;
        check_certificate(args, &config)?;
        output::say("the configuration is good")?;
        return Ok(Exit::Yes);
    }
    net::block_on(serve(args, &config, address, level?))
}

/// Judges a configuration without a socket: the hub it is for may be running.
fn check(args: &Args, config: &Config, address: &str) -> Result<(), Failure> {
    let port = address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    if port.is_none() {
        return Err(no_address(address));
    }
    let judge = |config: &Config| {
        let scheme = scheme(config.tls.is_some());
        let mistakes = config.mistakes(&format!("{scheme}://{address}"), &environment, &clock::shared());
        let Some((last, others)) = mistakes.split_last() else { return Ok(()) };
        for mistake in others {
            unfit(args)(mistake.clone()).without_next().report();
        }
        Err(unfit(args)(last.clone()))
    };
    if args.config.is_some() {
        return judge(config);
    }
    // What a first start would make need not be there yet: it is made where nobody sees it.
    let folder = tempfile::tempdir()
        .map_err(|error| Failure::could_not(format_args!("a temporary folder: {error}")))?;
    let config = Config::development(folder.path(), variables()).map_err(unfit(args))?;
    config.make_development_files(folder.path()).map_err(unfit(args))?;
    judge(&config)
}

/// What of the log is written.
fn log_filter(args: &Args, config: &Config) -> Result<EnvFilter, Failure> {
    net::log_filter(&config.log.level).map_err(|why| unfit(args)(config.mistake("[log] level", why)))
}

/// Judges the certificate of the listener and its key, if there is one.
fn check_certificate(args: &Args, config: &Config) -> Result<(), Failure> {
    let Some(tls) = config.tls().map_err(unfit(args))? else { return Ok(()) };
    tls.remarks().iter().for_each(output::note);
    let Some(until) = tls.valid_until() else { return Ok(()) };
    if until < clock::millis().timestamp() {
        let words = format!("the certificate of [tls] ended on {}", output::date(until.0));
        return Err(
            Failure::usage(words).next("put a new one in its place; a running hub takes it up by itself")
        );
    }
    output::note(format_args!("the certificate is valid until {}", output::date(until.0)));
    Ok(())
}

async fn serve(args: &Args, config: &Config, address: &str, level: EnvFilter) -> Result<Exit, Failure> {
    net::open_as_many_files_as_allowed();
    let tls = config.tls().map_err(unfit(args))?;
    let (listener, url) = listen(address, scheme(tls.is_some())).await?;
    let data = data_folder(args);
    if args.config.is_none() {
        config.make_development_files(&data).map_err(|error| {
            Failure::could_not(format_args!("the data folder: {error}")).next("secevent serve --data FOLDER")
        })?;
    }
    let (settings, transmitters) =
        config.settings(&url, &environment, clock::shared()).map_err(unfit(args))?;
    let (spans, export) = config.otlp(&environment).map_err(unfit(args))?.map(otlp::start).unzip();
    net::log_and_follow(args.log.unwrap_or_else(|| config.log.format.into()), level, spans);
    if settings.client.egress().allows_http() {
        output::note("plain HTTP and loopback targets are allowed; this is for development");
    }
    if let Some(tls) = &tls {
        tls.remarks().iter().for_each(output::note);
        if let Some(until) = tls.valid_until().filter(|until| *until < clock::millis().timestamp()) {
            output::note(format_args!("the certificate of [tls] ended on {}", output::date(until.0)));
        }
        net::read_again_when_asked(tls.clone())?;
    }
    let store = PathBuf::from(config.sqlite_path());
    let failed = |why: &dyn std::fmt::Display| {
        Failure::could_not(why).next("secevent serve --data FOLDER, to keep everything elsewhere")
    };
    if let Some(folder) = store.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        make_private_folder(folder).map_err(|error| failed(&format_args!("the data folder: {error}")))?;
    }
    let store = SqliteStore::open(&store, fresh_origin).map_err(|error| failed(&error))?;
    let hub = Hub::start(settings, Arc::new(store)).await.map_err(|error| failed(&error))?;
    // Told to end from here on: whoever reads the next line may do so at once.
    let asked_to_end = net::asked_to_end()?;
    output::say(format_args!("listening on {url}"))?;
    if args.config.is_none() {
        let admin = config.admin.token.as_ref().and_then(SecretRef::path);
        let admin =
            admin.map_or_else(|| "from the environment".to_owned(), |path| path.display().to_string());
        output::note(format_args!("admin token: {admin}"));
        output::note(format_args!("token of the receiver `dev`: {}", data.join("dev.token").display()));
    }
    let served = hub.serve(Listener::new(listener, tls), transmitters, asked_to_end).await;
    if let Some(export) = export {
        export.finish().await;
    }
    served.map_err(|why| {
        Failure::could_not(format_args!("{why}; what was accepted is on disk, start again when it is well"))
    })?;
    output::note("stopped; everything is written down");
    Ok(Exit::Yes)
}

fn configuration(args: &Args) -> Result<Config, Failure> {
    let Some(path) = &args.config else {
        return Config::development(&data_folder(args), variables()).map_err(unfit(args));
    };
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::could_not(format_args!("cannot read {}: {error}", path.display())).next("secevent serve")
    })?;
    let mut config = Config::parse(&text, variables()).map_err(unfit(args))?;
    if let Some(data) = &args.data {
        config.keep_in(data);
    }
    Ok(config)
}

fn data_folder(args: &Args) -> PathBuf {
    args.data.clone().unwrap_or_else(|| "secevent-data".into())
}

async fn listen(address: &str, scheme: &str) -> Result<(TcpListener, String), Failure> {
    let cannot = |error: std::io::Error| match error.kind() {
        ErrorKind::InvalidInput => no_address(address),
        _ => Failure::could_not(format_args!("cannot listen on {address}: {error}"))
            .next("secevent serve --listen 127.0.0.1:0"),
    };
    let listener = TcpListener::bind(address).await.map_err(cannot)?;
    let url = format!("{scheme}://{}", listener.local_addr().map_err(cannot)?);
    Ok((listener, url))
}

const fn scheme(with_tls: bool) -> &'static str {
    if with_tls { "https" } else { "http" }
}

fn no_address(address: &str) -> Failure {
    let what = format!("{address:?} is no address to listen on: give host and port, such as 127.0.0.1:8417");
    Failure::usage(what).next("secevent serve --listen 127.0.0.1:0")
}

/// What is wrong with the configuration, and how to see whether it was mended.
fn unfit(args: &Args) -> impl Fn(ConfigError) -> Failure {
    let file = args.config.as_ref().map(|path| path.display().to_string());
    move |error| match &file {
        Some(file) => Failure::usage(format_args!("{file}: {error}"))
            .next(format!("mend {file}, then: secevent serve --config {file} --check")),
        None => Failure::usage(error).next("secevent serve --help"),
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the edge: only the program reads the environment")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The variables of the environment.
pub(crate) fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}
