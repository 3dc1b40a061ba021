//! JWT-24, JWT-39: nothing panics, nothing that was touched is accepted, and JSON means what it means elsewhere.

use countersign_jose::json::Value;
use countersign_jose::{AccessToken, Alg, Jwk, JwkSet, StatusBits, StatusListToken, Unverified, jws, verify};
use proptest::prelude::*;

use crate::support::{EDDSA, ES256, Signer, claims, encode, policy, quoted};

/// Gives a text to everything that parses; whether anything took it for a token, a key or a list.
fn is_taken(text: &str) -> bool {
    let keys = ES256.keys();
    [
        verify::<AccessToken>(text, &keys, &policy()).is_ok(),
        verify::<StatusListToken>(text, &keys, &policy()).is_ok(),
        jws::verify_compact(text, &keys, Alg::ALL).is_ok(),
        Unverified::peek(text).is_ok(),
        Jwk::parse(text.as_bytes()).is_ok(),
        JwkSet::parse(text.as_bytes()).is_ok(),
        StatusBits::decode(text, 64).is_ok(),
    ]
    .contains(&true)
}

/// A text that looks like a JSON value, often a good one.
fn jsonish() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| format!("{number:e}")),
        any::<f32>().prop_map(|number| number.to_string()),
        "-?[0-9]{1,3}(\\.[0-9]{0,3})?([eE][+-]?[0-9]{0,3})?",
        "\"[ -~é\u{1f600}]{0,6}\"",
        "\"(\\\\(u[0-9a-fD]{4}|[\"\\\\/bfnrtux])|[a-c]){0,4}\"",
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let member = ("[a-c]{1,2}", inner.clone()).prop_map(|(name, value)| format!("\"{name}\" :{value}"));
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|all| format!("[{}]", all.join(" , "))),
            prop::collection::vec(member, 0..4).prop_map(|all| format!("{{ {}}}", all.join(","))),
        ]
    })
}

/// The value as the other library would hold it.
fn translate(value: &Value<'_>) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(flag) => (*flag).into(),
        Value::Integer(number) => (*number).into(),
        Value::Float(number) => (*number).into(),
        Value::String(text) => text.as_ref().into(),
        Value::Array(all) => all.iter().map(translate).collect(),
        Value::Object(object) => {
            object.members().map(|(name, value)| (name.to_owned(), translate(value))).collect()
        }
    }
}

/// Whether two values are equal, numbers to within the rounding of a double.
fn same(left: &serde_json::Value, right: &serde_json::Value) -> bool {
    use serde_json::Value as V;
    match (left, right) {
        (V::Number(left), V::Number(right)) => {
            let (left, right) = (left.as_f64().unwrap(), right.as_f64().unwrap());
            (left - right).abs() <= left.abs().max(right.abs()) * 1e-15
        }
        (V::Array(left), V::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (V::Object(left), V::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(name, value)| right.get(name).is_some_and(|other| same(value, other)))
        }
        (left, right) => left == right,
    }
}

/// What we refuse and JSON at large does not: a member twice, and negative zero.
fn is_stricter_here(text: &str) -> bool {
    let negative_zero = text.match_indices('-').any(|(at, _)| {
        let number: String = text[at..].chars().take_while(|one| "-+.0123456789eE".contains(*one)).collect();
        number.parse::<f64>() == Ok(-0.0)
    });
    negative_zero || serde_json::from_str::<NoTwins>(text).is_err()
}

/// Fails on a member twice, and on nothing else.
struct NoTwins;

impl<'de> serde::Deserialize<'de> for NoTwins {
    fn deserialize<D: serde::Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(NoTwins)
    }
}

impl<'de> serde::de::Visitor<'de> for NoTwins {
    type Value = Self;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Self, A::Error> {
        while seq.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut names = std::collections::HashSet::new();
        while let Some((name, _)) = map.next_entry::<String, Self>()? {
            if !names.insert(name) {
                return Err(serde::de::Error::custom("twice"));
            }
        }
        Ok(self)
    }
}

