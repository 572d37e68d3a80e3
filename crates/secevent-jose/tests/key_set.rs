//! A rotation as receivers see it: what signs, what is published, and which tokens still verify.

#![expect(clippy::unwrap_used, reason = "the helpers below are tests too")]

use secevent_jose::{Alg, AlgSet, Compact, Error, KeySet, Signer as _, SigningKey, VerifyingKey, sign};

fn key(kid: &str) -> SigningKey {
    SigningKey::generate(Alg::Es256).unwrap().with_kid(kid)
}

/// The one that signs, then those published.
fn state(keys: &KeySet) -> (&str, Vec<&str>) {
    (keys.signer().kid(), keys.published().filter_map(VerifyingKey::kid).collect())
}

fn token(keys: &KeySet) -> String {
    sign(Some("secevent+jwt"), b"{}", keys.signer()).unwrap()
}

/// As a receiver does that has fetched the set.
fn verifies(keys: &KeySet, token: &str) -> bool {
    let (set, jws) = (keys.to_jwks(), Compact::parse(token).unwrap());
    match set.find(jws.alg().unwrap(), jws.header().kid()) {
        Ok(key) => jws.verify(key, AlgSet::of(&[Alg::Es256])).is_ok(),
        Err(_) => false,
    }
}

fn a_b() -> KeySet {
    KeySet::new(key("a")).with_next(key("b")).unwrap()
}

#[test]
fn a_token_verifies_with_the_set_of_the_step_before_and_of_the_step_after() {
    let alone = KeySet::new(key("a"));
    let announced = alone.with_next(key("b")).unwrap();
    let rotated = announced.clone().rotate();
    let retired = rotated.clone().retire_previous();
    assert_eq!(state(&alone), ("a", vec!["a"]));
    assert_eq!(state(&announced), ("a", vec!["a", "b"]));
    assert_eq!(state(&rotated), ("b", vec!["b", "a"]));
    assert_eq!(state(&retired), ("b", vec!["b"]));
    // A receiver is at most one step behind, and a token at most one step old until previous keys retire.
    let steps = [alone, announced, rotated, retired];
    for (signing, published) in [(1, 0), (2, 1), (3, 2), (0, 1), (1, 2)] {
        assert!(verifies(&steps[published], &token(&steps[signing])), "{signing} {published}");
    }
    assert!(
        !verifies(&steps[0], &token(&steps[2])),
        "signing with a key before it was published is too early"
    );
    assert!(!verifies(&steps[3], &token(&steps[0])), "a retired key verifies nothing");
}

#[test]
fn rotation_without_a_next_key_changes_nothing() {
    assert_eq!(state(&KeySet::new(key("a")).rotate()), ("a", vec!["a"]));
}

#[test]
fn a_rotation_too_early_keeps_every_previous_key() {
    let keys = a_b().rotate().with_next(key("c")).unwrap().rotate();
    assert_eq!(state(&keys), ("c", vec!["c", "a", "b"]));
    assert_eq!(state(&keys.retire_previous()), ("c", vec!["c"]));
}

#[test]
fn a_next_key_that_never_signed_is_replaced() {
    assert_eq!(state(&a_b().with_next(key("c")).unwrap()), ("a", vec!["a", "c"]));
    assert_eq!(state(&a_b().with_next(key("b")).unwrap()), ("a", vec!["a", "b"]));
}

#[test]
fn a_set_read_from_a_store_is_the_set_that_was_written() {
    let keys = a_b().rotate().with_next(key("c")).unwrap();
    let mut read = KeySet::new(keys.signer().clone()).with_next(keys.next().unwrap().clone()).unwrap();
    for key in keys.previous() {
        read = read.with_previous(key.clone()).unwrap();
    }
    assert_eq!(state(&read), state(&keys));
}

#[test]
fn a_compromised_key_leaves_at_once_wherever_it_stands() {
    let keys = a_b().rotate().with_next(key("c")).unwrap();
    assert_eq!(state(&keys), ("b", vec!["b", "c", "a"]));
    assert_eq!(state(&keys.revoke("a").unwrap()), ("b", vec!["b", "c"]));
    assert_eq!(state(&keys.revoke("b").unwrap()), ("c", vec!["c", "a"]));
    assert_eq!(state(&keys.revoke("c").unwrap()), ("b", vec!["b", "a"]));
    assert!(!verifies(&keys.revoke("b").unwrap(), &token(&keys)));
}

#[test]
fn the_only_key_that_can_sign_is_not_revoked_before_there_is_another() {
    let keys = a_b().rotate();
    assert_eq!(keys.revoke("b").unwrap_err(), Error::LastKey { kid: "b".into() });
    assert_eq!(keys.revoke("x").unwrap_err(), Error::KeyNotFound { kid: Some("x".into()) });
    assert_eq!(state(&keys), ("b", vec!["b", "a"]), "a step that fails changes nothing");
    assert_eq!(state(&keys.with_next(key("c")).unwrap().revoke("b").unwrap()), ("c", vec!["c", "a"]));
}

#[test]
fn a_key_of_another_algorithm_or_with_a_kid_that_is_taken_does_not_join() {
    let keys = a_b();
    let other = SigningKey::generate(Alg::Ed25519).unwrap();
    for refused in [keys.with_next(other.clone()), keys.with_previous(other)] {
        assert!(matches!(refused, Err(Error::KeyUnfit { .. })));
    }
    for taken in [keys.with_next(key("a")), keys.with_previous(key("a")), keys.with_previous(key("b"))] {
        assert!(matches!(taken, Err(Error::BadKey(_))));
    }
}
