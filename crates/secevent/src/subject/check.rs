//! What each identifier format demands (RFC 9493 §3.2, SSF 1.0 §3, RFC 9967 §2.1), as one table.

use std::collections::BTreeSet;

use secevent_jose::json::{Json, Object};

use super::{SubjectId, syntax};
use crate::{
    error::ErrorCode,
    finding::{Check, Level, describe_json, quote},
};

/// A required text member of a format: its requirement, its grammar and the grammar's name.
struct Member(&'static str, &'static str, fn(&str) -> bool, &'static str);

fn any(_: &str) -> bool {
    true
}

const URI: &str = "a URI (RFC 3986)";

// spec: SUB-011, SUB-012, SUB-013, SUB-015, SUB-016, SUB-017, SUB-018, SUB-019, SUB-024, SUB-025, SUB-028
const FORMATS: [(&str, &[Member]); 10] = [
    ("account", &[Member("uri", "SUB-012", syntax::is_acct, "an acct URI, such as acct:user@host")]),
    (
        "email",
        &[Member("email", "SUB-013", syntax::is_addr_spec, "an addr-spec, such as user@example.com, alone")],
    ),
    (
        "iss_sub",
        &[
            Member("iss", "SUB-015", syntax::is_string_or_uri, "a StringOrURI (RFC 7519)"),
            Member("sub", "SUB-015", any, "text"),
        ],
    ),
    ("opaque", &[Member("id", "SUB-016", any, "text")]),
    ("phone_number", &[Member("phone_number", "SUB-017", syntax::is_e164, "E.164, such as +12065550100")]),
    ("did", &[Member("url", "SUB-018", syntax::is_did, "a DID URL, such as did:example:123")]),
    ("uri", &[Member("uri", "SUB-019", syntax::is_uri, URI)]),
    (
        "jwt_id",
        &[
            Member("iss", "SUB-024", syntax::is_string_or_uri, "a StringOrURI (RFC 7519)"),
            Member("jti", "SUB-024", any, "text"),
        ],
    ),
    (
        "saml_assertion_id",
        &[Member("issuer", "SUB-025", any, "text"), Member("assertion_id", "SUB-025", any, "text")],
    ),
    ("scim", &[Member("uri", "SUB-028", syntax::is_relative_path, "a path relative to the SCIM base URI")]),
];

/// Judges a subject identifier, simple or complex (RFC 9493 §3, SSF 1.0 §3).
pub fn check_subject(value: Json<'_>, check: &mut Check) {
    check_allowing(value, true, true, check);
}

fn check_allowing(value: Json<'_>, complex: bool, aliases: bool, check: &mut Check) {
    // spec: SUB-001, SUB-002
    let Some(members) = value.as_object() else {
        let mend = "write a subject identifier as an object with `format`";
        return check.error("SUB-001", describe_json(Some(value)), mend);
    };
    let Some(format) = members.text("format") else {
        let found = format!("`format`: {}", describe_json(members.get("format")));
        return check.error("SUB-002", found, "name the identifier format in a string member `format`");
    };
    match format {
        "complex" if !complex => {
            check.error("SUB-052", "a complex subject inside a subject", "use simple subjects as members");
        }
        "complex" => check_complex(members, check),
        "aliases" if !aliases => {
            check.error("SUB-021", "`aliases` inside `aliases`", "put all identifiers into one array");
        }
        "aliases" => check_aliases(members, check),
        "ip-addresses" => check_ip_addresses(members, check),
        "" => check.error("SUB-002", "`format` is empty", "name the identifier format"),
        // spec: SUB-010, SUB-055, SUB-074
        name => check_members(name, members, check),
    }
}

fn check_members(format: &str, members: Object<'_>, check: &mut Check) {
    let Some((_, required)) = FORMATS.iter().find(|(name, _)| *name == format) else { return };
    for Member(name, id, grammar, expected) in *required {
        let value = members.get(name);
        match value.and_then(Json::as_str) {
            Some(text) if !text.is_empty() && grammar(text) => {}
            text => check.within(name, |check| match text {
                Some("") => check.error("SUB-011", "it is empty", format!("give {expected}")),
                Some(text) => {
                    // spec: SUB-075
                    let bare = text.replace([' ', '-', '(', ')'], "");
                    let spaced = format == "phone_number" && grammar(&bare);
                    let level = if spaced { Level::Lenient } else { Level::Error };
                    let found = format!("it is {}", quote(text));
                    check.report(level, ErrorCode::InvalidRequest, id, found, format!("give {expected}"));
                }
                None => {
                    check.error(
                        id,
                        describe_json(value),
                        format!("format {format} needs `{name}`: {expected}"),
                    );
                }
            }),
        }
    }
    // RFC 9967 lets a `scim` identifier carry any unique attribute (SUB-029).
    if format != "scim" {
        check_undescribed(format, |name| required.iter().any(|member| member.0 == name), members, check);
    }
}

// spec: SUB-003, SUB-076
fn check_undescribed(format: &str, known: impl Fn(&str) -> bool, members: Object<'_>, check: &mut Check) {
    for (name, _) in members.iter().filter(|(name, _)| *name != "format" && !known(name)) {
        let found = format!("member {} is not described by format {format}", quote(name));
        check.strict("SUB-003", found, "leave it out");
    }
}

// spec: SUB-048, SUB-050, SUB-052
fn check_complex(members: Object<'_>, check: &mut Check) {
    let mut described = members.iter().filter(|(name, _)| *name != "format").peekable();
    if described.peek().is_none() {
        check.error("SUB-048", "a complex subject without members", "add a member such as `user`");
    }
    for (name, value) in described {
        check.within(name, |check| check_allowing(value, false, true, check));
    }
}

// spec: SUB-020, SUB-021, SUB-023
fn check_aliases(members: Object<'_>, check: &mut Check) {
    check_undescribed("aliases", |name| name == "identifiers", members, check);
    check.within("identifiers", |check| {
        let value = members.get("identifiers");
        let identifiers: Vec<_> = value.and_then(Json::as_array).into_iter().flatten().collect();
        if identifiers.is_empty() {
            check.error("SUB-020", describe_json(value), "give an array of at least one subject identifier");
        }
        let mut seen = BTreeSet::new();
        for (i, identifier) in identifiers.iter().enumerate() {
            check.within(&i.to_string(), |check| check_allowing(*identifier, false, false, check));
            if SubjectId::read(*identifier).is_some_and(|id| !seen.insert(id.canonical())) {
                check.warn("SUB-023", format!("identifier {i} is there twice"), "list each identifier once");
            }
        }
    });
}

// spec: SUB-026, SUB-027
fn check_ip_addresses(members: Object<'_>, check: &mut Check) {
    check_undescribed("ip-addresses", |name| name == "ip-addresses", members, check);
    check.within("ip-addresses", |check| {
        let value = members.get("ip-addresses");
        let Some(addresses) = value.and_then(Json::as_array) else {
            return check.error("SUB-026", describe_json(value), "give an array of textual addresses");
        };
        if addresses.clone().next().is_none() {
            check.error("SUB-026", "the array is empty", "give at least one address");
        }
        for (i, address) in addresses.enumerate() {
            if !address.as_str().is_some_and(syntax::is_ip_address) {
                check.within(&i.to_string(), |check| {
                    check.error(
                        "SUB-026",
                        describe_json(Some(address)),
                        "give an IPv4 or IPv6 address as text",
                    );
                });
            }
        }
    });
}