proptest! {
    #[test]
    fn jwt_39_no_text_panics_and_none_is_accepted(text in ".{0,200}") {
        prop_assert!(!is_taken(&text));
    }

    #[test]
    fn jwt_39_no_bytes_in_three_parts_panic(header in any::<Vec<u8>>(), payload in any::<Vec<u8>>(), signature in any::<Vec<u8>>()) {
        let token = format!("{}.{}.{}", encode(header), encode(payload), encode(signature));
        prop_assert!(!is_taken(&token));
    }

    #[test]
    fn jwt_39_no_value_in_any_signed_claim_panics(name in "(iss|sub|aud|exp|nbf|iat|jti|client_id|scope|sid|auth_time|amr|acr|status|cnf)", json in jsonish()) {
        let _ = ES256.verify_claims(&claims().with(&name, &json));
    }

    #[test]
    fn jwt_39_no_value_in_any_header_member_is_accepted_for_another(name in "(alg|kid|typ)", json in jsonish()) {
        prop_assert!(ES256.verify_header(&ES256.header().with(&name, &json)).is_err());
    }

    #[test]
    fn jwt_24_a_changed_byte_anywhere_is_refused(at in any::<prop::sample::Index>(), other in any::<char>(), eddsa in any::<bool>()) {
        let signer: &Signer = if eddsa { &EDDSA } else { &ES256 };
        let good = signer.good_token();
        let at = at.index(good.len());
        let mut changed = good.clone();
        changed.replace_range(at..=at, other.encode_utf8(&mut [0; 4]));
        prop_assert_eq!(signer.verify(&changed).is_ok(), changed == good);
    }

    #[test]
    fn json_reads_as_the_other_library_reads_it_or_is_refused(text in jsonish()) {
        match (Value::parse(text.as_bytes()), serde_json::from_str::<serde_json::Value>(&text)) {
            (Ok(ours), Ok(theirs)) => prop_assert!(same(&translate(&ours), &theirs), "{}", text),
            (Err(_), Err(_)) => {}
            (Err(_), Ok(_)) => prop_assert!(is_stricter_here(&text), "refused only here: {}", text),
            (Ok(_), Err(error)) => prop_assert!(false, "accepted only here: {} ({})", text, error),
        }
    }

    #[test]
    fn any_string_goes_through_a_token_unchanged(sub in "\\PC{1,60}") {
        let token = ES256.token_of(ES256.header().json(), claims().with("sub", &serde_json::to_string(&sub).unwrap()).json());
        let verified = ES256.verify(&token).unwrap();
        prop_assert_eq!(&verified.claims().sub, &sub);
    }

    #[test]
    fn a_status_list_goes_through_its_encoding_unchanged(len in 1_usize..5000, set in prop::collection::vec(any::<prop::sample::Index>(), 0..40)) {
        let mut bits = StatusBits::new(len);
        for index in set {
            bits.set(index.index(len), true);
        }
        prop_assert_eq!(StatusBits::decode(&bits.encode().unwrap(), len).unwrap(), bits);
    }
}

#[test]
fn jwt_24_every_byte_of_a_token_counts() {
    let good = ES256.good_token();
    for at in 0..good.len() {
        for other in ["A", "_", ".", "=", "0"] {
            let mut changed = good.clone();
            changed.replace_range(at..=at, other);
            assert_eq!(ES256.verify(&changed).is_ok(), changed == good, "{at} {other}");
        }
    }
}

#[test]
fn the_header_of_a_good_token_is_the_only_thing_a_peek_trusts() {
    let token = ES256.token_of(ES256.header().with("kid", &quoted("anything")).json(), "not even json");
    assert_eq!(Unverified::peek(&token).unwrap().unverified_kid(), "anything");
}
