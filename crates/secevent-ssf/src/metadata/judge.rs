//! Every rule that a metadata document breaks (SSF 1.0 §7.1, §7.2.3).

use secevent::{
    Check, Finding, Role,
    finding::{describe, quote},
};
use secevent_jose::json;
use serde_json::{Map, Value};

use super::{AuthorizationScheme, DefaultSubjects, TransmitterMetadata};
use crate::url::Url;

/// Judges a metadata document by all rules at once, also those that a receiver has no reason to insist on.
pub fn judge_metadata(body: &[u8]) -> Vec<Finding> {
    let mut check = Check::new(Role::Issuer);
    match json::parse_object(body) {
        Ok(members) => drop(walk(members, false, &mut check)),
        Err(error) => check.error("SSF-052", error.to_string(), "send one JSON object"),
    }
    check.into_findings()
}

/// Reads a document; what cannot be read is reported and left out.
pub(super) fn walk(
    mut members: Map<String, Value>,
    allow_http: bool,
    check: &mut Check,
) -> TransmitterMetadata {
    let mut walk = Walk { members: &mut members, allow_http, check };
    // Fields are read in the order in which they are written here, which is that of the specification.
    let read = TransmitterMetadata {
        spec_version: walk.take("spec_version", "SSF-036", "give a string such as `1_0`", text),
        issuer: walk.issuer(),
        jwks_uri: walk.url("jwks_uri"),
        delivery_methods_supported: walk.texts("delivery_methods_supported"),
        configuration_endpoint: walk.url("configuration_endpoint"),
        status_endpoint: walk.url("status_endpoint"),
        add_subject_endpoint: walk.url("add_subject_endpoint"),
        remove_subject_endpoint: walk.url("remove_subject_endpoint"),
        verification_endpoint: walk.url("verification_endpoint"),
        critical_subject_members: walk.texts("critical_subject_members"),
        authorization_schemes: walk.schemes(),
        default_subjects: walk.take("default_subjects", "SSF-043", "give `ALL` or `NONE`", default_subjects),
        other: Map::new(),
    };
    TransmitterMetadata { other: members, ..read }
}

struct Walk<'w> {
    members: &'w mut Map<String, Value>,
    allow_http: bool,
    check: &'w mut Check,
}

impl Walk<'_> {
    fn take<T>(
        &mut self,
        name: &str,
        id: &'static str,
        wanted: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.members.shift_remove(name)?;
        self.check.within(name, |check| {
            if value.is_null() {
                check.strict(id, "it is null", "leave it out");
                return None;
            }
            let fit = read(&value);
            if fit.is_none() {
                check.error(id, describe(Some(&value)), wanted);
            }
            fit
        })
    }

    // spec: SSF-031
    fn issuer(&mut self) -> String {
        let missing = self.members.get("issuer").is_none_or(Value::is_null);
        let Some(issuer) = self.take("issuer", "SSF-031", "give a URL", text) else {
            if missing {
                let mend = "publish the issuer of the SETs";
                self.check.within("issuer", |check| check.error("SSF-031", "it is missing", mend));
            }
            return String::new();
        };
        let allow_http = self.allow_http;
        self.check.within("issuer", |check| {
            check_url(&issuer, "SSF-031", allow_http, check);
            if issuer.contains(['?', '#']) {
                let mend = "publish an issuer without query and fragment";
                check.error("SSF-031", format!("{} has a query or a fragment", quote(&issuer)), mend);
            }
        });
        issuer
    }

    // spec: SSF-034
    fn url(&mut self, name: &str) -> Option<String> {
        let url = self.take(name, "SSF-034", "give an https URL", text)?;
        let allow_http = self.allow_http;
        self.check.within(name, |check| check_url(&url, "SSF-034", allow_http, check));
        Some(url)
    }

    fn texts(&mut self, name: &str) -> Vec<String> {
        let texts = self.take(name, "SSF-054", "give an array of strings", crate::read::texts);
        self.not_empty(name, texts)
    }

    // spec: SSF-040
    fn schemes(&mut self) -> Vec<AuthorizationScheme> {
        let name = "authorization_schemes";
        let wanted = "give an array of objects, each with a string `spec_urn`";
        let schemes = self.take(name, "SSF-040", wanted, |value| {
            value.as_array()?.iter().map(scheme).collect::<Option<Vec<_>>>()
        });
        self.not_empty(name, schemes)
    }

    // spec: SSF-053
    fn not_empty<T>(&mut self, name: &str, items: Option<Vec<T>>) -> Vec<T> {
        if items.as_ref().is_some_and(Vec::is_empty) {
            self.check.within(name, |check| check.strict("SSF-053", "it is an empty array", "leave it out"));
        }
        items.unwrap_or_default()
    }
}

fn check_url(url: &str, id: &'static str, allow_http: bool, check: &mut Check) {
    match Url::split(url) {
        Some(split) if split.is_https || allow_http => {}
        Some(_) => check.error(id, format!("{} is not https", quote(url)), "use HTTP over TLS"),
        None => check.error(id, format!("{} is no URL of a host", quote(url)), "give an https URL"),
    }
}

fn scheme(value: &Value) -> Option<AuthorizationScheme> {
    let mut members = value.as_object()?.clone();
    let spec_urn = text(&members.shift_remove("spec_urn")?)?;
    Some(AuthorizationScheme { spec_urn, other: members })
}

fn default_subjects(value: &Value) -> Option<DefaultSubjects> {
    match value.as_str()? {
        "ALL" => Some(DefaultSubjects::All),
        "NONE" => Some(DefaultSubjects::None),
        _ => None,
    }
}

fn text(value: &Value) -> Option<String> {
    crate::read::text(value)
}
