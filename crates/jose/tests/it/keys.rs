//! Single keys: JSON, PKCS#8, thumbprints.

use countersign_jose::{AccessToken, Alg, Error, Header, Jwk, SigningKey};

use crate::support::{ES256, RS256, encode, signers};

/// The key of RFC 7638 section 3.1.
const RFC_7638: &str = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;

/// The key of RFC 8037 appendix A.2.
const RFC_8037: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

#[test]
fn thumbprints_are_those_of_the_rfcs() {
    let rsa = Jwk::parse(RFC_7638.as_bytes()).unwrap();
    assert_eq!(rsa.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    assert_eq!(rsa.kid(), "2011-04-29");
    let okp = Jwk::parse(RFC_8037.as_bytes()).unwrap();
    assert_eq!(okp.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_eq!(okp.kid(), okp.thumbprint(), "a key without kid is known by its thumbprint");
}

#[test]
fn a_public_key_is_published_and_read_back() {
    for signer in signers() {
        let jwk = signer.key.public();
        let json = serde_json::to_vec(jwk).unwrap();
        assert_eq!(&Jwk::parse(&json).unwrap(), jwk);
        assert_eq!(jwk.kid(), jwk.thumbprint());
        assert_eq!(jwk.kid(), signer.key.kid());
        assert_eq!(jwk.alg(), signer.key.alg());
    }
}

#[test]
fn jwt_36_a_published_key_has_no_private_member() {
    for signer in signers() {
        let json = serde_json::to_value(signer.key.public()).unwrap();
        let mut names: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        let expected: &[&str] = match signer.key.alg() {
            Alg::Es256 => &["alg", "crv", "kid", "kty", "use", "x", "y"],
            Alg::EdDsa => &["alg", "crv", "kid", "kty", "use", "x"],
            _ => &["alg", "e", "kid", "kty", "n", "use"],
        };
        assert_eq!(names, expected);
        assert_eq!(json["use"], "sig");
    }
}

#[test]
fn a_kept_key_signs_what_the_first_one_verifies() {
    for signer in signers() {
        let again = SigningKey::from_pkcs8(signer.key.alg(), &signer.pkcs8).unwrap();
        assert_eq!(again.public(), signer.key.public());
        let claims: serde_json::Value = serde_json::from_str(&crate::support::claims().json()).unwrap();
        let token = again.sign(&Header { typ: AccessToken::TYP }, &claims).unwrap();
        assert!(signer.verify(&token).is_ok());
    }
}

#[test]
fn a_kept_key_of_another_kind_or_damaged_is_refused() {
    for signer in signers() {
        for other in Alg::ALL.iter().copied().filter(|other| family(*other) != family(signer.key.alg())) {
            assert_eq!(SigningKey::from_pkcs8(other, &signer.pkcs8).map(|_| ()), Err(Error::MalformedKey));
        }
        for cut in [0, 1, signer.pkcs8.len() / 2, signer.pkcs8.len() - 1] {
            let result = SigningKey::from_pkcs8(signer.key.alg(), &signer.pkcs8[..cut]);
            assert_eq!(result.map(|_| ()), Err(Error::MalformedKey), "{cut}");
        }
    }
}

/// Which algorithms can share a key's numbers.
fn family(alg: Alg) -> &'static str {
    match alg {
        Alg::Es256 => "EC",
        Alg::EdDsa => "OKP",
        _ => "RSA",
    }
}

#[test]
fn each_member_of_a_key_is_checked() {
    let cases: [(&str, Error); 21] = [
        (r#"{"kty":"oct","k":"AAAA"}"#, Error::PrivateKey),
        (r#"{"kty":"oct"}"#, Error::PrivateKey),
        (r#"{"kty":"OKP","crv":"Ed25519","x":"$X","d":"AAAA"}"#, Error::PrivateKey),
        (r#"{"kty":"OKP","crv":"Ed25519","x":"$X","k":null}"#, Error::PrivateKey),
        (r#"{"kty":"OKP","crv":"Ed448","x":"$X"}"#, Error::UnsupportedKey),
        (r#"{"kty":"OKP","crv":"X25519","x":"$X"}"#, Error::UnsupportedKey),
        (r#"{"kty":"EC","crv":"P-384","x":"$X","y":"$X"}"#, Error::UnsupportedKey),
        (r#"{"kty":"EC","crv":"secp256k1","x":"$X","y":"$X"}"#, Error::UnsupportedKey),
        (r#"{"kty":"OKP","crv":"Ed25519","x":"$X","use":"enc"}"#, Error::UnsupportedKey),
        (r#"{"kty":"OKP","crv":"Ed25519","x":"$X","key_ops":["encrypt"]}"#, Error::UnsupportedKey),
        (r#"{"kty":"OKP","crv":"Ed25519","x":"$X","key_ops":"verify"}"#, Error::MalformedKey),
        (r#"{"kty":"OKP","crv":"Ed25519","x":"$X","alg":"ES512"}"#, Error::UnsupportedKey),
        (r#"{"kty":"OKP","crv":"Ed25519","x":"$X","alg":"ES256"}"#, Error::MalformedKey),
        (r#"{"kty":"OKP","crv":"Ed25519","x":"$X","alg":null}"#, Error::MalformedKey),
        (r#"{"kty":"OKP","crv":"Ed25519","x":"$X","kid":""}"#, Error::MalformedKey),
        (r#"{"kty":"OKP","crv":"Ed25519","x":"$X","kid":7}"#, Error::MalformedKey),
        (r#"{"kty":"OKP","crv":"Ed25519","x":"$X="}"#, Error::MalformedKey),
        (r#"{"kty":"OKP","crv":"Ed25519","x":"AAAA"}"#, Error::MalformedKey),
        (r#"{"kty":"OKP","crv":"Ed25519"}"#, Error::MalformedKey),
        (r#"{"kty":"OKP","crv":"Ed25519","x":"$X","x":"$X"}"#, Error::Json),
        (r#"{"crv":"Ed25519","x":"$X"}"#, Error::MalformedKey),
    ];
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    for (json, error) in cases {
        assert_eq!(Jwk::parse(json.replace("$X", x).as_bytes()), Err(error), "{json}");
    }
}

#[test]
fn jwt_28_an_rsa_key_of_the_wrong_size_is_refused() {
    for bytes in [64, 128, 255, 1025, 2048] {
        let json = format!(r#"{{"kty":"RSA","n":"{}","e":"AQAB"}}"#, encode(vec![0xc5; bytes]));
        assert_eq!(Jwk::parse(json.as_bytes()), Err(Error::WeakKey), "{bytes}");
    }
}

#[test]
fn a_key_without_algorithm_gets_the_one_of_its_kind() {
    let without_alg = |jwk: &Jwk| {
        let mut json = serde_json::to_value(jwk).unwrap();
        json.as_object_mut().unwrap().remove("alg");
        Jwk::parse(&serde_json::to_vec(&json).unwrap()).unwrap().alg()
    };
    assert_eq!(without_alg(ES256.key.public()), Alg::Es256);
    assert_eq!(without_alg(RS256.key.public()), Alg::Rs256);
    assert_eq!(without_alg(crate::support::PS256.key.public()), Alg::Rs256);
}

#[test]
fn keys_are_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<SigningKey>();
    shared::<countersign_jose::KeySet>();
    let token = std::thread::scope(|scope| scope.spawn(|| ES256.good_token()).join().unwrap());
    assert!(ES256.verify(&token).is_ok());
}

#[test]
fn an_error_has_a_code_and_tells_nothing_of_what_was_refused() {
    for (error, code, text) in [
        (Error::UnknownKey, "unknown_key", "the key is unknown"),
        (Error::Expired, "expired", "the token has expired"),
        (Error::MissingClaim("sub"), "missing_claim", "claim `sub` is missing"),
        (Error::Header("crit"), "header", "header member `crit` is missing, malformed or not accepted"),
    ] {
        assert_eq!(error.code(), code);
        assert_eq!(error.to_string(), text);
    }
}
