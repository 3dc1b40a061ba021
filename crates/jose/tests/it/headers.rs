//! JWT-06 to JWT-10: the key comes from the verifier's set, and nothing in a header changes the rules.

use countersign_jose::{Error, KeySet, MAX_LEN, Unverified, verify};

use crate::support::{ES256, Signer, claims, encode, parts, policy, quoted};

#[test]
fn jwt_06_an_unknown_kid_is_told_apart_so_that_keys_can_be_fetched_again() {
    let stranger = Signer::generate(countersign_jose::Alg::Es256);
    assert_eq!(ES256.verify(&stranger.good_token()), Err(Error::UnknownKey));
    for kid in ["../../dev/null", "' OR 1=1--", "*", "NULL", ES256.key.kid().to_lowercase().as_str()] {
        let header = ES256.header().with("kid", &quoted(kid));
        assert_eq!(ES256.verify_header(&header), Err(Error::UnknownKey), "{kid}");
    }
}

#[test]
fn jwt_06_a_kid_is_needed_even_where_there_is_one_key() {
    assert_eq!(ES256.verify_header(&ES256.header().without("kid")), Err(Error::Header("kid")));
    for kid in ["null", "1", "true", "[]", "{}", "\"\""] {
        assert_eq!(ES256.verify_header(&ES256.header().with("kid", kid)), Err(Error::Header("kid")), "{kid}");
    }
}

#[test]
fn jwt_06_a_long_kid_is_refused_before_it_costs_anything() {
    let with_kid = |length: usize| ES256.header().with("kid", &quoted(&"k".repeat(length)));
    assert_eq!(ES256.verify_header(&with_kid(256)), Err(Error::UnknownKey));
    assert_eq!(ES256.verify_header(&with_kid(257)), Err(Error::Header("kid")));
    assert_eq!(ES256.verify_header(&with_kid(1100)), Err(Error::Base64), "longer than any header");
    assert_eq!(ES256.verify_header(&with_kid(1_000_000)), Err(Error::TooLong));
}

#[test]
fn jwt_06_the_kid_of_another_key_does_not_verify() {
    let other = Signer::generate(countersign_jose::Alg::Es256);
    let both = KeySet::new([ES256.verifying(), other.verifying()]).unwrap();
    let header = ES256.header().with("kid", &quoted(other.key.kid()));
    let token = ES256.token_of(header.json(), claims().json());
    let result = verify::<countersign_jose::AccessToken>(&token, &both, &policy());
    assert_eq!(result, Err(Error::Signature));
}

#[test]
fn jwt_07_an_embedded_key_is_refused() {
    let attacker = Signer::generate(countersign_jose::Alg::Es256);
    let jwk = serde_json::to_string(attacker.key.public()).unwrap();
    for kid in [attacker.key.kid(), ES256.key.kid()] {
        let header = attacker.header().with("kid", &quoted(kid)).with("jwk", &jwk);
        let token = attacker.token_of(header.json(), claims().json());
        assert_eq!(ES256.verify(&token), Err(Error::Header("jwk")));
    }
}

#[test]
fn jwt_08_a_key_by_url_or_certificate_is_refused() {
    for (name, json) in [
        ("jku", r#""https://attacker.example/jwks.json""#),
        ("jku", r#""https://id.example@attacker.example/jwks.json""#),
        ("x5u", r#""https://attacker.example/cert.pem""#),
        ("x5c", r#"["MIIB"]"#),
        ("x5c", "null"),
    ] {
        assert_eq!(ES256.verify_header(&ES256.header().with(name, json)), Err(Error::Header(name)), "{json}");
    }
}

#[test]
fn jwt_09_crit_is_always_refused() {
    for crit in [r#"["x"]"#, "[]", r#""exp""#, r#"["alg"]"#, r#"["exp","exp"]"#, "null", "{}", r#"["b64"]"#] {
        assert_eq!(
            ES256.verify_header(&ES256.header().with("crit", crit)),
            Err(Error::Header("crit")),
            "{crit}"
        );
    }
    let named_and_present = ES256.header().with("crit", r#"["x"]"#).with("x", "1");
    assert_eq!(ES256.verify_header(&named_and_present), Err(Error::Header("crit")));
}

#[test]
fn jwt_10_an_unencoded_or_detached_payload_is_refused() {
    for b64 in ["false", "true", "null"] {
        assert_eq!(ES256.verify_header(&ES256.header().with("b64", b64)), Err(Error::Header("b64")), "{b64}");
        let critical = ES256.header().with("b64", b64).with("crit", r#"["b64"]"#);
        assert_eq!(ES256.verify_header(&critical), Err(Error::Header("crit")));
    }
    let good = ES256.good_token();
    let [header, _, signature] = parts(&good);
    assert_eq!(ES256.verify(&format!("{header}..{signature}")), Err(Error::Signature));
    // Truly signed with nothing in it: still no JWT.
    assert_eq!(ES256.verify(&ES256.token_of(ES256.header().json(), "")), Err(Error::Json));
}

#[test]
fn a_header_member_that_changes_nothing_is_ignored() {
    let header = ES256.header().with("x5t", "\"abc\"").with("purpose", "{\"deep\":[1]}");
    assert!(ES256.verify_header(&header).is_ok());
}

#[test]
fn a_peek_shows_the_kid_and_demands_the_same_header() {
    let good = ES256.good_token();
    assert_eq!(Unverified::peek(&good).unwrap().unverified_kid(), ES256.key.kid());
    let [_, payload, signature] = parts(&good);
    let critical = encode(ES256.header().with("crit", "[]").json());
    let peek = Unverified::peek(&format!("{critical}.{payload}.{signature}"));
    assert_eq!(peek.map(|_| ()), Err(Error::Header("crit")));
    assert_eq!(Unverified::peek(&"a".repeat(MAX_LEN + 1)).map(|_| ()), Err(Error::TooLong));
}
