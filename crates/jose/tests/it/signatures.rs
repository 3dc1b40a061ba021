//! JWT-24 to JWT-28: only the one true signature.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use countersign_jose::{Alg, Error, Jwk, KeySet, SigningKey, VerifyingKey, jws};

use crate::support::{EDDSA, ES256, PS256, RS256, Signer, claims, decode, encode, parts, signers};

/// What becomes of a good token with another signature.
fn with_signature(signer: &Signer, change: impl Fn(Vec<u8>) -> Vec<u8>) -> Result<(), Error> {
    let good = signer.good_token();
    let [header, payload, signature] = parts(&good);
    let changed = encode(change(decode(signature)));
    signer.verify(&format!("{header}.{payload}.{changed}")).map(|_| ())
}

#[test]
fn jwt_24_a_signature_of_another_length_or_of_zeros_is_refused() {
    for signer in signers() {
        let changes: [fn(Vec<u8>) -> Vec<u8>; 7] = [
            |signature| signature[..signature.len() - 1].to_vec(),
            |signature| signature[1..].to_vec(),
            |signature| [signature, vec![0]].concat(),
            |signature| [vec![0], signature].concat(),
            |_| vec![],
            |signature| vec![0; signature.len()],
            |signature| [signature.clone(), signature].concat(),
        ];
        for change in changes {
            assert_eq!(with_signature(signer, change), Err(Error::Signature));
        }
        assert_eq!(with_signature(signer, |signature| signature), Ok(()));
        assert_eq!(with_signature(signer, |_| vec![1; 2000]), Err(Error::Base64), "longer than any key's");
    }
}

#[test]
fn jwt_24_the_signature_of_another_token_is_refused() {
    for signer in signers() {
        let other = signer.token_of(signer.header().json(), claims().with("sub", "\"acc_2\"").json());
        let [_, payload, signature] = parts(&other);
        let good = signer.good_token();
        let [header, good_payload, good_signature] = parts(&good);
        assert_eq!(signer.verify(&format!("{header}.{good_payload}.{signature}")), Err(Error::Signature));
        assert_eq!(signer.verify(&format!("{header}.{payload}.{good_signature}")), Err(Error::Signature));
    }
}

#[test]
fn jwt_24_every_flipped_bit_of_a_signature_is_noticed() {
    for signer in [&*ES256, &*EDDSA] {
        for bit in 0..64 * 8 {
            let result = with_signature(signer, |mut signature| {
                signature[bit / 8] ^= 1 << (bit % 8);
                signature
            });
            assert_eq!(result, Err(Error::Signature), "{bit}");
        }
    }
}

/// The order of P-256, big-endian.
const N: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
    0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

#[test]
fn jwt_25_r_and_s_must_be_between_zero_and_the_order() {
    let mut above = N;
    above[31] += 1;
    for bad in [[0; 32], N, above, [0xff; 32]] {
        let in_r = |signature: Vec<u8>| [bad.as_slice(), &signature[32..]].concat();
        let in_s = |signature: Vec<u8>| [&signature[..32], bad.as_slice()].concat();
        assert_eq!(with_signature(&ES256, in_r), Err(Error::Signature));
        assert_eq!(with_signature(&ES256, in_s), Err(Error::Signature));
        assert_eq!(with_signature(&ES256, |_| [bad, bad].concat()), Err(Error::Signature));
    }
}

#[test]
fn jwt_25_only_64_bytes_are_an_es256_signature() {
    for length in [63, 65, 72, 128] {
        let result = with_signature(&ES256, |mut signature| {
            signature.resize(length, 0);
            signature
        });
        assert_eq!(result, Err(Error::Signature), "{length}");
    }
}

#[test]
fn jwt_25_a_der_signature_is_refused() {
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &ES256.pkcs8).unwrap();
    let input = format!("{}.{}", encode(ES256.header().json()), encode(claims().json()));
    let der = pair.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
    assert_eq!(ES256.verify(&format!("{input}.{}", encode(der))), Err(Error::Signature));
}

/// The order of the base point of edwards25519, little-endian.
const L: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

#[test]
fn jwt_27_s_above_the_order_is_a_second_signature_and_refused() {
    for times in 1..=8 {
        let result = with_signature(&EDDSA, |mut signature| {
            for _ in 0..times {
                let mut carry = 0;
                for (byte, add) in signature[32..].iter_mut().zip(L) {
                    let sum = u16::from(*byte) + u16::from(add) + carry;
                    *byte = sum.to_le_bytes()[0];
                    carry = sum >> 8;
                }
            }
            signature
        });
        assert_eq!(result, Err(Error::Signature), "{times}");
    }
}

#[test]
fn jwt_27_r_of_small_order_is_refused() {
    let mut minus_one = [0xff; 32];
    minus_one[0] = 0xec;
    minus_one[31] = 0x7f;
    let mut one = [0; 32];
    one[0] = 1;
    for r in [[0; 32], one, minus_one] {
        for sign in [0, 0x80] {
            let mut r = r;
            r[31] |= sign;
            assert_eq!(with_signature(&EDDSA, |s| [r.as_slice(), &s[32..]].concat()), Err(Error::Signature));
            assert_eq!(with_signature(&EDDSA, |_| [r, [0; 32]].concat()), Err(Error::Signature));
        }
    }
}

#[test]
fn jwt_27_a_key_off_the_curve_verifies_nothing() {
    // No x belongs to y = 2.
    let mut y = [0; 32];
    y[0] = 2;
    let json = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{}","kid":"{}"}}"#, encode(y), EDDSA.key.kid());
    let key = VerifyingKey::new(&Jwk::parse(json.as_bytes()).unwrap()).unwrap();
    let result = jws::verify_compact(&EDDSA.good_token(), &KeySet::new([key]).unwrap(), &[Alg::EdDsa]);
    assert_eq!(result, Err(Error::Signature));
}

#[test]
fn jwt_28_the_padding_of_one_rsa_algorithm_is_no_signature_of_the_other() {
    for (signer, other) in [(&*RS256, Alg::Ps256), (&*PS256, Alg::Rs256)] {
        let forger = Signer {
            key: SigningKey::from_pkcs8(other, &signer.pkcs8).unwrap(),
            pkcs8: signer.pkcs8.clone(),
        };
        let token = forger.token_of(signer.header().json(), claims().json());
        assert_eq!(signer.verify(&token), Err(Error::Signature));
    }
}

#[test]
fn jwt_28_an_rsa_signature_has_the_length_of_the_modulus() {
    for signer in [&*RS256, &*PS256] {
        for length in [0, 1, 128, 255, 257, 512, 1024] {
            let result = with_signature(signer, |mut signature| {
                signature.resize(length, 0);
                signature
            });
            assert_eq!(result, Err(Error::Signature), "{length}");
        }
        assert_eq!(
            with_signature(signer, |_| vec![0xff; 256]),
            Err(Error::Signature),
            "not below the modulus"
        );
    }
}
