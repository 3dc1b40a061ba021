//! JWT-21 to JWT-23: a token is three canonical base64url parts and nothing else.

use countersign_jose::{AccessToken, Error, KeySet, MAX_LEN, Policy, verify};

use crate::support::{ES256, claims, encode, parts, policy, signers};

#[test]
fn jwt_21_only_two_dots_make_a_token() {
    let good = ES256.good_token();
    let [header, payload, signature] = parts(&good);
    for token in [
        String::new(),
        header.to_owned(),
        format!("{header}.{payload}"),
        format!("{good}."),
        format!(".{good}"),
        format!("{good}.{signature}"),
        format!("{header}..{payload}.{signature}"),
        format!("{good}.{payload}.{signature}"),
    ] {
        assert_eq!(ES256.verify(&token), Err(Error::Shape), "{token}");
    }
    for dots in [3, 4, 5, 16_000] {
        assert_eq!(ES256.verify(&".".repeat(dots)), Err(Error::Shape), "{dots}");
    }
    assert_eq!(ES256.verify(&".".repeat(1_000_000)), Err(Error::TooLong));
    assert_eq!(ES256.verify(".."), Err(Error::Json));
    assert_eq!(ES256.verify(&format!(".{payload}.{signature}")), Err(Error::Json));
    assert_eq!(ES256.verify(&format!("{header}..{signature}")), Err(Error::Signature));
    assert_eq!(ES256.verify(&format!("{header}.{payload}.")), Err(Error::Signature));
}

#[test]
fn jwt_21_white_space_and_schemes_are_no_part_of_a_token() {
    let good = ES256.good_token();
    for token in [format!(" {good}"), format!("Bearer {good}"), format!("\t{good}"), format!("\"{good}\"")] {
        assert_eq!(ES256.verify(&token), Err(Error::Base64), "{token}");
    }
    for token in [format!("{good} "), format!("{good}\n"), format!("{good}\r\n"), format!("{good}\0")] {
        assert_eq!(ES256.verify(&token), Err(Error::Base64), "{token}");
    }
}

#[test]
fn jwt_21_the_length_is_bounded_exactly() {
    let good = ES256.good_token();
    let with = |max_len| verify::<AccessToken>(&good, &ES256.keys(), &Policy { max_len, ..policy() });
    assert!(with(good.len()).is_ok());
    assert_eq!(with(good.len() - 1), Err(Error::TooLong));
    assert_eq!(with(0), Err(Error::TooLong));
    assert_eq!(ES256.verify(&"a".repeat(MAX_LEN + 1)), Err(Error::TooLong));
}

#[test]
fn jwt_22_json_serialisations_are_refused() {
    let good = ES256.good_token();
    let [header, payload, signature] = parts(&good);
    let flattened = format!(r#"{{"protected":"{header}","payload":"{payload}","signature":"{signature}"}}"#);
    let general = format!(
        r#"{{"payload":"{payload}","signatures":[{{"protected":"{header}","signature":"{signature}"}}]}}"#
    );
    assert_eq!(ES256.verify(&flattened), Err(Error::Shape));
    assert_eq!(ES256.verify(&general), Err(Error::Shape));
    // A text that is both: JSON to one reader, three parts to another.
    for polyglot in [
        format!(r#"{{"payload":"{payload}","protected":"{header}.{payload}.{signature}"}}"#),
        format!(r#"{{"x":"{header}.{payload}.{signature}"}}"#),
        format!("{header}.{payload}.{signature}{{}}"),
    ] {
        assert_eq!(ES256.verify(&polyglot), Err(Error::Base64), "{polyglot}");
    }
}

#[test]
fn jwt_23_a_part_has_one_encoding() {
    for signer in signers() {
        let good = signer.good_token();
        let [header, payload, signature] = parts(&good);
        for (at, part) in [header, payload, signature].into_iter().enumerate() {
            let (begin, end) = part.split_at(part.len() / 2);
            for other in [
                format!("{part}="),
                format!("{part}=="),
                format!("{part}%3d"),
                format!("{part}\n"),
                format!("{begin}\n{end}"),
                format!("{begin}\r\n{end}"),
                format!("{begin} {end}"),
                format!("{begin}={end}"),
                format!("{begin}+{end}"),
                format!("{begin}/{end}"),
                format!("{begin}é{end}"),
            ] {
                let mut changed = [header, payload, signature];
                changed[at] = &other;
                let error = signer.verify(&changed.join(".")).unwrap_err();
                // A changed payload is caught by the signature before it is decoded.
                assert!(matches!(error, Error::Base64 | Error::Signature), "{error:?} {other}");
            }
        }
    }
}

#[test]
fn jwt_23_set_bits_behind_the_last_byte_are_refused_even_when_signed() {
    let header = encode(ES256.header().json());
    for pad in 0..3 {
        let json = claims().json() + &" ".repeat(pad);
        let canonical = encode(&json);
        let spare_bits = match canonical.len() % 4 {
            0 => continue,
            2 => 4,
            _ => 2,
        };
        for wrong in 1..(1_usize << spare_bits) {
            let payload = format!("{}{}", &canonical[..canonical.len() - 1], shifted(&canonical, wrong));
            let input = format!("{header}.{payload}");
            let token = format!("{input}.{}", encode(ES256.signature(input.as_bytes())));
            assert_eq!(ES256.verify(&token), Err(Error::Base64), "{payload}");
        }
    }
}

/// The last character with `wrong` added to its spare bits, which are zero.
fn shifted(canonical: &str, wrong: usize) -> char {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = canonical.chars().next_back().unwrap();
    let at = ALPHABET.find(last).unwrap() + wrong;
    ALPHABET.chars().nth(at).unwrap()
}

#[test]
fn an_empty_key_set_knows_no_key() {
    let result = verify::<AccessToken>(&ES256.good_token(), &KeySet::default(), &policy());
    assert_eq!(result, Err(Error::UnknownKey));
}
