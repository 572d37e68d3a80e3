//! Transmitter metadata and where it is found.

use secevent::{Finding, Level};
use secevent_ssf::metadata::{
    DefaultSubjects, RISC_CONFIGURATION, SSF_CONFIGURATION, TransmitterMetadata, judge_metadata, well_known,
};

use super::{json, vectors};

const ISSUER: &str = "https://tr.example.com";

fn errors(body: &[u8]) -> Vec<String> {
    let findings = judge_metadata(body).into_iter().filter(|finding| finding.level == Level::Error);
    findings.map(|Finding { id, at, .. }| format!("{id} {at}")).collect()
}

// spec: SSF-031, SSF-033, SSF-034, SSF-043, SSF-052
#[test]
fn metadata_is_judged_as_the_vectors_say() {
    for vector in vectors("transmitter-metadata") {
        let found = errors(&vector.bytes());
        assert_eq!(found.is_empty(), vector.expected["metadata"] == "valid", "{}: {found:?}", vector.file);
        let parsed = TransmitterMetadata::parse(&vector.bytes(), ISSUER, false);
        assert_eq!(parsed.is_ok(), found.is_empty(), "{}", vector.file);
        if let Ok(metadata) = parsed {
            assert_eq!(serde_json::to_value(&metadata).unwrap(), json(&vector), "{}", vector.file);
        }
    }
}

// spec: SSF-031, SSF-034, SSF-040, SSF-043, SSF-053
#[test]
fn every_broken_rule_is_found_at_once_and_at_its_place() {
    let body = br#"{
        "issuer": "https://tr.example.com/#x", "jwks_uri": "http://tr.example.com/jwks", "spec_version": 1,
        "status_endpoint": "tr.example.com", "verification_endpoint": "https://u:p@tr.example.com/",
        "delivery_methods_supported": [], "critical_subject_members": "user",
        "authorization_schemes": [{"urn": "x"}], "default_subjects": "all"
    }"#;
    let expected = [
        "SSF-036 /spec_version",
        "SSF-031 /issuer",
        "SSF-034 /jwks_uri",
        "SSF-053 /delivery_methods_supported",
        "SSF-034 /status_endpoint",
        "SSF-034 /verification_endpoint",
        "SSF-054 /critical_subject_members",
        "SSF-040 /authorization_schemes",
        "SSF-043 /default_subjects",
    ];
    assert_eq!(errors(body), expected);
    assert_eq!(errors(b"{}"), ["SSF-031 /issuer"]);
    assert_eq!(errors(br#"{"spec_version":1}"#), ["SSF-036 /spec_version", "SSF-031 /issuer"]);
    assert_eq!(errors(br#"{"issuer":7}"#), ["SSF-031 /issuer"]);
    assert_eq!(errors(b"[]"), ["SSF-052 "]);
}

// spec: SSF-053
#[test]
fn a_receiver_tolerates_empty_arrays_and_nulls_and_never_writes_them() {
    let body = br#"{"issuer":"https://tr.example.com","delivery_methods_supported":[],"jwks_uri":null}"#;
    let metadata = TransmitterMetadata::parse(body, ISSUER, false).unwrap();
    assert_eq!(serde_json::to_string(&metadata).unwrap(), r#"{"issuer":"https://tr.example.com"}"#);
}

// spec: SSF-055, SSF-056, SSF-059
#[test]
fn the_issuer_is_compared_character_by_character() {
    let body = br#"{"issuer":"https://tr.example.com"}"#;
    assert!(TransmitterMetadata::parse(body, ISSUER, false).is_ok());
    for other in ["https://tr.example.com/", "https://TR.example.com", "https://tr.example.com:443"] {
        let refusal = TransmitterMetadata::parse(body, other, false).unwrap_err();
        assert_eq!((refusal.id, refusal.at.as_str()), ("SSF-055", "/issuer"));
    }
}

// spec: SSF-034, SSF-036, SSF-038, SSF-044
#[test]
fn http_is_allowed_only_where_said() {
    let issuer = "http://127.0.0.1:8417";
    let body =
        format!(r#"{{"issuer":"{issuer}","default_subjects":"ALL","critical_subject_members":["user"]}}"#);
    assert_eq!(TransmitterMetadata::parse(body.as_bytes(), issuer, false).unwrap_err().id, "SSF-031");
    let metadata = TransmitterMetadata::parse(body.as_bytes(), issuer, true).unwrap();
    assert_eq!(metadata.default_subjects, Some(DefaultSubjects::All));
    assert_eq!((metadata.spec_version(), metadata.critical_subject_members.len()), ("1_0-ID1", 1));
    assert_eq!(serde_json::from_str::<TransmitterMetadata>(&body).unwrap(), metadata);
}

// spec: SSF-047, SSF-048, SSF-049, SSF-050, SSF-057
#[test]
fn the_well_known_name_is_inserted_between_host_and_path() {
    let table: Vec<serde_json::Value> =
        serde_json::from_slice(&testkit::bytes("derived-table-1.json")).unwrap();
    for row in table {
        let issuer = row["issuer"].as_str().unwrap();
        let found = well_known(issuer, SSF_CONFIGURATION, false);
        assert_eq!(found.as_deref().ok(), row["ssf"].as_str(), "{issuer}");
        if let Some(risc) = row["risc_legacy"].as_str() {
            assert_eq!(well_known(issuer, RISC_CONFIGURATION, false).as_deref(), Ok(risc));
        }
    }
    let local = well_known("http://127.0.0.1:8417/a", SSF_CONFIGURATION, true).unwrap();
    assert_eq!(local, "http://127.0.0.1:8417/.well-known/ssf-configuration/a");
    for bad in [
        "",
        "tr.example.com",
        "ftp://a",
        "https://",
        "https:///x",
        "https://:80",
        "https://u@h",
        "https://a b",
    ] {
        assert!(well_known(bad, SSF_CONFIGURATION, true).is_err(), "{bad}");
    }
}
