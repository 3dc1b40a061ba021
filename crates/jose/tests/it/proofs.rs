//! `DPoP` proofs: a sound public key that comes along, and a signature by it (RFC 9449 section 4.3).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_jose::{Alg, DpopProof, Error};
use serde_json::{Value, json};

use crate::support::{EDDSA, ES256, NOW, PS256, RS256, Signer};

const ALGS: &[Alg] = &[Alg::Es256, Alg::EdDsa, Alg::Ps256];

fn claims() -> Value {
    json!({ "jti": "one", "htm": "POST", "htu": "https://id.example/oauth2/token", "iat": NOW })
}

/// The key alone, as most clients write it.
fn header(signer: &Signer) -> Value {
    let mut jwk = serde_json::to_value(signer.key.public()).unwrap();
    for extra in ["kid", "use", "alg"] {
        jwk.as_object_mut().unwrap().remove(extra);
    }
    json!({ "typ": "dpop+jwt", "alg": signer.key.alg(), "jwk": jwk })
}

fn signed(signer: &Signer, header: &Value, claims: &Value) -> String {
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let input = format!("{}.{}", part(header), part(claims));
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signer.signature(input.as_bytes())))
}

fn refused(signer: &Signer, header: &Value, claims: &Value) -> Error {
    DpopProof::verify(&signed(signer, header, claims), ALGS).unwrap_err()
}

#[test]
fn a_proof_is_known_by_the_thumbprint_of_its_key() {
    for signer in [&ES256, &EDDSA, &PS256] {
        let proof = DpopProof::verify(&signed(signer, &header(signer), &claims()), ALGS).unwrap();
        assert_eq!(proof.jkt, signer.key.kid(), "{}", signer.key.alg());
        assert_eq!((&*proof.jti, &*proof.htm, proof.iat), ("one", "POST", NOW));
        let own = DpopProof::verify(&signer.key.prove(&claims()).unwrap(), ALGS).unwrap();
        assert_eq!(own, proof);
    }
    assert_eq!(refused(&RS256, &header(&RS256), &claims()), Error::Algorithm);
}

#[test]
fn dpo_02_only_a_sound_public_key_in_a_token_of_the_right_kind_counts() {
    let with = |name: &str, value: Value| {
        let mut header = header(&ES256);
        header[name] = value;
        refused(&ES256, &header, &claims())
    };
    assert_eq!(with("typ", json!("jwt")), Error::Type);
    assert_eq!(with("typ", json!("at+jwt")), Error::Type);
    assert_eq!(with("typ", json!(7)), Error::Header("typ"));
    for alg in ["none", "HS256", "RS256", "es256"] {
        assert_eq!(with("alg", json!(alg)), Error::Algorithm, "{alg}");
    }
    assert_eq!(with("alg", json!("EdDSA")), Error::MalformedKey);
    assert_eq!(with("jwk", json!(null)), Error::Header("jwk"));
    assert_eq!(with("jwk", json!("x")), Error::Header("jwk"));
    assert_eq!(with("jwk", header(&EDDSA)["jwk"].clone()), Error::MalformedKey);
    assert_eq!(with("jwk", json!({ "kty": "oct", "k": "AAAA" })), Error::PrivateKey);
    assert_eq!(with("crit", json!(["exp"])), Error::Header("crit"));
    assert_eq!(with("jku", json!("https://evil.example")), Error::Header("jku"));
    let other = Signer::generate(Alg::Es256);
    assert_eq!(with("jwk", header(&other)["jwk"].clone()), Error::Signature);
    let mut private = header(&ES256);
    private["jwk"]["d"] = json!("AAAA");
    assert_eq!(refused(&ES256, &private, &claims()), Error::PrivateKey);
    let mut named = header(&ES256);
    named["jwk"]["alg"] = json!("EdDSA");
    assert_eq!(refused(&ES256, &named, &claims()), Error::MalformedKey);
}

#[test]
fn dpo_05_what_a_proof_says_has_its_type() {
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        refused(&ES256, &header(&ES256), &claims)
    };
    for name in ["jti", "htm", "htu"] {
        for value in [json!(7), json!(null), json!("")] {
            assert_eq!(with(name, value), Error::MalformedClaim(name));
        }
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        assert_eq!(refused(&ES256, &header(&ES256), &claims), Error::MissingClaim(name));
    }
    for value in [json!("1"), json!(null), json!(-1), json!(NOW * 1000)] {
        assert_eq!(with("iat", value), Error::MalformedClaim("iat"));
    }
    assert_eq!(with("ath", json!(7)), Error::MalformedClaim("ath"));
    assert_eq!(with("nonce", json!(7)), Error::MalformedClaim("nonce"));
    assert_eq!(with("exp", json!("x")), Error::MalformedClaim("exp"));
    assert_eq!(with("jti", json!("x".repeat(256))), Error::MalformedClaim("jti"));
}
