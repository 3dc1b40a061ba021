use super::*;

use serde_json::json;

fn terms(registrar: Registrar) -> Terms<'static> {
    Terms { profile: Profile::Oauth21, registrar, dev: false, exceptions: &[] }
}

fn read_as(described: &Value, terms: &Terms<'_>) -> Result<Metadata, Rejection> {
    read(described.as_object().unwrap(), terms)
}

/// `described` over what is enough.
fn with(described: &Value) -> Value {
    let mut all = json!({"redirect_uris": ["https://app.example.com/cb"]});
    all.as_object_mut().unwrap().extend(described.as_object().unwrap().clone());
    all
}

const EC: &str = r#"{"kty":"EC","crv":"P-256","kid":"a","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;

fn key(change: impl FnOnce(&mut Map<String, Value>)) -> Value {
    let mut key: Value = serde_json::from_str(EC).unwrap();
    change(key.as_object_mut().unwrap());
    key
}

#[test]
fn what_is_absent_has_the_defaults_of_the_rfc_and_what_is_unknown_is_ignored() {
    let described = with(&json!({
        "client_name": "Notes",
        "unheard_of": {"x": 1},
        "logo_uri": null,
        "client_name#ko": "노트",
        "trusted": true, "client_id": "countersign", "origin": "built_in", "first_party": true,
    }));
    let metadata = read_as(&described, &terms(Registrar::Anybody)).unwrap();
    let expected = Metadata {
        client_name: Some("Notes".to_owned()),
        redirect_uris: vec!["https://app.example.com/cb".to_owned()],
        ..Metadata::default()
    };
    assert_eq!(metadata, expected);
}

#[test]
fn what_is_not_built_is_left_out_where_something_remains() {
    let described = with(&json!({
        "grant_types": ["authorization_code", "implicit", "refresh_token", "refresh_token"],
        "response_types": ["code", "id_token"],
    }));
    let metadata = read_as(&described, &terms(Registrar::Anybody)).unwrap();
    assert_eq!(metadata.grant_types, [GrantType::AuthorizationCode, GrantType::RefreshToken]);
    assert_eq!(metadata.response_types, [ResponseType::Code]);
    let device = json!({"grant_types": ["urn:ietf:params:oauth:grant-type:device_code"], "token_endpoint_auth_method": "none"});
    let metadata = read_as(&device, &terms(Registrar::Anybody)).unwrap();
    assert_eq!((metadata.response_types.len(), metadata.redirect_uris.len()), (0, 0));
}

#[test]
fn oau_05_oau_58_oau_59_each_member_that_is_wrong_is_named() {
    let many: Vec<_> =
        (0..65).map(|number| key(|key| drop(key.insert("kid".into(), number.to_string().into())))).collect();
    let table = [
        ("redirect_uris", json!({"redirect_uris": []})),
        ("redirect_uris", json!({"redirect_uris": "https://app.example.com/cb"})),
        ("redirect_uris", json!({"redirect_uris": [1]})),
        ("redirect_uris", json!({"redirect_uris": ["javascript:alert(1)"]})),
        ("redirect_uris", json!({"redirect_uris": ["https://app.example.com/cb#x"]})),
        ("redirect_uris", json!({"redirect_uris": vec!["https://app.example.com/cb"; 33]})),
        ("post_logout_redirect_uris", json!({"post_logout_redirect_uris": ["javascript:alert(1)"]})),
        ("application_type", json!({"application_type": "desktop"})),
        ("token_endpoint_auth_method", json!({"token_endpoint_auth_method": "tls_client_auth"})),
        ("token_endpoint_auth_signing_alg", json!({"token_endpoint_auth_signing_alg": "none"})),
        ("token_endpoint_auth_signing_alg", json!({"token_endpoint_auth_signing_alg": "HS256"})),
        ("grant_types", json!({"grant_types": ["password"]})),
        ("grant_types", json!({"grant_types": ["client_credentials"]})),
        ("response_types", json!({"response_types": ["token"]})),
        ("response_types", json!({"grant_types": ["refresh_token"], "response_types": ["code"]})),
        ("scope", json!({"scope": "openid admin"})),
        ("scope", json!({"scope": "account"})),
        ("scope", json!({"scope": "a\"b"})),
        ("id_token_signed_response_alg", json!({"id_token_signed_response_alg": "none"})),
        ("id_token_signed_response_alg", json!({"id_token_signed_response_alg": "HS256"})),
        ("userinfo_signed_response_alg", json!({"userinfo_signed_response_alg": "none"})),
        ("subject_type", json!({"subject_type": "email"})),
        (
            "sector_identifier_uri",
            json!({"subject_type": "pairwise", "redirect_uris": ["https://a.example/", "https://b.example/"]}),
        ),
        ("sector_identifier_uri", json!({"sector_identifier_uri": "http://app.example.com/"})),
        ("jwks_uri", json!({"token_endpoint_auth_method": "private_key_jwt"})),
        ("jwks_uri", json!({"jwks_uri": "https://localhost/jwks"})),
        ("jwks_uri", json!({"jwks_uri": "https://app.example.com:6379/"})),
        ("jwks", json!({"jwks": {"keys": [key(|_| {})]}, "jwks_uri": "https://app.example.com/jwks"})),
        ("jwks", json!({"jwks": {"keys": [key(|key| drop(key.insert("d".into(), "AQ".into())))]}})),
        ("jwks", json!({"jwks": {"keys": [{"kty": "oct", "k": "AQ"}]}})),
        ("jwks", json!({"jwks": {"keys": [key(|_| {}), key(|_| {})]}})),
        ("jwks", json!({"jwks": {"keys": many}})),
        ("jwks", json!({"jwks": {"keys": []}})),
        ("jwks", json!({"jwks": [key(|_| {})]})),
        ("backchannel_logout_uri", json!({"backchannel_logout_uri": "http://169.254.169.254/"})),
        ("logo_uri", json!({"logo_uri": "javascript:alert(1)"})),
        ("tos_uri", json!({"tos_uri": "data:text/html,x"})),
        ("client_name", json!({"client_name": "<script>alert(1)</script>"})),
        ("client_name", json!({"client_name": "\u{202e}elgooG"})),
        ("client_name", json!({"client_name": "a\r\nb"})),
        ("client_name", json!({"client_name": " "})),
        ("client_name", json!({"client_name": "가".repeat(101)})),
        ("default_max_age", json!({"default_max_age": -1})),
        ("default_max_age", json!({"default_max_age": "1"})),
        ("dpop_bound_access_tokens", json!({"dpop_bound_access_tokens": "yes"})),
        ("contacts", json!({"contacts": ["x".repeat(2049)]})),
    ];
    for (member, described) in table {
        let rejection = read_as(&with(&described), &terms(Registrar::Anybody)).unwrap_err();
        assert_eq!(rejection.member, member, "{described}");
        let code = if member == "redirect_uris" { "invalid_redirect_uri" } else { "invalid_client_metadata" };
        assert_eq!(rejection.code(), code);
    }
}

