//! JWT-06, JWT-34, JWT-36: sets of keys, and keys that come and go.

use countersign_jose::{AccessToken, Alg, Error, JwkSet, KeySet, verify};

use crate::support::{EDDSA, ES256, RS256, Signer, policy, signers};

fn set_of(keys: &[String]) -> Result<JwkSet, Error> {
    JwkSet::parse(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes())
}

fn json_of(signer: &Signer) -> String {
    serde_json::to_string(signer.key.public()).unwrap()
}

#[test]
fn a_set_is_published_and_read_back() {
    let set = JwkSet::new(signers().map(|signer| signer.key.public().clone()).to_vec()).unwrap();
    let json = serde_json::to_vec(&set).unwrap();
    assert_eq!(JwkSet::parse(&json).unwrap(), set);
    assert_eq!(set.get(ES256.key.kid()), Some(ES256.key.public()));
    assert_eq!(set.get("other"), None);
    let keys = KeySet::from_jwks(&set).unwrap();
    assert_eq!(keys.keys().len(), 4);
    for signer in signers() {
        assert!(verify::<AccessToken>(&signer.good_token(), &keys, &policy()).is_ok());
    }
}

#[test]
fn jwt_06_a_kid_twice_is_refused() {
    let other = Signer::generate(Alg::Es256);
    let twin = json_of(&other).replace(other.key.kid(), ES256.key.kid());
    assert_eq!(set_of(&[json_of(&ES256), twin]), Err(Error::DuplicateKid));
    assert_eq!(set_of(&[json_of(&ES256), json_of(&ES256)]), Err(Error::DuplicateKid));
    let twice = KeySet::new([ES256.verifying(), ES256.verifying()]);
    assert_eq!(twice.map(|_| ()), Err(Error::DuplicateKid));
}

#[test]
fn jwt_36_a_set_with_a_private_or_symmetric_key_is_refused_whole() {
    for bad in [
        r#"{"kty":"oct","kid":"h","alg":"HS256","k":"AAAA"}"#.to_owned(),
        json_of(&EDDSA).replace("\"kty\"", "\"d\":\"AAAA\",\"kty\""),
    ] {
        assert_eq!(set_of(&[json_of(&ES256), bad]), Err(Error::PrivateKey));
    }
}

#[test]
fn a_key_that_is_not_for_us_is_left_out_and_a_bad_one_refuses_the_set() {
    let not_for_us = [
        r#"{"kty":"EC","crv":"P-521","kid":"a","x":"AA","y":"AA"}"#.to_owned(),
        json_of(&RS256).replace("\"sig\"", "\"enc\""),
        json_of(&RS256).replace("RS256", "RSA-OAEP"),
        r#"{"kty":"AKP","alg":"ML-DSA-44","kid":"p","pub":"AA"}"#.to_owned(),
    ];
    for other in not_for_us {
        let set = set_of(&[other.clone(), json_of(&ES256)]).unwrap();
        assert_eq!(set.keys(), [ES256.key.public().clone()], "{other}");
    }
    let weak = r#"{"kty":"RSA","kid":"w","n":"xcXF","e":"AQAB"}"#.to_owned();
    assert_eq!(set_of(&[json_of(&ES256), weak]), Err(Error::WeakKey));
    let off_curve = json_of(&ES256).replace("\"y\":\"", "\"y\":\"A");
    assert_eq!(set_of(&[off_curve]), Err(Error::MalformedKey));
}

#[test]
fn what_is_no_set_is_refused() {
    for json in ["{}", r#"{"keys":{}}"#, r#"{"keys":[1]}"#, r#"{"keys":null}"#] {
        assert_eq!(JwkSet::parse(json.as_bytes()), Err(Error::MalformedKey), "{json}");
    }
    for json in ["", "[]", r#"{"keys":[],"keys":[]}"#] {
        assert_eq!(JwkSet::parse(json.as_bytes()), Err(Error::Json), "{json}");
    }
    let many = vec![r#"{"kty":"EC","crv":"P-521"}"#.to_owned(); 65];
    assert_eq!(set_of(&many), Err(Error::MalformedKey));
    assert!(JwkSet::parse(br#"{"keys":[]}"#).unwrap().keys().is_empty());
}

#[test]
fn jwt_34_a_token_verifies_exactly_as_long_as_its_key_is_in_the_set() {
    let [next, active, retiring] = [(); 3].map(|()| Signer::generate(Alg::Es256));
    let published = KeySet::new([active.verifying(), retiring.verifying()]).unwrap();
    let check = |token: &str, keys: &KeySet| verify::<AccessToken>(token, keys, &policy()).map(|_| ());
    assert_eq!(check(&active.good_token(), &published), Ok(()));
    assert_eq!(check(&retiring.good_token(), &published), Ok(()));
    assert_eq!(check(&next.good_token(), &published), Err(Error::UnknownKey), "before publication");

    let rotated = KeySet::new([next.verifying(), active.verifying()]).unwrap();
    assert_eq!(check(&next.good_token(), &rotated), Ok(()));
    assert_eq!(check(&retiring.good_token(), &rotated), Err(Error::UnknownKey), "removed");
}
