//! `secevent sign`: make one compact SET.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use secevent::{
    Claims, Error, Event, EventType, Fault, Profile, Set, Signer as _, SigningKey, SubjectId, Timestamp,
};
use secevent_jose::json;
use serde_json::{Value, json};

use crate::{
    clock::Clock,
    failure::{Exit, Failure},
    input,
    output::{self, Form},
};

/// Sign one Security Event Token and print it
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secevent sign --key key.jwk --iss https://idp.example --aud https://sp.example \\
    --event caep:session-revoked \\
    --subject '{\"format\":\"email\",\"email\":\"alice@example.com\"}' \\
    --claims '{\"reason_admin\":{\"en\":\"risk score 91\"}}' > token.jwt
  secevent sign --key key.jwk --iss https://idp.example --aud client-1 \\
    --event logout:backchannel-logout --sub alice > logout.jwt
  secevent keys public key.jwk > jwks.json
  secevent verify --jwks jwks.json token.jwt > claims.json
  secevent sign --key key.jwk --payload claims.json")]
pub(crate) struct Args {
    /// A file with the private key, as JWK or PEM; also `env:NAME`, and `-` for stdin
    #[arg(long, value_name = "FILE")]
    key: String,
    /// `iss`: who issues the token
    #[arg(long, required_unless_present = "payload")]
    iss: Option<String>,
    /// `aud`: whom it is for; may be given several times
    #[arg(long, required_unless_present = "payload")]
    aud: Vec<String>,
    /// What happened: a short name such as caep:session-revoked, or a URI
    #[arg(long, value_name = "NAME_OR_URI", required_unless_present = "payload")]
    event: Option<String>,
    /// `sub_id`: whom it happened to, a subject identifier in JSON (RFC 9493)
    #[arg(long, value_name = "JSON")]
    subject: Option<String>,
    /// The members of the event's payload
    #[arg(long, value_name = "JSON", default_value = "{}", hide_default_value = true)]
    claims: String,
    /// A file with a whole claims set to sign instead; `-` is stdin
    #[arg(long, value_name = "FILE", conflicts_with_all = CONTENT)]
    payload: Option<String>,
    /// The rules to keep; ssf unless the event is logout:* or scim:*
    #[arg(long, value_parser = profile())]
    profile: Option<Profile>,
    /// `sub`: the subject of a Logout Token
    #[arg(long)]
    sub: Option<String>,
    /// `sid`: the session of a Logout Token
    #[arg(long)]
    sid: Option<String>,
    /// `exp` in seconds since 1970, or +SECONDS from now; +120 for a Logout Token
    #[arg(long, value_name = "UNIX", allow_hyphen_values = true)]
    exp: Option<String>,
    /// `jti`: the id of the token; random if left out
    #[arg(long)]
    jti: Option<String>,
    /// `txn`: what ties together the tokens of one cause
    #[arg(long)]
    txn: Option<String>,
    /// `iat` in seconds since 1970 instead of the clock's
    #[arg(long, value_name = "UNIX", allow_hyphen_values = true)]
    now: Option<i64>,
}

/// What `--payload` brings itself.
const CONTENT: [&str; 10] = ["iss", "aud", "event", "subject", "claims", "sub", "sid", "exp", "jti", "txn"];

/// Logout Tokens should live two minutes at most (Back-Channel Logout 1.0 §4).
// spec: BCL-028
const LOGOUT_LIFE_SECS: i64 = 120;

pub(crate) fn run(args: &Args, form: Form) -> Result<Exit, Failure> {
    let key = input::signing_key(&args.key)?;
    let now = Clock::at(args.now).now();
    let (profile, claims) = match &args.payload {
        Some(file) => whole(file, args.profile)?,
        None => compose(args, now)?,
    };
    match claims.and_then(|claims| Ok((claims.sign(profile, &key)?, claims))) {
        Ok((token, claims)) => show(&token, &claims, &key, form),
        Err(error) if error.fault() == Fault::Local => Err(Failure::could_not(error)),
        Err(error) => refused(&error, &profile, form),
    }
}

/// The names of all profiles.
pub(crate) fn profile() -> impl TypedValueParser<Value = Profile> {
    let names = Profile::ALL.map(|profile| profile.name);
    PossibleValuesParser::new(names)
        .map(|name| Profile::from_name(&name).expect("clap has compared it with the names"))
}

