//! Keys and key sets.

use secevent_jose::{Alg, JwkSet, Signer as _, SigningKey, VerifyingKey, json};
use serde_json::Value;

use super::alike;

/// A key set, or a single key, public or private.
pub fn jwks(data: &[u8]) {
    private(data);
    if let Ok(members) = json::parse_object(data)
        && let Ok(key) = VerifyingKey::from_jwk(&members)
    {
        public(&key);
    }
    let Ok(set) = JwkSet::parse(data) else { return };
    set.keys().iter().for_each(public);
    for kid in set.keys().iter().map(VerifyingKey::kid).chain([None, Some("unknown")]) {
        for alg in Alg::ALL {
            let Ok(key) = set.find(alg, kid) else { continue };
            assert!(key.fits(alg) && (kid.is_none() || key.kid() == kid));
        }
    }
    let published = set.to_json();
    let again = JwkSet::parse(published.as_bytes()).expect("what is published can be read");
    assert_eq!(again.skipped(), [""; 0], "every usable key stays one");
    let [one, other] =
        [&published, &again.to_json()].map(|text| serde_json::from_str::<Value>(text).expect("it is JSON"));
    assert!(alike(&one, &other), "{one}\n{other}");
}

pub(super) fn public(key: &VerifyingKey) {
    let jwk = key.to_jwk();
    assert!(["d", "p", "q", "k"].iter().all(|name| !jwk.contains_key(*name)), "nothing private is published");
    let again = VerifyingKey::from_jwk(&jwk).expect("a key that was taken is taken again");
    assert_eq!((again.kid(), again.alg(), again.thumbprint()), (key.kid(), key.alg(), key.thumbprint()));
    assert!(key.alg().is_none_or(|alg| Alg::ALL.iter().all(|other| !key.fits(*other) || key.fits(alg))));
    for alg in Alg::ALL {
        for signature in [&[][..], &[0; 64], &[1; 256]] {
            assert!(key.verify(alg, b"never signed", signature).is_err());
        }
    }
    assert!(!key.to_string().is_empty());
}

fn private(data: &[u8]) {
    if let Ok(key) = SigningKey::from_jwk(data) {
        signing(&key);
    }
}

pub(super) fn signing(key: &SigningKey) {
    let signature = key.sign(b"signed").expect("a key that was taken signs");
    key.verifying_key().verify(key.alg(), b"signed", &signature).expect("its halves belong together");
    let again = SigningKey::from_jwk(key.to_jwk().as_bytes()).expect("what was exported is taken again");
    assert_eq!((again.kid(), again.alg()), (key.kid(), key.alg()));
    public(key.verifying_key());
}
