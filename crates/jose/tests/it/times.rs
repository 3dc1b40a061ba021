//! JWT-13 to JWT-15: `exp`, `nbf`, `iat`.

use countersign_jose::{AccessToken, Error, MAX_TIME, Policy, verify};

use crate::support::{ES256, LEEWAY, NOW, claims, policy};

/// What becomes of a token with these times.
fn times(pairs: &[(&str, &str)]) -> Result<(), Error> {
    let members = pairs.iter().fold(claims(), |members, (name, json)| members.with(name, json));
    ES256.verify_claims(&members).map(|_| ())
}

#[test]
fn jwt_13_a_malformed_time_is_never_an_absent_one() {
    for name in ["exp", "nbf", "iat"] {
        for json in [
            "\"9999999999\"",
            "true",
            "null",
            "[]",
            "{}",
            "-1",
            "-0.5",
            "9223372036854775808",
            "18446744073709551616",
            "9e15",
            "10000000000",
            "1800000000000",
        ] {
            assert_eq!(times(&[(name, json)]), Err(Error::MalformedClaim(name)), "{name} {json}");
        }
        assert_eq!(times(&[(name, "1e400")]), Err(Error::Json));
    }
}

#[test]
fn jwt_13_an_end_is_needed_and_zero_is_long_ago() {
    assert_eq!(ES256.verify_claims(&claims().without("exp")), Err(Error::MissingClaim("exp")));
    let no_begin = claims().without("iat").with("exp", "0");
    assert_eq!(ES256.verify_claims(&no_begin), Err(Error::Expired));
    assert_eq!(times(&[("exp", &MAX_TIME.to_string())]), Ok(()));
    assert_eq!(times(&[("exp", &(MAX_TIME + 1).to_string())]), Err(Error::MalformedClaim("exp")));
}

#[test]
fn jwt_14_the_end_is_exact() {
    for (exp, expected) in [
        (NOW + 1, Ok(())),
        (NOW, Ok(())),
        (NOW - 1, Ok(())),
        (NOW - LEEWAY + 1, Ok(())),
        (NOW - LEEWAY, Err(Error::Expired)),
        (NOW - LEEWAY - 1, Err(Error::Expired)),
    ] {
        let result = times(&[("iat", &(NOW - 600).to_string()), ("exp", &exp.to_string())]);
        assert_eq!(result, expected, "{}", exp - NOW);
    }
}

#[test]
fn jwt_14_a_fraction_counts() {
    let end = NOW - LEEWAY;
    for (exp, expected) in [
        (format!("{end}.5"), Ok(())),
        (format!("{end}.000001"), Ok(())),
        (format!("{end}.0"), Err(Error::Expired)),
        (format!("{}.999999", end - 1), Err(Error::Expired)),
        ("1.8000003e9".to_owned(), Ok(())),
        ("1.5".to_owned(), Err(Error::Expired)),
    ] {
        assert_eq!(times(&[("iat", "1"), ("exp", &exp)]), expected, "{exp}");
    }
}

#[test]
fn jwt_14_no_policy_has_more_than_a_minute_of_leeway_or_less_than_none() {
    let members = |exp: i64| claims().with("iat", "1").with("exp", &exp.to_string());
    for (leeway, exp, expected) in [
        (3600, NOW - 59, Ok(())),
        (3600, NOW - 60, Err(Error::Expired)),
        (i64::MAX, NOW - 60, Err(Error::Expired)),
        (0, NOW + 1, Ok(())),
        (0, NOW, Err(Error::Expired)),
        (-3600, NOW + 1, Ok(())),
        (i64::MIN, NOW, Err(Error::Expired)),
    ] {
        let token = ES256.token_of(ES256.header().json(), members(exp).json());
        let result = verify::<AccessToken>(&token, &ES256.keys(), &Policy { leeway, ..policy() });
        assert_eq!(result.map(|_| ()), expected, "{leeway} {}", exp - NOW);
    }
}

#[test]
fn jwt_15_a_begin_in_the_future_is_refused_beyond_the_leeway() {
    for name in ["nbf", "iat"] {
        for (begin, expected) in [
            (format!("{}", NOW + LEEWAY), Ok(())),
            (format!("{}.000001", NOW + LEEWAY), Err(Error::NotYetValid)),
            (format!("{}", NOW + LEEWAY + 1), Err(Error::NotYetValid)),
            (format!("{}", NOW + 200), Err(Error::NotYetValid)),
            ("0".to_owned(), Ok(())),
        ] {
            assert_eq!(times(&[(name, &begin)]), expected, "{name} {begin}");
        }
    }
}

#[test]
fn jwt_15_a_begin_that_is_not_before_the_end_is_malformed() {
    for name in ["nbf", "iat"] {
        for (begin, ok) in [(NOW + 9, true), (NOW + 10, false), (NOW + 11, false)] {
            let result = times(&[("exp", &(NOW + 10).to_string()), (name, &begin.to_string())]);
            assert_eq!(
                result,
                if ok { Ok(()) } else { Err(Error::MalformedClaim(name)) },
                "{name} {}",
                begin - NOW
            );
        }
        let far = MAX_TIME.to_string();
        assert_eq!(times(&[(name, &far)]), Err(Error::MalformedClaim(name)));
    }
}

#[test]
fn any_clock_is_survived() {
    for now in [i64::MIN, -1, 0, i64::MAX] {
        let result = verify::<AccessToken>(&ES256.good_token(), &ES256.keys(), &Policy { now, ..policy() });
        let expected = if now > NOW { Error::Expired } else { Error::NotYetValid };
        assert_eq!(result, Err(expected), "{now}");
    }
}
