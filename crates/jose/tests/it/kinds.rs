//! JWT-19: one kind of token is never taken for another.

use countersign_jose::{AccessToken, Audience, Error, Policy, StatusListToken, verify};

use crate::support::{ES256, claims, policy, quoted};

#[test]
fn jwt_19_a_token_of_another_kind_is_refused_whatever_its_claims() {
    for typ in [
        "JWT",
        "jwt",
        "",
        "logout+jwt",
        "dpop+jwt",
        "statuslist+jwt",
        "revocation-tick+jwt",
        "oauth-authz-req+jwt",
        "client-authentication+jwt",
        "at",
        "at+jwt ",
        " at+jwt",
        "at+jwt;v=1",
        "text/at+jwt",
        "application/application/at+jwt",
        "application/",
    ] {
        assert_eq!(ES256.verify_header(&ES256.header().with("typ", &quoted(typ))), Err(Error::Type), "{typ}");
    }
    assert_eq!(ES256.verify_header(&ES256.header().without("typ")), Err(Error::Type));
}

#[test]
fn jwt_19_a_type_that_is_no_string_is_refused() {
    for typ in ["null", "1", "true", r#"["at+jwt"]"#, "{}"] {
        assert_eq!(ES256.verify_header(&ES256.header().with("typ", typ)), Err(Error::Header("typ")), "{typ}");
    }
}

#[test]
fn a_type_is_a_media_type_case_and_prefix_do_not_count() {
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"] {
        assert!(ES256.verify_header(&ES256.header().with("typ", &quoted(typ))).is_ok(), "{typ}");
    }
}

#[test]
fn jwt_19_an_access_token_is_no_status_list_and_the_other_way_round() {
    let list_policy = Policy { typ: StatusListToken::TYP, audience: Audience::None, ..policy() };
    let access = ES256.good_token();
    assert_eq!(verify::<StatusListToken>(&access, &ES256.keys(), &list_policy), Err(Error::Type));

    let list_header = ES256.header().with("typ", &quoted(StatusListToken::TYP)).json();
    let list = ES256.token_of(&list_header, claims().json());
    assert_eq!(ES256.verify(&list), Err(Error::Type));
    // Even with the right type, the claims of the two kinds exclude each other.
    assert_eq!(verify::<StatusListToken>(&list, &ES256.keys(), &list_policy), Err(Error::Audience));
    let without_audience = ES256.token_of(&list_header, claims().without("aud").json());
    let result = verify::<StatusListToken>(&without_audience, &ES256.keys(), &list_policy);
    assert_eq!(result, Err(Error::MissingClaim("status_list")));
    let lazy_caller = Policy { typ: AccessToken::TYP, ..policy() };
    let result = verify::<StatusListToken>(&access, &ES256.keys(), &lazy_caller);
    assert_eq!(result, Err(Error::MissingClaim("status_list")));
}
