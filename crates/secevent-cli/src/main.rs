//! The program `secevent`: arguments and output around the libraries, and no logic of its own.
//!
//! `main` reads the arguments, hands them to one file of [`commands`] and turns its answer into an exit code:
//! 0 yes, 1 no, 2 usage, 3 could not tell. Results go to stdout, everything else to stderr.

mod admin;
mod clock;
mod commands;
mod data;
mod failure;
mod input;
mod net;
mod oauth;
mod otlp;
mod output;
mod transmitter;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use commands::{
    backup, bench, dead_letters, demo, doctor, emit, inspect, keys, listen, replay, restore, serve, sign,
    stream, validate, verify,
};
use failure::{Exit, Failure};
use output::Form;

/// The hub makes and drops some hundred small things for each signal, on several threads: with the allocator of glibc a
/// fifth of its time goes there, with this one a twentieth (docs/benchmarks.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Sign, inspect, verify and deliver Security Event Tokens
#[derive(Parser)]
#[command(name = "secevent", version, arg_required_else_help = true, disable_help_subcommand = true)]
#[command(after_help = "\
Exit codes: 0 yes, 1 no, 2 wrong usage, 3 could not tell

Examples:
  secevent demo
  secevent serve
  secevent listen --issuer http://127.0.0.1:8417
  secevent stream list --issuer http://127.0.0.1:8417
  secevent emit --event caep:session-revoked \\
    --subject '{\"format\":\"email\",\"email\":\"alice@example.com\"}'
  secevent dead-letters redrive --stream f67e39a0a4d34d56b3aa1bc4cff0069f --dry-run
  secevent keys generate --alg ES256 --out key.jwk
  secevent keys public key.jwk > jwks.json
  secevent sign --key key.jwk --iss https://idp.example --aud https://sp.example \\
    --event caep:session-revoked \\
    --subject '{\"format\":\"email\",\"email\":\"alice@example.com\"}' > token.jwt
  secevent backup hub-backup.db
  secevent inspect token.jwt
  secevent verify --jwks jwks.json --iss https://idp.example --aud https://sp.example token.jwt")]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Print JSON for machines
    #[arg(long, global = true, display_order = 900)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Args),
    Serve(serve::Args),
    Emit(emit::Args),
    Listen(listen::Args),
    Keys(keys::Args),
    Sign(sign::Args),
    Inspect(inspect::Args),
    Verify(verify::Args),
    Validate(validate::Args),
    Stream(stream::Args),
    Backup(backup::Args),
    Restore(restore::Args),
    Doctor(doctor::Args),
    DeadLetters(dead_letters::Args),
    Replay(replay::Args),
    Bench(bench::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let form = if cli.json { Form::Json } else { Form::People };
    let answer = run(cli.command, form);
    answer.unwrap_or_else(Failure::report).into()
}

fn run(command: Command, form: Form) -> Result<Exit, Failure> {
    match command {
        Command::Demo(args) => demo::run(&args, form),
        Command::Serve(args) => serve::run(&args),
        Command::Emit(args) => emit::run(&args, form),
        Command::Listen(args) => listen::run(&args, form),
        Command::Keys(args) => keys::run(args, form),
        Command::Sign(args) => sign::run(&args, form),
        Command::Inspect(args) => inspect::run(&args, form),
        Command::Verify(args) => verify::run(&args, form),
        Command::Validate(args) => validate::run(&args, form),
        Command::Stream(args) => stream::run(&args, form),
        Command::Backup(args) => backup::run(&args, form),
        Command::Restore(args) => restore::run(&args, form),
        Command::Doctor(args) => doctor::run(&args, form),
        Command::DeadLetters(args) => dead_letters::run(&args, form),
        Command::Replay(args) => replay::run(&args, form),
        Command::Bench(args) => bench::run(&args, form),
    }
}
