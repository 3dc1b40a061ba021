//! Status list tokens, and the vectors of the draft.

use countersign_jose::{
    Audience, Error, Header, MAX_STATUS_LIST_LEN, Policy, StatusBits, StatusList, StatusListToken, verify,
};
use serde_json::Value;

use crate::support::{ES256, ISSUER, Members, NOW, policy, quoted};
use crate::vectors::read_vectors;

const URI: &str = "https://id.example/statuslists/1";
const LEN: usize = 131_072;

fn list_policy() -> Policy<'static> {
    Policy { typ: StatusListToken::TYP, audience: Audience::None, max_len: MAX_STATUS_LIST_LEN, ..policy() }
}

fn sample(bits: &StatusBits) -> StatusListToken {
    StatusListToken {
        iss: ISSUER.into(),
        sub: URI.into(),
        iat: NOW,
        exp: NOW + 300,
        ttl: 30,
        status_list: StatusList::new(bits).unwrap(),
        seq: 42,
    }
}

#[test]
fn a_list_is_signed_verified_and_read() {
    let mut bits = StatusBits::new(LEN);
    bits.set(7, true);
    bits.set(LEN - 1, true);
    let token = ES256.key.sign(&Header { typ: StatusListToken::TYP }, &sample(&bits)).unwrap();
    let verified = verify::<StatusListToken>(&token, &ES256.keys(), &list_policy()).unwrap();
    assert_eq!(verified.claims(), &sample(&bits));
    assert_eq!(verified.claims().bits_of(URI, LEN).unwrap(), bits);
}

#[test]
fn the_worst_list_still_fits() {
    let mut bits = StatusBits::new(LEN);
    let mut state = 1_u64;
    for index in 0..LEN {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        bits.set(index, state >> 63 == 1);
    }
    let token = ES256.key.sign(&Header { typ: StatusListToken::TYP }, &sample(&bits)).unwrap();
    assert!(token.len() > 25_000 && token.len() < MAX_STATUS_LIST_LEN, "{}", token.len());
    assert!(verify::<StatusListToken>(&token, &ES256.keys(), &list_policy()).is_ok());
}

#[test]
fn another_list_or_another_size_is_refused() {
    let claims = sample(&StatusBits::new(LEN));
    assert_eq!(claims.bits_of("https://id.example/statuslists/2", LEN), Err(Error::StatusList));
    assert_eq!(claims.bits_of(URI, LEN / 2), Err(Error::StatusList));
    assert_eq!(claims.bits_of(URI, LEN * 2), Err(Error::StatusList));
}

#[test]
fn every_claim_of_a_list_has_its_type_or_the_token_is_refused() {
    let good = || {
        Members::default()
            .with("iss", &quoted(ISSUER))
            .with("sub", &quoted(URI))
            .with("iat", &NOW.to_string())
            .with("exp", &(NOW + 300).to_string())
            .with("ttl", "30")
            .with("seq", "42")
            .with("status_list", r#"{"bits":1,"lst":"eNrbuRgAAhcBXQ"}"#)
    };
    let check = |claims: &Members| {
        let header = ES256.header().with("typ", &quoted(StatusListToken::TYP));
        let token = ES256.token_of(header.json(), claims.json());
        verify::<StatusListToken>(&token, &ES256.keys(), &list_policy()).map(|_| ())
    };
    assert_eq!(check(&good()), Ok(()));
    for name in ["iss", "sub", "iat", "exp", "ttl", "seq", "status_list"] {
        assert_eq!(check(&good().without(name)), Err(Error::MissingClaim(name)), "{name}");
        assert_eq!(check(&good().with(name, "null")), Err(Error::MalformedClaim(name)), "{name}");
    }
    for (name, json) in [
        ("ttl", "-1"),
        ("ttl", "1.5"),
        ("seq", "\"42\""),
        ("sub", "\"\""),
        ("status_list", r#"{"lst":"eNrbuRgAAhcBXQ"}"#),
        ("status_list", r#"{"bits":2,"lst":"eNrbuRgAAhcBXQ"}"#),
        ("status_list", r#"{"bits":"1","lst":"eNrbuRgAAhcBXQ"}"#),
        ("status_list", r#"{"bits":1,"lst":null}"#),
    ] {
        assert_eq!(check(&good().with(name, json)), Err(Error::MalformedClaim(name)), "{name} {json}");
    }
}

#[test]
fn the_lists_of_the_draft_decode_to_the_statuses_it_names() {
    let Some(file) = read_vectors("status_list.json") else { return };
    let vectors = file["vectors"].as_array().unwrap();
    assert!(!vectors.is_empty());
    for vector in vectors {
        let width = usize::try_from(vector["bits"].as_u64().unwrap()).unwrap();
        let expected = expected_bits(vector, width);
        let decoded = StatusBits::decode(vector["lst"].as_str().unwrap(), expected.len()).unwrap();
        assert!(decoded == expected, "{width} bits a status");
        let again = decoded.encode().unwrap();
        assert!(StatusBits::decode(&again, expected.len()).unwrap() == expected);
    }
}

/// The list that a vector describes, seen as single bits: a status of `width` bits has its lowest bit first.
fn expected_bits(vector: &Value, width: usize) -> StatusBits {
    if let Some(hex) = vector["bytes"].as_str() {
        let mut bits = StatusBits::new(hex.len() * 4);
        for (at, digits) in hex.as_bytes().chunks(2).enumerate() {
            let byte = usize::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap();
            write_status(&mut bits, at, 8, byte);
        }
        return bits;
    }
    let size = usize::try_from(vector["size"].as_u64().unwrap()).unwrap();
    let mut bits = StatusBits::new(size * width);
    for (index, status) in vector["values"].as_object().unwrap() {
        let status = usize::try_from(status.as_u64().unwrap()).unwrap();
        write_status(&mut bits, index.parse().unwrap(), width, status);
    }
    bits
}

fn write_status(bits: &mut StatusBits, index: usize, width: usize, status: usize) {
    for bit in 0..width {
        bits.set(index * width + bit, status >> bit & 1 == 1);
    }
}
