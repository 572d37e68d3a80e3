//! What a transmitter publishes of itself.

use serde_json::{Value, json};

use crate::stage::{Case, POLL, PUSH, Stage};

const URLS: [&str; 4] = ["jwks_uri", "configuration_endpoint", "status_endpoint", "verification_endpoint"];

// spec: CIOP-001, CIOP-006, CIOP-007, CIOP-008, CIOP-009, CIOP-010, CIOP-011, CIOP-012, CIOP-013, CIOP-030, CIOP-050
// spec: SSFC-002
#[tokio::test(flavor = "multi_thread")]
async fn the_metadata_have_what_the_profile_demands() {
    let stage = Stage::start().await;
    let receiver = stage.receiver(Case { push: false, oauth: true, interop: true }).await;
    let metadata = &receiver.metadata;
    assert_eq!(metadata["issuer"], receiver.issuer);
    assert_eq!(metadata["spec_version"], "1_0");
    let (endpoints, lists): (Vec<_>, Vec<_>) = metadata
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| !["issuer", "spec_version", "default_subjects"].contains(&name.as_str()))
        .partition(|(_, value)| value.is_string());
    for (name, url) in &endpoints {
        assert!(url.as_str().unwrap().starts_with("https://"), "{name}: {url}");
    }
    for name in URLS {
        assert!(endpoints.iter().any(|(other, _)| *other == name), "{name}");
    }
    for (name, list) in lists {
        assert!(list.as_array().is_some_and(|list| !list.is_empty()), "{name}: {list}");
    }
    assert_eq!(metadata["delivery_methods_supported"], json!([PUSH, POLL]));
    assert_eq!(metadata["authorization_schemes"], json!([{"spec_urn": "urn:ietf:rfc:6749"}]));

    // RFC 9728 and RFC 8414, for the receiver that looks for the server itself.
    let resource = receiver.well_known("oauth-protected-resource").await.expect(200).json();
    assert_eq!(resource["resource"], receiver.issuer);
    assert_eq!(resource["scopes_supported"], json!(["ssf.read", "ssf.manage"]));
    let server = receiver.well_known("oauth-authorization-server").await.expect(200).json();
    assert_eq!(server["issuer"], receiver.issuer);
    assert!(server["grant_types_supported"].as_array().unwrap().contains(&json!("client_credentials")));
    stage.stop().await;
}

// spec: CIOP-008, CIOP-026, SSFC-005
#[tokio::test(flavor = "multi_thread")]
async fn the_keys_are_public_and_strong() {
    let stage = Stage::start().await;
    let receiver = stage.receiver(Case { push: false, oauth: false, interop: true }).await;
    let url = receiver.metadata["jwks_uri"].as_str().unwrap();
    let published = receiver.send("GET", url, &[], "").await.expect(200).json();
    let keys = published["keys"].as_array().unwrap();
    let alg = |alg: &str| keys.iter().find(|key| key["alg"] == alg).cloned().unwrap_or(Value::Null);
    for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
        assert!(keys.iter().all(|key| key.get(private).is_none()), "{private}");
    }
    let rsa = alg("RS256");
    let base64url_bytes = rsa["n"].as_str().unwrap().len() * 3 / 4;
    assert!(base64url_bytes * 8 >= 2048, "{rsa}");
    assert_eq!((&rsa["kty"], &rsa["use"]), (&json!("RSA"), &json!("sig")));
    assert_eq!(alg("ES256")["crv"], "P-256");
    stage.stop().await;
}
