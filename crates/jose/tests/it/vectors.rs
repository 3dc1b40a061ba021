//! JWT-29: the Wycheproof vectors, as far as the algorithms are ours. Everything else in them must be refused.

use std::path::PathBuf;

use countersign_jose::{Alg, Error, Jwk, JwkSet, KeySet, VerifyingKey, jws};
use serde_json::Value;

use crate::support::decode;

/// Reads a file of vectors: from `VECTORS_DIR`, else from `../shared/vectors` beside the workspace. Without either the
/// caller has nothing to do, which is an error where `TEST_REQUIRE_ALL` is set.
pub(crate) fn read_vectors(name: &str) -> Option<Value> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
    let folder = std::env::var_os("VECTORS_DIR").map_or(beside, PathBuf::from);
    match std::fs::read(folder.join(name)) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).unwrap()),
        Err(error) => {
            assert!(std::env::var_os("TEST_REQUIRE_ALL").is_none(), "{name}: {error}");
            #[expect(clippy::print_stderr, reason = "a test that did not run says so")]
            {
                eprintln!("vectors not run: {name}");
            }
            None
        }
    }
}

/// The key or keys of a group, as a verifier would load them.
fn keys_of(group: &Value) -> Result<KeySet, Error> {
    let keys = group.get("public").unwrap_or(&group["private"]);
    let json = serde_json::to_vec(keys).unwrap();
    match keys.get("keys") {
        Some(_) => KeySet::from_jwks(&JwkSet::parse(&json)?),
        None => KeySet::new([VerifyingKey::new(&Jwk::parse(&json)?)?]),
    }
}

/// Whether a valid vector is one of our algorithms, all of which have a public key. Nothing but the expectation of the
/// test comes from here.
fn is_ours(group: &Value, token: &str) -> bool {
    if group.get("public").is_none() {
        return false;
    }
    let header: Value = serde_json::from_slice(&decode(token.split('.').next().unwrap())).unwrap();
    header["alg"].as_str().and_then(Alg::parse).is_some()
}

#[derive(Default, Debug, PartialEq)]
struct Count {
    accepted: usize,
    refused: usize,
}

/// Runs every case of a file: valid ones of our algorithms are accepted, all others refused.
fn run(name: &str) -> Option<Count> {
    let file = read_vectors(name)?;
    let mut count = Count::default();
    for group in file["testGroups"].as_array().unwrap() {
        let keys = keys_of(group);
        for case in group["tests"].as_array().unwrap() {
            let token = case.get("jws").or(case.get("jwe")).unwrap();
            let token = token.as_str().map_or_else(|| token.to_string(), str::to_owned);
            let valid = case["result"] == "valid";
            let result = keys.as_ref().map_err(|error| *error);
            let result = result.and_then(|keys| jws::verify_compact(&token, keys, Alg::ALL));
            let expected = valid && case.get("jws").is_some() && is_ours(group, &token);
            assert_eq!(result.is_ok(), expected, "{name} {}: {result:?}", case["tcId"]);
            if expected { count.accepted += 1 } else { count.refused += 1 }
        }
    }
    let all = usize::try_from(file["numberOfTests"].as_u64().unwrap()).unwrap();
    assert_eq!(count.accepted + count.refused, all);
    Some(count)
}

#[test]
fn jwt_29_wycheproof_signatures() {
    if let Some(count) = run("json_web_signature_test.json") {
        assert_eq!(count, Count { accepted: 16, refused: 385 });
    }
}

#[test]
fn jwt_29_wycheproof_crypto() {
    if let Some(count) = run("json_web_crypto_test.json") {
        assert_eq!(count, Count { accepted: 2, refused: 81 });
    }
}

#[test]
fn jwt_29_wycheproof_keys() {
    if let Some(count) = run("json_web_key_test.json") {
        assert_eq!(count, Count { accepted: 1, refused: 25 });
    }
}

#[test]
fn jwt_28_the_roca_key_is_refused_for_what_it_is() {
    let Some(file) = read_vectors("json_web_key_test.json") else { return };
    let groups = file["testGroups"].as_array().unwrap();
    let group = groups.iter().find(|group| group["comment"] == "jws_rsa_roca_key").unwrap();
    // Size, oddness and exponent are sound: nothing else is wrong with it.
    let json = serde_json::to_vec(&group["public"]["keys"][0]).unwrap();
    assert_eq!(Jwk::parse(&json), Err(Error::WeakKey));
}
