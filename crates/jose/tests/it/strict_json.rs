//! JWT-11, JWT-12: a header or a payload has one meaning, and a bounded cost.

use countersign_jose::{Error, Policy, verify};

use crate::support::{ES256, NOW, claims, policy, quoted};

#[test]
fn jwt_11_a_header_member_twice_is_refused() {
    for name in ["alg", "kid", "typ", "x"] {
        let header = ES256.header().and(name, "\"ES256\"").and(name, "\"ES256\"");
        assert_eq!(ES256.verify_header(&header), Err(Error::Json), "{name}");
    }
    assert_eq!(ES256.verify_header(&ES256.header().and("\\u0061lg", "\"ES256\"")), Err(Error::Json));
}

#[test]
fn jwt_11_a_claim_twice_is_refused_at_every_level() {
    for (name, json) in
        [("sub", "\"acc_2\""), ("exp", "9999999999"), ("aud", "\"other\""), ("\\u0073ub", "\"acc_2\"")]
    {
        assert_eq!(ES256.verify_claims(&claims().and(name, json)), Err(Error::Json), "{name}");
    }
    let inner = r#"{"status_list":{"idx":7,"idx":8,"uri":"https://id.example/statuslists/1"}}"#;
    assert_eq!(ES256.verify_claims(&claims().with("status", inner)), Err(Error::Json));
    assert_eq!(ES256.verify_claims(&claims().with("x", r#"[{"a":1,"a":1}]"#)), Err(Error::Json));
}

#[test]
fn jwt_12_deep_nesting_is_refused_without_a_deep_stack() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(ES256.verify_claims(&claims().with("x", &nested(15))).is_ok());
    assert_eq!(ES256.verify_claims(&claims().with("x", &nested(16))), Err(Error::Json));
    assert_eq!(ES256.verify_claims(&claims().with("x", &nested(5_000))), Err(Error::Json));
    let open = Policy { max_len: 10_000_000, ..policy() };
    for depth in [10_000, 100_000] {
        for payload in ["[".repeat(depth), "{\"a\":".repeat(depth), nested(depth)] {
            let token = ES256.token_of(ES256.header().json(), payload);
            assert_eq!(
                verify::<countersign_jose::AccessToken>(&token, &ES256.keys(), &open),
                Err(Error::Json)
            );
            assert!(ES256.verify(&token).is_err());
        }
    }
}

#[test]
fn jwt_12_what_is_too_large_is_refused() {
    assert_eq!(
        ES256.verify_claims(&claims().with("x", &quoted(&"s".repeat(1_000_000)))),
        Err(Error::TooLong)
    );
    let many = (0..100_000).map(|n| format!("\"m{n}\":0")).collect::<Vec<_>>().join(",");
    let token = ES256.token_of(ES256.header().json(), format!("{{{many}}}"));
    assert_eq!(ES256.verify(&token), Err(Error::TooLong));
    let open = Policy { max_len: 10_000_000, ..policy() };
    assert_eq!(verify::<countersign_jose::AccessToken>(&token, &ES256.keys(), &open), Err(Error::Json));
}

#[test]
fn jwt_12_numbers_that_are_none_are_refused_in_any_claim() {
    let digits = "9".repeat(400);
    for number in [
        "1e400",
        "-1e400",
        "-0",
        "-0.0",
        "NaN",
        "Infinity",
        "-Infinity",
        digits.as_str(),
        "01",
        "0x1",
        "+1",
        ".5",
        "1.",
    ] {
        assert_eq!(ES256.verify_claims(&claims().with("x", number)), Err(Error::Json), "{number}");
    }
}

#[test]
fn jwt_12_only_one_plain_utf_8_text_is_json() {
    let plain = claims().json();
    let utf_16: Vec<u8> = plain.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let refused: [Vec<u8>; 10] = [
        [b"\xef\xbb\xbf", plain.as_bytes()].concat(),
        utf_16,
        format!("{plain}x").into_bytes(),
        format!("{plain}{plain}").into_bytes(),
        format!("{plain}\0").into_bytes(),
        format!("/* */{plain}").into_bytes(),
        plain.replace(",\"sub\"", ",/**/\"sub\"").into_bytes(),
        plain.replace("acc_1", "acc\n1").into_bytes(),
        plain.replace('}', ",}").into_bytes(),
        plain.bytes().map(|byte| if byte == b'_' { 0xff } else { byte }).collect(),
    ];
    for payload in refused {
        let token = ES256.token_of(ES256.header().json(), &payload);
        assert_eq!(ES256.verify(&token), Err(Error::Json), "{}", String::from_utf8_lossy(&payload));
    }
    for payload in ["", "[]", "\"text\"", "1", "null"] {
        assert_eq!(
            ES256.verify(&ES256.token_of(ES256.header().json(), payload)),
            Err(Error::Json),
            "{payload}"
        );
        assert_eq!(ES256.verify(&ES256.token_of(payload, claims().json())), Err(Error::Json), "{payload}");
    }
}

#[test]
fn white_space_and_escapes_that_json_allows_change_nothing() {
    let spaced = claims().json().replace(",\"", " ,\r\n\t\"").replace("acc_1", "acc\\u005f1");
    let verified = ES256.verify(&ES256.token_of(ES256.header().json(), spaced)).unwrap();
    assert_eq!(verified.claims().sub, "acc_1");
    assert_eq!(verified.claims().iat, NOW);
}