/// The profile that a family of events belongs to.
pub(crate) fn profile_of(event: &EventType) -> Profile {
    match event.name().split_once(':') {
        Some(("logout", _)) => Profile::LOGOUT,
        Some(("scim", _)) => Profile::SCIM,
        _ => Profile::SSF,
    }
}

type Judged = Result<Claims, Error>;

/// A claims set that was made elsewhere.
fn whole(file: &str, profile: Option<Profile>) -> Result<(Profile, Judged), Failure> {
    let document = input::document(Some(file), "a claims set")?;
    let members =
        json::parse_object(&document).map_err(|error| Failure::usage(format_args!("{file}: {error}")))?;
    let events = members.get("events").and_then(Value::as_object);
    let first = events.and_then(|events| events.keys().next()).cloned().unwrap_or_default();
    let profile = profile.unwrap_or_else(|| profile_of(&EventType::from_uri(first)));
    Ok((profile, Claims::to_issue(members, &profile)))
}

/// The claims that the arguments describe.
fn compose(args: &Args, now: Timestamp) -> Result<(Profile, Judged), Failure> {
    let event = EventType::from_name(args.event.as_deref().unwrap_or_default()).map_err(Failure::usage)?;
    let payload = input::object("--claims", &args.claims, r#"{"reason_admin":{"en":"risk score 91"}}"#)?;
    let profile = args.profile.unwrap_or_else(|| profile_of(&event));
    // The catalogue judges the payload together with the claims, so that all findings come at once.
    let event = Event::Other { uri: event.uri().to_owned(), payload };
    let mut draft = Set::issue(args.iss.as_deref().unwrap_or_default()).profile(profile).event(event).at(now);
    for aud in &args.aud {
        draft = draft.to(aud);
    }
    if let Some(subject) = &args.subject {
        draft = draft.about(subject_id(subject)?);
    }
    if let Some(jti) = &args.jti {
        draft = draft.jti(jti);
    }
    if let Some(txn) = &args.txn {
        draft = draft.txn(txn);
    }
    let exp = args.exp.as_deref().map(|exp| read_exp(exp, now)).transpose()?;
    let logout = profile.name == Profile::LOGOUT.name;
    if let Some(exp) = exp.or_else(|| logout.then(|| now.plus_secs(LOGOUT_LIFE_SECS))) {
        draft = draft.claim("exp", exp.0);
    }
    for (name, value) in [("sub", &args.sub), ("sid", &args.sid)] {
        if let Some(value) = value {
            draft = draft.claim(name, value.as_str());
        }
    }
    Ok((profile, draft.claims()))
}

/// The subject as given; whether its members are well formed is judged with the claims.
fn subject_id(text: &str) -> Result<SubjectId, Failure> {
    const EXAMPLE: &str = r#"{"format":"email","email":"alice@example.com"}"#;
    let members = input::object("--subject", text, EXAMPLE)?;
    serde_json::from_value(Value::Object(members)).map_err(|error| {
        Failure::usage(format_args!("--subject: {error}")).next(format!("--subject '{EXAMPLE}'"))
    })
}

fn read_exp(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    let relative = text.strip_prefix('+');
    let secs: i64 = relative.unwrap_or(text).parse().map_err(|_| {
        Failure::usage(format_args!("--exp {text}: give seconds since 1970, or +SECONDS")).next("--exp +120")
    })?;
    Ok(if relative.is_some() { now.plus_secs(secs) } else { Timestamp(secs) })
}

fn show(token: &str, claims: &Claims, key: &SigningKey, form: Form) -> Result<Exit, Failure> {
    if form == Form::Json {
        output::json(&json!({
            "token": token, "alg": key.alg(), "kid": key.kid(), "jti": claims.jti(), "claims": claims.members(),
        }))?;
    } else {
        output::say(token)?;
    }
    Ok(Exit::Yes)
}

fn refused(error: &Error, profile: &Profile, form: Form) -> Result<Exit, Failure> {
    if form == Form::Json {
        output::json(&json!({ "token": null, "findings": error.findings() }))?;
    } else {
        output::error(
            &format!("not signed: an issuer must not send this under profile {}", profile.name),
            None,
        );
        output::remark(output::table(error.findings()));
    }
    Ok(Exit::No)
}
