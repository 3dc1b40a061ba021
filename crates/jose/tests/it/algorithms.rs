//! JWT-01 to JWT-05: which algorithm verifies is never the token's choice.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_jose::{AccessToken, Alg, Error, Header, KeySet, Policy, SigningKey, digest, verify};

use crate::support::{ES256, PS256, RS256, Signer, claims, encode, parts, policy, quoted, signers};

#[test]
fn jwt_01_none_in_every_spelling_is_refused() {
    for alg in ["none", "None", "nOnE", "NONE", " none", "none ", "none\\u0000", ""] {
        let header = ES256.header().with("alg", &quoted(alg));
        assert_eq!(ES256.verify_header(&header), Err(Error::Algorithm), "{alg}");
    }
}

#[test]
fn jwt_01_an_algorithm_that_is_no_string_or_missing_is_refused() {
    for alg in ["null", "[]", "[\"ES256\"]", "1", "true", "{}"] {
        let header = ES256.header().with("alg", alg);
        assert_eq!(ES256.verify_header(&header), Err(Error::Header("alg")), "{alg}");
    }
    let missing = ES256.header().without("alg");
    assert_eq!(ES256.verify_header(&missing), Err(Error::Header("alg")));
}

#[test]
fn jwt_02_none_is_refused_with_any_signature_and_any_number_of_dots() {
    let good = ES256.good_token();
    let [_, payload, signature] = parts(&good);
    let header = encode(ES256.header().with("alg", "\"none\"").json());
    for (token, error) in [
        (format!("{header}.{payload}."), Error::Algorithm),
        (format!("{header}.{payload}.{signature}"), Error::Algorithm),
        (format!("{header}.{payload}"), Error::Shape),
        (format!("{header}.{payload}.."), Error::Shape),
    ] {
        assert_eq!(ES256.verify(&token), Err(error), "{token}");
    }
}

#[test]
fn jwt_02_a_good_header_without_a_signature_is_refused() {
    for signer in signers() {
        let good = signer.good_token();
        let [header, payload, _] = parts(&good);
        assert_eq!(signer.verify(&format!("{header}.{payload}.")), Err(Error::Signature));
    }
}

/// What attackers have tried as an HMAC secret: every form in which a public key is published.
fn public_forms(signer: &Signer) -> [Vec<u8>; 7] {
    let (spki, raw) = if signer.key.alg() == Alg::Es256 {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &signer.pkcs8).unwrap();
        let public = pair.public_key();
        (AsDer::<PublicKeyX509Der<'_>>::as_der(public).unwrap().as_ref().to_vec(), public.as_ref().to_vec())
    } else {
        let pair = RsaKeyPair::from_pkcs8(&signer.pkcs8).unwrap();
        (pair.public_key().as_der().unwrap().as_ref().to_vec(), pair.public_key().as_ref().to_vec())
    };
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", STANDARD.encode(&spki));
    [
        format!("{pem}\n").into_bytes(),
        pem.clone().into_bytes(),
        format!(" {pem}\n").into_bytes(),
        spki,
        raw,
        serde_json::to_vec(signer.key.public()).unwrap(),
        Vec::new(),
    ]
}

#[test]
fn jwt_03_no_form_of_a_public_key_is_an_hmac_secret() {
    for signer in [&*RS256, &*ES256] {
        for alg in ["HS256", "HS384", "HS512"] {
            let header = encode(signer.header().with("alg", &quoted(alg)).json());
            let input = format!("{header}.{}", encode(claims().json()));
            for secret in public_forms(signer) {
                let token = format!("{input}.{}", encode(digest::hmac_sha256(&secret, input.as_bytes())));
                assert_eq!(signer.verify(&token), Err(Error::Algorithm));
            }
        }
    }
}

#[test]
fn jwt_05_only_the_exact_name_is_the_algorithm() {
    for signer in signers() {
        let name = signer.key.alg().as_str();
        for near in [
            name.to_lowercase(),
            format!("{name} "),
            format!(" {name}"),
            format!("{name}\\u0000"),
            name.replace('S', "\u{405}"),
            "ES256K".to_owned(),
            "RSA".to_owned(),
            "Ed25519".to_owned(),
        ] {
            let header = signer.header().with("alg", &quoted(&near));
            assert_eq!(signer.verify_header(&header), Err(Error::Algorithm), "{near}");
        }
    }
}

#[test]
fn each_algorithm_verifies_its_own_tokens() {
    for signer in signers() {
        let verified = signer.verify(&signer.good_token()).unwrap();
        assert_eq!(verified.claims().sub, "acc_1");
    }
}

#[test]
fn an_algorithm_that_the_caller_does_not_list_is_refused() {
    for signer in signers() {
        let others: Vec<Alg> = Alg::ALL.iter().copied().filter(|alg| *alg != signer.key.alg()).collect();
        for algs in [others.as_slice(), &[]] {
            let narrow = Policy { algs, ..policy() };
            let result = verify::<AccessToken>(&signer.good_token(), &signer.keys(), &narrow);
            assert_eq!(result, Err(Error::Algorithm));
        }
    }
}

#[test]
fn one_key_has_one_algorithm_even_where_the_numbers_would_do_for_two() {
    // A PS256 signature by the very RSA key that is registered for RS256.
    let impostor = SigningKey::from_pkcs8(Alg::Ps256, &RS256.pkcs8).unwrap();
    assert_eq!(impostor.kid(), RS256.key.kid());
    let header = RS256.header().with("alg", "\"PS256\"");
    let claims: serde_json::Value = serde_json::from_str(&claims().json()).unwrap();
    let token = impostor.sign(&Header { typ: AccessToken::TYP }, &claims).unwrap();
    assert_eq!(RS256.verify(&token), Err(Error::Algorithm));
    assert_eq!(RS256.verify_header(&header), Err(Error::Algorithm));
}

#[test]
fn every_key_is_refused_under_every_other_algorithm() {
    let all = KeySet::new(signers().map(Signer::verifying)).unwrap();
    for signer in [&*ES256, &*PS256] {
        for other in signers().into_iter().filter(|other| other.key.alg() != signer.key.alg()) {
            let header = signer.header().with("alg", &quoted(other.key.alg().as_str()));
            let token = signer.token_of(header.json(), claims().json());
            assert_eq!(verify::<AccessToken>(&token, &all, &policy()), Err(Error::Algorithm));
        }
    }
}
