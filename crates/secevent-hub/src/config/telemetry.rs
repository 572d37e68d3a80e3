//! `[log]` and `[otlp]`: what the program tells of itself. The hub only reads them; the program acts.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue};
use secevent_http::client::{Client, Egress};
use serde::Deserialize;
use url::Url;

use super::{Config, ConfigError, Env, SecretRef};

/// `[log]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct LogSection {
    /// What is written: `error`, `warn`, `info`, `debug`, `trace`, also by module as in `info,secevent_hub=debug`.
    pub level: String,
    /// How it is written.
    pub format: LogForm,
}

impl Default for LogSection {
    fn default() -> Self {
        Self { level: "info".into(), format: LogForm::default() }
    }
}

/// How a log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum LogForm {
    /// A readable line per thing that matters.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
}

/// `[otlp]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct OtlpSection {
    /// The base URL of a collector that takes OTLP over HTTP; nothing is sent when absent.
    pub endpoint: Option<String>,
    /// Headers that it asks for.
    pub headers: BTreeMap<String, SecretRef>,
    /// Which part of all events is followed, from 0 to 1.
    pub sample: f64,
}

impl Default for OtlpSection {
    fn default() -> Self {
        Self { endpoint: None, headers: BTreeMap::new(), sample: 1.0 }
    }
}

/// Where spans are sent to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OtlpSettings {
    /// The URL that takes spans.
    pub url: String,
    /// The headers to send, which are secrets.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Which part of all events is followed, from 0 to 1.
    pub sample: f64,
    /// What reaches it.
    pub client: Client,
}

impl Config {
    /// Where spans are sent to; `None` when nobody wants them.
    ///
    /// # Errors
    /// With the key and what to give.
    pub fn otlp(&self, env: Env<'_>) -> Result<Option<OtlpSettings>, ConfigError> {
        let OtlpSection { endpoint, headers, sample } = &self.otlp;
        let bad = |what: String| ConfigError::new(format!("[otlp] {what}"));
        let Some(endpoint) = endpoint else {
            let alone = !headers.is_empty() || (1.0 - sample).abs() > f64::EPSILON;
            return if alone { Err(bad("endpoint: name the URL of the collector".into())) } else { Ok(None) };
        };
        let url = Url::parse(endpoint)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let has_more = |url: Url| {
            let user = !url.username().is_empty() || url.password().is_some();
            user || url.query().is_some() || url.fragment().is_some()
        };
        if url.is_none_or(has_more) {
            // Not quoted: a password may be in it.
            return Err(bad(
                "endpoint: give a URL such as \"http://127.0.0.1:4318\", without user and query".into(),
            ));
        }
        if !(0.0..=1.0).contains(sample) {
            return Err(bad(format!("sample {sample}: give a part from 0 to 1")));
        }
        let header = |(name, secret): (&String, &SecretRef)| {
            let of = |error: ConfigError| error.within(&format!("[otlp] headers {name}"));
            let value = secret.resolve(env).map_err(of)?;
            let unfit = || of(ConfigError::new("no header can be sent so"));
            let name = name.parse::<HeaderName>().map_err(|_| unfit())?;
            let mut value = HeaderValue::from_str(&value).map_err(|_| unfit())?;
            value.set_sensitive(true);
            Ok((name, value))
        };
        let headers = headers.iter().map(header).collect::<Result<_, _>>()?;
        // The operator named it, and it stands in the same house more often than not.
        let client = self.client_behind(Egress::strict().allow_private().allow_http())?;
        let url = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
        Ok(Some(OtlpSettings { url, headers, sample: *sample, client }))
    }
}