#[test]
fn who_describes_a_client_decides_what_it_may_have() {
    let machine = json!({"grant_types": ["client_credentials"]});
    assert!(read_as(&machine, &terms(Registrar::Anybody)).is_err());
    assert!(read_as(&machine, &Terms { dev: true, ..terms(Registrar::Anybody) }).is_ok());
    assert!(read_as(&machine, &terms(Registrar::Invited)).is_ok());
    let public = json!({"grant_types": ["client_credentials"], "token_endpoint_auth_method": "none"});
    assert!(read_as(&public, &terms(Registrar::Operator)).is_err());
    let own = with(&json!({"scope": "account admin"}));
    assert!(read_as(&own, &terms(Registrar::Invited)).is_err());
    assert!(read_as(&own, &terms(Registrar::Operator)).is_ok());
    let local = json!({"redirect_uris": ["http://localhost:3000/cb"]});
    assert!(read_as(&local, &terms(Registrar::Anybody)).is_err());
    assert!(read_as(&local, &terms(Registrar::Operator)).is_ok());
}

#[test]
fn oau_60_only_an_operator_names_hosts_of_his_network() {
    let inside = [Exception::parse("inside:8443").unwrap()];
    for member in ["jwks_uri", "sector_identifier_uri", "backchannel_logout_uri"] {
        let described = with(&json!({member: "https://inside:8443/x"}));
        let admitted = |registrar, dev| {
            read_as(&described, &Terms { dev, exceptions: &inside, ..terms(registrar) }).is_ok()
        };
        assert!(admitted(Registrar::Operator, false), "{member}");
        for stranger in [Registrar::Invited, Registrar::Anybody] {
            assert!(!admitted(stranger, false) && admitted(stranger, true), "{member}");
        }
    }
}

#[test]
fn keys_are_kept_as_they_were_understood() {
    let described = with(&json!({
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [key(|key| drop(key.insert("x5u".into(), "https://evil.tld".into())))], "more": 1},
    }));
    let metadata = read_as(&described, &terms(Registrar::Anybody)).unwrap();
    let kept = metadata.jwks.unwrap().to_string();
    assert!(kept.contains("\"kid\":\"a\"") && !kept.contains("evil") && !kept.contains("more"), "{kept}");
}

#[test]
fn fapi2_is_what_fapi2_demands() {
    let fapi = Terms { profile: Profile::Fapi2, ..terms(Registrar::Operator) };
    let keys = json!({"jwks": {"keys": [key(|_| {})]}});
    let metadata = read_as(&with(&keys), &fapi).unwrap();
    assert_eq!(metadata.token_endpoint_auth_method, AuthMethod::PrivateKeyJwt);
    assert_eq!(metadata.id_token_signed_response_alg, Alg::Es256);
    for wrong in [
        json!({"token_endpoint_auth_method": "client_secret_basic"}),
        json!({"token_endpoint_auth_method": "none"}),
        json!({"jwks": {"keys": [key(|_| {})]}, "id_token_signed_response_alg": "RS256"}),
        json!({"jwks": {"keys": [key(|_| {})]}, "redirect_uris": ["http://localhost/cb"]}),
    ] {
        assert!(read_as(&with(&wrong), &fapi).is_err(), "{wrong}");
    }
}
