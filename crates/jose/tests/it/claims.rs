//! JWT-17, JWT-18, JWT-33 and the claims of an access token.

use countersign_jose::{AccessToken, Alg, Audience, Error, Header, Policy, verify};

use crate::support::{AUDIENCE, ES256, ISSUER, NOW, claims, policy, quoted};

/// What becomes of a token with this `aud` where exactly one audience, or any of two, is expected.
fn audiences(aud: &str) -> (Result<(), Error>, Result<(), Error>) {
    let token = ES256.token_of(ES256.header().json(), claims().with("aud", aud).json());
    let with =
        |audience| verify::<AccessToken>(&token, &ES256.keys(), &Policy { audience, ..policy() }).map(|_| ());
    (with(Audience::Exactly(AUDIENCE)), with(Audience::AnyOf(&["https://other.example", AUDIENCE])))
}

#[test]
fn jwt_17_the_audience_is_compared_byte_by_byte() {
    assert_eq!(audiences(&quoted(AUDIENCE)), (Ok(()), Ok(())));
    for aud in [
        "https://api.example/",
        "https://api.exampl",
        "HTTPS://API.EXAMPLE",
        "https://api.example.evil",
        "",
        "api.example",
    ] {
        assert_eq!(audiences(&quoted(aud)), (Err(Error::Audience), Err(Error::Audience)), "{aud}");
    }
}

#[test]
fn jwt_17_an_array_is_never_exactly_one() {
    for aud in [r#"["https://api.example"]"#, r#"["https://api.example","https://other.test"]"#] {
        assert_eq!(audiences(aud), (Err(Error::Audience), Ok(())), "{aud}");
    }
    for aud in ["[]", r#"["https://other.test"]"#, r#"[""]"#] {
        assert_eq!(audiences(aud), (Err(Error::Audience), Err(Error::Audience)), "{aud}");
    }
}

