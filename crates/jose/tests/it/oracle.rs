//! A second library: it accepts our tokens and we accept its (JWT-39, differential).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_jose::{AccessToken, Alg, Error};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::Value;

use crate::support::{AUDIENCE, ISSUER, Signer, claims, parts, signers};

fn algorithm(alg: Alg) -> Algorithm {
    alg.as_str().parse().unwrap()
}

fn decoding_key(signer: &Signer) -> DecodingKey {
    let jwk: jsonwebtoken::jwk::Jwk =
        serde_json::from_value(serde_json::to_value(signer.key.public()).unwrap()).unwrap();
    DecodingKey::from_jwk(&jwk).unwrap()
}

fn encoding_key(signer: &Signer) -> EncodingKey {
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        STANDARD.encode(&signer.pkcs8)
    );
    match signer.key.alg() {
        Alg::Es256 => EncodingKey::from_ec_pem(pem.as_bytes()),
        Alg::EdDsa => EncodingKey::from_ed_pem(pem.as_bytes()),
        _ => EncodingKey::from_rsa_pem(pem.as_bytes()),
    }
    .unwrap()
}

fn validation(signer: &Signer) -> Validation {
    let mut validation = Validation::new(algorithm(signer.key.alg()));
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[ISSUER]);
    validation.validate_exp = false;
    validation
}

#[test]
fn the_other_library_accepts_our_tokens() {
    for signer in signers() {
        let claims: Value = serde_json::from_str(&claims().json()).unwrap();
        let token = signer.key.sign(&countersign_jose::Header { typ: AccessToken::TYP }, &claims).unwrap();
        let decoded =
            jsonwebtoken::decode::<Value>(&token, &decoding_key(signer), &validation(signer)).unwrap();
        assert_eq!(decoded.claims, claims);
        assert_eq!(decoded.header.kid.as_deref(), Some(signer.key.kid()));
        assert_eq!(decoded.header.typ.as_deref(), Some("at+jwt"));
    }
}

#[test]
fn we_accept_the_tokens_of_the_other_library() {
    for signer in signers() {
        let header = Header {
            typ: Some("at+jwt".to_owned()),
            kid: Some(signer.key.kid().to_owned()),
            ..Header::new(algorithm(signer.key.alg()))
        };
        let claims: Value = serde_json::from_str(&claims().json()).unwrap();
        let token = jsonwebtoken::encode(&header, &claims, &encoding_key(signer)).unwrap();
        assert_eq!(signer.verify(&token).unwrap().claims().sub, "acc_1");
    }
}

#[test]
fn both_refuse_a_changed_signature() {
    for signer in signers() {
        let good = signer.good_token();
        let [header, payload, signature] = parts(&good);
        let first = if signature.starts_with('A') { 'B' } else { 'A' };
        let changed = format!("{header}.{payload}.{first}{}", &signature[1..]);
        assert_eq!(signer.verify(&changed), Err(Error::Signature));
        assert!(jsonwebtoken::decode::<Value>(&changed, &decoding_key(signer), &validation(signer)).is_err());
    }
}
