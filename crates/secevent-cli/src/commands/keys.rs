//! `secevent keys`: make a key pair, show its public half, and rotate the keys of a hub.

mod rotation;

use std::{
    io::{self, Write as _},
    path::Path,
};

use clap::{Subcommand, builder::PossibleValuesParser, builder::TypedValueParser};
use secevent::{Alg, JwkSet, Signer as _, SigningKey};
use serde_json::json;

use crate::{
    failure::{Exit, Failure},
    input,
    output::{self, Form},
};

/// Make keys, show their public half, and rotate those of a hub
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secevent keys generate --alg ES256 --out key.jwk
  secevent keys public key.jwk > jwks.json
  secevent keys list
  secevent keys rotate --alg ES256")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Generate(Generate),
    Public(Public),
    List(rotation::List),
    Rotate(rotation::Rotate),
}

/// Make a private key in JWK form
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secevent keys generate --alg ES256 --out key.jwk
  secevent keys generate --alg RS256 --kid 2026-01 --out rsa.jwk")]
struct Generate {
    /// The algorithm that the key is for
    #[arg(long, value_parser = alg(), ignore_case = true)]
    alg: Alg,
    /// The name of the key; its RFC 7638 thumbprint if left out
    #[arg(long)]
    kid: Option<String>,
    /// A file that only its owner can read; stdout if left out
    #[arg(long, value_name = "FILE")]
    out: Option<String>,
    /// Replace the file if it is there
    #[arg(long, requires = "out")]
    force: bool,
}

/// Print the JWK Set to publish for private keys
///
/// A key in PEM is for RS256 if it is RSA, and else for the algorithm of its curve; its kid is its RFC 7638
/// thumbprint. A JWK says both itself.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secevent keys generate --alg ES256 | secevent keys public -
  secevent keys public key.jwk > jwks.json
  secevent keys public key.jwk rsa.jwk")]
struct Public {
    /// Files with private keys, each one JWK or PEM; `-` is stdin
    #[arg(value_name = "FILE", required = true)]
    files: Vec<String>,
}

pub(crate) fn run(args: Args, form: Form) -> Result<Exit, Failure> {
    match args.command {
        Command::Generate(args) => generate(args, form),
        Command::Public(args) => public(&args, form),
        Command::List(args) => rotation::list(&args, form),
        Command::Rotate(args) => rotation::rotate(&args, form),
    }
}

/// The names of all algorithms.
pub(crate) fn alg() -> impl TypedValueParser<Value = Alg> {
    PossibleValuesParser::new(Alg::ALL.map(Alg::name)).map(|name| {
        let known = Alg::ALL.into_iter().find(|alg| alg.name().eq_ignore_ascii_case(&name));
        known.expect("clap has compared it with the names")
    })
}

fn generate(args: Generate, form: Form) -> Result<Exit, Failure> {
    let key = SigningKey::generate(args.alg).map_err(Failure::could_not)?;
    let key = args.kid.into_iter().fold(key, SigningKey::with_kid);
    let jwk = key.to_jwk();
    match args.out.as_deref() {
        None | Some("-") => output::say(jwk.as_str())?,
        Some(file) => {
            write_private(Path::new(file), jwk.as_bytes(), args.force)
                .map_err(|error| unwritten(file, &error))?;
            if form == Form::Json {
                output::json(&json!({ "file": file, "alg": key.alg(), "kid": key.kid() }))?;
            } else {
                output::remark(format_args!(
                    "wrote {file}: private key for {}, kid {}",
                    key.alg(),
                    key.kid()
                ));
                output::remark(format_args!(
                    "publish its public half: secevent keys public {file} > jwks.json"
                ));
            }
        }
    }
    Ok(Exit::Yes)
}

/// The file appears whole, with mode 0600 from its first instant, or not at all.
fn write_private(path: &Path, jwk: &[u8], force: bool) -> io::Result<()> {
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(jwk)?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    let kept = if force { file.persist(path) } else { file.persist_noclobber(path) };
    kept.map(drop).map_err(|error| error.error)
}

fn unwritten(file: &str, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::usage(format_args!("{file} is there already, and a lost private key is lost for good"))
                .next(format!("another --out, or --force to replace {file}"))
        }
        _ => Failure::could_not(format_args!("cannot write {file}: {error}")),
    }
}

fn public(args: &Public, form: Form) -> Result<Exit, Failure> {
    let keys = args.files.iter().map(|file| input::signing_key(file));
    let keys = keys.map(|key| key.map(|key| key.verifying_key().clone())).collect::<Result<_, _>>()?;
    let set = JwkSet::new(keys).to_json();
    let set: serde_json::Value = serde_json::from_str(&set).expect("the library writes JSON");
    if form == Form::Json {
        output::json(&set)?;
    } else {
        output::say(output::pretty(&set))?;
    }
    Ok(Exit::Yes)
}
