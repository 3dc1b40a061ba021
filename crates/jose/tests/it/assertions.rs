//! Client assertions (attack OAU-34): whose they are, for whom, for how long, and under which key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_jose::{
    Alg, AssertionKeys, AssertionPolicy, Audience, ClientAssertion, Error, Header, KeySet, digest,
};
use serde_json::{Value, json};

use crate::support::{EDDSA, ES256, ISSUER, NOW, PS256, RS256};

const CLIENT: &str = "notes";
const ENDPOINT: &str = "https://id.example/oauth2/token";
const SECRET: &[u8] = b"a secret of more than thirty-two bytes";
const ALL: &[Alg] = Alg::ALL;

fn claims() -> Value {
    json!({ "iss": CLIENT, "sub": CLIENT, "aud": ISSUER, "jti": "one", "iat": NOW, "exp": NOW + 60 })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    if value.is_null() {
        claims.as_object_mut().unwrap().remove(name);
    } else {
        claims[name] = value;
    }
    claims
}

fn policy(audience: Audience<'_>) -> AssertionPolicy<'_> {
    AssertionPolicy { client: CLIENT, audience, now: NOW, leeway: 30, max_life: 300 }
}

fn signed(claims: &Value) -> String {
    ES256.key.sign(&Header { typ: "JWT" }, claims).unwrap()
}

fn checked(token: &str, audience: Audience<'_>) -> Result<ClientAssertion, Error> {
    ClientAssertion::verify(token, AssertionKeys::Public(&ES256.keys(), ALL), &policy(audience))
}

/// Under a MAC, whatever the header says.
fn maced(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let input = format!("{}.{}", part(header), part(claims));
    let code = digest::hmac_sha256(secret, input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(code))
}

#[test]
fn oau_34_an_assertion_is_the_clients_own_for_us_and_short() {
    let both = &[ISSUER, ENDPOINT];
    let (either, issuer) = (Audience::OnlyOf(both), Audience::Exactly(ISSUER));
    let table = [
        ("as it should be", claims(), issuer, Ok(())),
        ("for the endpoint", with("aud", json!(ENDPOINT)), either, Ok(())),
        (
            "for the endpoint, where only the issuer counts",
            with("aud", json!(ENDPOINT)),
            issuer,
            Err(Error::Audience),
        ),
        ("a list, where only the issuer counts", with("aud", json!([ISSUER])), issuer, Err(Error::Audience)),
        ("a list of what is ours", with("aud", json!([ISSUER, ENDPOINT])), either, Ok(())),
        ("a list with somebody else", with("aud", json!([ISSUER, "x"])), either, Err(Error::Audience)),
        ("a list of nobody", with("aud", json!([])), either, Err(Error::Audience)),
        (
            "a list of more than names",
            with("aud", json!([ISSUER, 7])),
            either,
            Err(Error::MalformedClaim("aud")),
        ),
        ("for somebody else", with("aud", json!("https://else.example")), either, Err(Error::Audience)),
        ("of another client", with("iss", json!("other")), issuer, Err(Error::Issuer)),
        ("about another client", with("sub", json!("other")), issuer, Err(Error::MalformedClaim("sub"))),
        ("about nobody", with("sub", Value::Null), issuer, Err(Error::MissingClaim("sub"))),
        ("without a name", with("jti", Value::Null), issuer, Err(Error::MissingClaim("jti"))),
        ("with a number for a name", with("jti", json!(7)), issuer, Err(Error::MalformedClaim("jti"))),
        ("with a huge name", with("jti", json!("x".repeat(256))), issuer, Err(Error::MalformedClaim("jti"))),
        ("over", with("exp", json!(NOW - 30)), issuer, Err(Error::MalformedClaim("iat"))),
        ("without an end", with("exp", Value::Null), issuer, Err(Error::MissingClaim("exp"))),
        ("five minutes", with("exp", json!(NOW + 330)), issuer, Ok(())),
        ("longer", with("exp", json!(NOW + 331)), issuer, Err(Error::MalformedClaim("exp"))),
        ("a clock a little ahead", with("iat", json!(NOW + 10)), issuer, Ok(())),
        ("a clock far ahead", with("iat", json!(NOW + 31)), issuer, Err(Error::NotYetValid)),
    ];
    for (name, claims, audience, expected) in table {
        assert_eq!(checked(&signed(&claims), audience).map(drop), expected, "{name}");
    }
    assert_eq!(ClientAssertion::unverified_subject(&signed(&claims())), Ok(CLIENT.to_owned()));
}

#[test]
fn oau_34_only_the_clients_own_keys_and_algorithms_count() {
    let keys = KeySet::new([ES256.verifying(), EDDSA.verifying(), PS256.verifying()]).unwrap();
    let verify = |token: &str, algs: &[Alg]| {
        let keys = AssertionKeys::Public(&keys, algs);
        ClientAssertion::verify(token, keys, &policy(Audience::Exactly(ISSUER))).map(drop)
    };
    for signer in [&ES256, &EDDSA, &PS256] {
        let token = signer.key.sign(&Header { typ: "JWT" }, &claims()).unwrap();
        assert_eq!(verify(&token, ALL), Ok(()), "{}", signer.key.alg());
        assert_eq!(verify(&token, &[Alg::Rs256]), Err(Error::Algorithm), "{}", signer.key.alg());
    }
    let foreign = RS256.key.sign(&Header { typ: "JWT" }, &claims()).unwrap();
    assert_eq!(verify(&foreign, ALL), Err(Error::UnknownKey));
    // Its own public key as a secret, no signature at all, a key that the token brings along.
    let own = json!({ "alg": "HS256" });
    assert_eq!(verify(&maced(&own, &claims(), ES256.key.kid().as_bytes()), ALL), Err(Error::Algorithm));
    assert_eq!(verify(&maced(&json!({ "alg": "none" }), &claims(), SECRET), ALL), Err(Error::Algorithm));
    let brought = json!({ "alg": "ES256", "jwk": serde_json::to_value(ES256.key.public()).unwrap() });
    assert_eq!(verify(&maced(&brought, &claims(), SECRET), ALL), Err(Error::Header("jwk")));
    let typ = |typ| verify(&ES256.key.sign(&Header { typ }, &claims()).unwrap(), ALL);
    assert_eq!(typ("client-authentication+jwt"), Ok(()));
    assert_eq!(typ("at+jwt"), Err(Error::Type));
}

#[test]
fn a_key_without_a_name_is_found_by_its_algorithm() {
    let sign = |signer: &crate::support::Signer| {
        let input = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(json!({ "alg": "ES256" }).to_string()),
            URL_SAFE_NO_PAD.encode(claims().to_string())
        );
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signer.signature(input.as_bytes())))
    };
    let other = crate::support::Signer::generate(Alg::Es256);
    let stranger = crate::support::Signer::generate(Alg::Es256);
    let keys = KeySet::new([other.verifying(), EDDSA.verifying(), ES256.verifying()]).unwrap();
    let verify = |token: &str| {
        let keys = AssertionKeys::Public(&keys, ALL);
        ClientAssertion::verify(token, keys, &policy(Audience::Exactly(ISSUER))).map(drop)
    };
    assert_eq!(verify(&sign(&ES256)), Ok(()));
    assert_eq!(verify(&sign(&other)), Ok(()));
    assert_eq!(verify(&sign(&stranger)), Err(Error::Signature));
}

#[test]
fn jwt_03_a_mac_counts_under_a_shared_secret_alone() {
    let keys = AssertionKeys::Secret(SECRET);
    let verify =
        |token: &str| ClientAssertion::verify(token, keys, &policy(Audience::Exactly(ISSUER))).map(drop);
    let header = json!({ "alg": "HS256" });
    assert_eq!(verify(&maced(&header, &claims(), SECRET)), Ok(()));
    assert_eq!(verify(&maced(&header, &claims(), b"another")), Err(Error::Signature));
    assert_eq!(verify(&maced(&json!({ "alg": "HS512" }), &claims(), SECRET)), Err(Error::Algorithm));
    assert_eq!(verify(&maced(&json!({ "alg": "none" }), &claims(), SECRET)), Err(Error::Algorithm));
    assert_eq!(verify(&signed(&claims())), Err(Error::Algorithm));
}
