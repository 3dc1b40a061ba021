//! JWT-30 to JWT-32: neither an encrypted token nor a token in a token is a signed one.

use countersign_jose::Error;

use crate::support::{ES256, RS256, claims, encode, quoted};

#[test]
fn jwt_30_a_jwe_is_no_jws() {
    let header = encode(r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","typ":"at+jwt","kid":"x"}"#);
    let jwe = format!(
        "{header}.{}.{}.{}.{}",
        encode([1; 256]),
        encode([2; 12]),
        encode(claims().json()),
        encode([3; 16])
    );
    assert_eq!(RS256.verify(&jwe), Err(Error::Shape));
}

#[test]
fn jwt_30_a_jwe_header_on_a_jws_is_refused() {
    let header = RS256.header().with("enc", "\"A256GCM\"");
    assert_eq!(RS256.verify_header(&header), Err(Error::Header("enc")));
    for alg in ["RSA-OAEP-256", "RSA1_5", "dir", "ECDH-ES", "A256KW", "PBES2-HS256+A128KW"] {
        let header = RS256.header().with("alg", &quoted(alg)).with("p2c", "2147483648").with("p2s", "\"x\"");
        assert_eq!(RS256.verify_header(&header), Err(Error::Algorithm), "{alg}");
    }
}

#[test]
fn jwt_31_compression_is_refused_unread() {
    for zip in ["\"DEF\"", "null", "\"\""] {
        assert_eq!(ES256.verify_header(&ES256.header().with("zip", zip)), Err(Error::Header("zip")), "{zip}");
    }
}

#[test]
fn jwt_32_a_token_inside_a_token_is_refused() {
    for cty in ["\"JWT\"", "\"jwt\"", "\"application/jwt\"", "null"] {
        let header = ES256.header().with("cty", cty);
        assert_eq!(ES256.verify_header(&header), Err(Error::Header("cty")), "{cty}");
    }
    let mut token = ES256.good_token();
    for _ in 0..3 {
        token = ES256.token_of(ES256.header().json(), &token);
        assert_eq!(ES256.verify(&token), Err(Error::Json), "without cty it is simply no JSON");
    }
}
