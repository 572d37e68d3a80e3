//! `secevent verify`: whether a token is to be believed.

use secevent::{
    Alg, AlgSet, Error, ErrorCode, Finding, JwkSet, Policy, Profile, Set, Timestamp, VerifiedSet, danger,
};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{keys, sign, verify_lines};
use crate::{
    clock::Clock,
    failure::{Exit, Failure},
    input,
    output::{self, Form},
};

/// Verify tokens: signature, type, issuer, audience, times, claims and events
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secevent verify --jwks jwks.json --iss https://idp.example --aud https://sp.example token.jwt
  secevent verify --jwks jwks.json --iss https://idp.example --aud https://sp.example < token.jwt
  secevent verify --jwks jwks.json --profile logout logout.jwt
  secevent verify --jwks jwks.json --json token.jwt
  cat token.jwt token.jwt | secevent verify --jwks jwks.json --lines")]
pub(crate) struct Args {
    /// The issuer's JWK Set
    #[arg(long, value_name = "FILE_OR_URL")]
    jwks: String,
    /// The one issuer to accept; any if left out
    #[arg(long)]
    iss: Option<String>,
    /// The name that this recipient goes by; any if left out
    #[arg(long)]
    aud: Option<String>,
    /// The rules to judge by
    #[arg(long, value_parser = sign::profile(), default_value = "ssf")]
    profile: Profile,
    /// Accept these algorithms only
    #[arg(long, value_parser = keys::alg(), value_delimiter = ',')]
    alg: Vec<Alg>,
    /// Read one token per line and print one JSON verdict per line
    #[arg(long)]
    lines: bool,
    /// Seconds since 1970 instead of the clock
    #[arg(long, value_name = "UNIX", allow_hyphen_values = true)]
    now: Option<i64>,
    /// The token, a file that holds it, or `-` for stdin; with --lines a file or `-`
    token: Option<String>,
}

/// What was found about one token, in the form of the output.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Verdict<'a> {
    Valid { valid: bool, claims: &'a Map<String, Value> },
    Invalid { valid: bool, err: ErrorCode, description: String, findings: &'a [Finding] },
}

impl<'a> Verdict<'a> {
    pub(super) fn of(result: &'a Result<VerifiedSet, Error>) -> Self {
        match result {
            Ok(set) => Self::Valid { valid: true, claims: set.members() },
            Err(error) => Self::Invalid {
                valid: false,
                err: error.code(),
                description: error.to_string(),
                findings: error.findings(),
            },
        }
    }
}

/// What tokens are judged by.
pub(super) struct Judge {
    keys: JwkSet,
    policy: Policy,
}

impl Judge {
    pub(super) fn judge(&self, token: &str, now: Timestamp) -> Result<VerifiedSet, Error> {
        Set::parse(token)?.verify(&self.keys, &self.policy, now)
    }
}

pub(crate) fn run(args: &Args, form: Form) -> Result<Exit, Failure> {
    let judge = Judge { keys: input::jwks(&args.jwks)?, policy: policy(args) };
    let clock = Clock::at(args.now);
    if args.lines {
        return verify_lines::run(args.token.as_deref(), &judge, clock);
    }
    let token = input::token(args.token.as_deref())?;
    if token.contains('\n') {
        output::note("this is more than one line; --lines reads one token per line");
    }
    let result = judge.judge(&token, clock.now());
    if form == Form::Json {
        output::json(&Verdict::of(&result))?;
    } else {
        show(&result)?;
    }
    Ok(if result.is_ok() { Exit::Yes } else { Exit::No })
}

fn policy(args: &Args) -> Policy {
    for (flag, value, claim) in [("--iss", &args.iss, "issuer"), ("--aud", &args.aud, "audience")] {
        if value.is_none() {
            output::note(format_args!("without {flag} any {claim} is accepted"));
        }
    }
    let policy = danger::check_iss(danger::unchecked(args.profile), args.iss.clone());
    let policy = danger::check_aud(policy, args.aud.clone());
    if args.alg.is_empty() { policy } else { policy.algs(args.alg.iter().copied().collect::<AlgSet>()) }
}

/// The answer on stdout, the claims or the code; how it was reached on stderr.
fn show(result: &Result<VerifiedSet, Error>) -> Result<(), Failure> {
    let findings = match result {
        Ok(set) => {
            let subject = set.subject().map(|subject| format!(" about {subject}")).unwrap_or_default();
            let words = format!("valid: {}{subject}, signed with {}", set.event().event_type(), set.alg());
            output::remark(output::printable(&words));
            output::say(output::pretty(set.members()))?;
            set.warnings()
        }
        Err(error) => {
            output::say(error.code())?;
            error.findings()
        }
    };
    if !findings.is_empty() {
        output::remark(output::table(findings));
    }
    Ok(())
}