#[test]
fn jwt_17_a_malformed_audience_is_refused_even_beside_a_good_one() {
    for aud in ["1", "null", "true", r#"{"https://api.example":1}"#] {
        let malformed = Err(Error::MalformedClaim("aud"));
        assert_eq!(audiences(aud), (malformed, malformed), "{aud}");
    }
    for aud in
        [r#"["https://api.example",1]"#, r#"["https://api.example",null]"#, r#"[["https://api.example"]]"#]
    {
        assert_eq!(audiences(aud), (Err(Error::Audience), Err(Error::MalformedClaim("aud"))), "{aud}");
    }
    assert_eq!(ES256.verify_claims(&claims().without("aud")), Err(Error::MissingClaim("aud")));
}

#[test]
fn jwt_17_a_kind_without_audience_must_have_none() {
    let none = Policy { audience: Audience::None, ..policy() };
    let result = verify::<AccessToken>(&ES256.good_token(), &ES256.keys(), &none);
    assert_eq!(result, Err(Error::Audience));
}

#[test]
fn the_issuer_is_compared_byte_by_byte() {
    for iss in
        ["https://id.example/", "https://ID.example", "https://id.exampl", "", "https://id.example\\u0000"]
    {
        assert_eq!(ES256.verify_claims(&claims().with("iss", &quoted(iss))), Err(Error::Issuer), "{iss}");
    }
    for iss in ["null", "1", r#"["https://id.example"]"#, "{}"] {
        assert_eq!(
            ES256.verify_claims(&claims().with("iss", iss)),
            Err(Error::MalformedClaim("iss")),
            "{iss}"
        );
    }
    assert_eq!(ES256.verify_claims(&claims().without("iss")), Err(Error::MissingClaim("iss")));
}

#[test]
fn jwt_18_a_subject_has_1_to_255_bytes() {
    for sub in
        ["\"\"", "1", "null", "[]", r#"["acc_1"]"#, &quoted(&"s".repeat(256)), &quoted(&"s".repeat(10_000))]
    {
        assert_eq!(ES256.verify_claims(&claims().with("sub", sub)), Err(Error::MalformedClaim("sub")));
    }
    assert_eq!(ES256.verify_claims(&claims().without("sub")), Err(Error::MissingClaim("sub")));
    let longest = "s".repeat(255);
    let verified = ES256.verify_claims(&claims().with("sub", &quoted(&longest))).unwrap();
    assert_eq!(verified.into_claims().sub, longest);
}

#[test]
fn jwt_33_a_string_is_data_and_comes_out_as_it_went_in() {
    for text in [
        "a\r\nSet-Cookie: x=y",
        "' OR 1=1--",
        "*)(uid=*",
        "<script>alert(1)</script>",
        "${jndi:ldap://x}",
        "\0",
        "\u{202e}é𝄞",
    ] {
        let token = AccessToken { sub: text.to_owned(), client_id: text.to_owned(), ..sample() };
        let jwt = ES256.key.sign(&Header { typ: AccessToken::TYP }, &token).unwrap();
        assert_eq!(ES256.verify(&jwt).unwrap().into_claims(), token);
    }
}

#[test]
fn every_claim_that_must_be_there_must_be_there() {
    for name in ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "status"] {
        assert_eq!(ES256.verify_claims(&claims().without(name)), Err(Error::MissingClaim(name)), "{name}");
    }
}

#[test]
fn every_claim_has_its_type_or_the_token_is_refused() {
    let cases: [(&str, &[&str]); 9] = [
        ("jti", &["\"\"", "1", "null"]),
        ("client_id", &["\"\"", "1", "null", "[\"countersign\"]"]),
        ("scope", &["1", "null", "[\"account\"]"]),
        ("sid", &["\"\"", "1", "null"]),
        ("auth_time", &["\"1\"", "null", "-1", "1e15"]),
        ("amr", &["\"pwd\"", "null", "[1]", "{}"]),
        ("acr", &["\"\"", "2", "null"]),
        ("cnf", &["null", "{}", "\"x\"", r#"{"jkt":1}"#, r#"{"jkt":"short"}"#, r#"{"x5t#S256":"abc"}"#]),
        (
            "status",
            &[
                "null",
                "{}",
                r#"{"status_list":null}"#,
                r#"{"status_list":{"idx":7}}"#,
                r#"{"status_list":{"idx":-1,"uri":"u"}}"#,
                r#"{"status_list":{"idx":"7","uri":"u"}}"#,
                r#"{"status_list":{"idx":7.5,"uri":"u"}}"#,
                r#"{"status_list":{"idx":7,"uri":""}}"#,
            ],
        ),
    ];
    for (name, malformed) in cases {
        for json in malformed {
            assert_eq!(
                ES256.verify_claims(&claims().with(name, json)),
                Err(Error::MalformedClaim(name)),
                "{name} {json}"
            );
        }
    }
}

#[test]
fn what_is_signed_is_what_is_verified() {
    let token = AccessToken {
        sid: Some("s1".into()),
        auth_time: Some(NOW - 10),
        amr: vec!["pwd".into(), "otp".into()],
        acr: Some("aal2".into()),
        cnf: Some(countersign_jose::Confirmation { jkt: ES256.key.kid().into() }),
        ..sample()
    };
    let jwt = ES256.key.sign(&Header { typ: AccessToken::TYP }, &token).unwrap();
    let verified = ES256.verify(&jwt).unwrap();
    assert_eq!(verified.claims(), &token);
    assert_eq!(verified.claims().scopes().collect::<Vec<_>>(), ["account", "openid"]);
    assert!(verified.claims().has_scope("openid"));
    assert!(!verified.claims().has_scope("open"));
}

#[test]
fn what_is_absent_is_not_written() {
    let bare = AccessToken { scope: String::new(), ..sample() };
    let json: serde_json::Value = serde_json::to_value(&bare).unwrap();
    assert_eq!(json["aud"], AUDIENCE, "one audience is a string");
    let names: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert_eq!(names.len(), 8, "{names:?}");
    let jwt = ES256.key.sign(&Header { typ: AccessToken::TYP }, &bare).unwrap();
    assert_eq!(ES256.verify(&jwt).unwrap().into_claims(), bare);
}

#[test]
fn claims_that_are_no_object_are_not_signed() {
    assert_eq!(ES256.key.alg(), Alg::Es256);
    for claims in [serde_json::json!([1]), serde_json::json!("text"), serde_json::json!(null)] {
        assert_eq!(ES256.key.sign(&Header { typ: AccessToken::TYP }, &claims), Err(Error::Serialize));
    }
}

fn sample() -> AccessToken {
    AccessToken {
        iss: ISSUER.into(),
        sub: "acc_1".into(),
        aud: vec![AUDIENCE.into()],
        exp: NOW + 300,
        iat: NOW,
        jti: "tok_1".into(),
        client_id: "countersign".into(),
        scope: "account openid".into(),
        sid: None,
        auth_time: None,
        amr: vec![],
        acr: None,
        status: countersign_jose::Status {
            status_list: countersign_jose::StatusReference {
                idx: 7,
                uri: "https://id.example/statuslists/1".into(),
            },
        },
        cnf: None,
    }
}
