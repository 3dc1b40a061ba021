//! The public part of a key: its numbers, checked once, where they come in.

use aws_lc_rs::signature::{
    self, ED25519_PUBLIC_KEY_LEN, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents,
    VerificationAlgorithm,
};

use crate::rsa::RsaPublic;
use crate::{Alg, Error, base64};

/// A public key whose numbers were checked: a point on its curve, a modulus of sound size and shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PublicKey {
    /// The coordinates of a point on P-256.
    P256 { x: [u8; 32], y: [u8; 32] },
    /// The canonical encoding of an edwards25519 point, never of small order. Whether it lies on the curve shows when a
    /// signature is checked: under one that does not, none verifies.
    Ed25519 { x: [u8; 32] },
    /// An RSA key.
    Rsa(RsaPublic),
}

impl PublicKey {
    pub(crate) fn p256(x: [u8; 32], y: [u8; 32]) -> Result<Self, Error> {
        let key = Self::P256 { x, y };
        key.parsed(Alg::Es256)?;
        Ok(key)
    }

    /// The point from its uncompressed form (SEC 1 section 2.3.3).
    pub(crate) fn p256_uncompressed(point: &[u8]) -> Result<Self, Error> {
        let [0x04, coordinates @ ..] = point else { return Err(Error::MalformedKey) };
        let (x, y) = coordinates.split_at_checked(32).ok_or(Error::MalformedKey)?;
        let coordinate = |bytes: &[u8]| bytes.try_into().map_err(|_| Error::MalformedKey);
        Self::p256(coordinate(x)?, coordinate(y)?)
    }

    pub(crate) fn ed25519(x: [u8; 32]) -> Result<Self, Error> {
        if !is_canonical(&x) {
            return Err(Error::MalformedKey);
        }
        if is_small_order(&x) {
            return Err(Error::WeakKey);
        }
        let key = Self::Ed25519 { x };
        key.parsed(Alg::EdDsa)?;
        Ok(key)
    }

    pub(crate) fn rsa(key: RsaPublic) -> Result<Self, Error> {
        let key = Self::Rsa(key);
        key.parsed(Alg::Rs256)?;
        Ok(key)
    }

    /// The library's form of the key, bound to one algorithm (invariant I8).
    pub(crate) fn parsed(&self, alg: Alg) -> Result<ParsedPublicKey, Error> {
        static PKCS1: RsaParameters = signature::RSA_PKCS1_2048_8192_SHA256;
        static PSS: RsaParameters = signature::RSA_PSS_2048_8192_SHA256;
        let parse = |algorithm: &'static dyn VerificationAlgorithm, bytes: &[u8]| {
            ParsedPublicKey::new(algorithm, bytes).map_err(|_| Error::MalformedKey)
        };
        match (self, alg) {
            (Self::P256 { x, y }, Alg::Es256) => {
                parse(&signature::ECDSA_P256_SHA256_FIXED, &[&[0x04], x.as_slice(), y.as_slice()].concat())
            }
            (Self::Ed25519 { x }, Alg::EdDsa) => parse(&signature::ED25519, x),
            (Self::Rsa(RsaPublic { n, e }), Alg::Rs256 | Alg::Ps256) => RsaPublicKeyComponents { n, e }
                .to_parsed_public_key(if alg == Alg::Rs256 { &PKCS1 } else { &PSS })
                .map_err(|_| Error::MalformedKey),
            _ => Err(Error::MalformedKey),
        }
    }

    /// The members that RFC 7638 section 3.2 hashes, in its order.
    pub(crate) fn members(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::P256 { x, y } => vec![
                ("crv", "P-256".to_owned()),
                ("kty", "EC".to_owned()),
                ("x", base64::encode(x)),
                ("y", base64::encode(y)),
            ],
            Self::Ed25519 { x } => {
                vec![("crv", "Ed25519".to_owned()), ("kty", "OKP".to_owned()), ("x", base64::encode(x))]
            }
            Self::Rsa(RsaPublic { n, e }) => {
                vec![("e", base64::encode(e)), ("kty", "RSA".to_owned()), ("n", base64::encode(n))]
            }
        }
    }
}

/// 2^255 - 19, little-endian.
const P: [u8; 32] = {
    let mut p = [0xff; 32];
    p[0] = 0xed;
    p[31] = 0x7f;
    p
};

/// The y coordinates of the eight points of small order, little-endian: 0, 1, -1 and the two of order eight.
const SMALL_ORDER: [[u8; 32]; 5] = {
    let zero = [0; 32];
    let mut one = zero;
    one[0] = 1;
    let mut minus_one = P;
    minus_one[0] = 0xec;
    [zero, one, minus_one, ORDER_EIGHT.0, ORDER_EIGHT.1]
};

const ORDER_EIGHT: ([u8; 32], [u8; 32]) = (
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
        0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
        0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
);

/// The encoding without the sign of x.
fn y_of(point: &[u8; ED25519_PUBLIC_KEY_LEN]) -> [u8; 32] {
    let mut y = *point;
    y[31] &= 0x7f;
    y
}

/// Whether y is below the prime; a larger one is a second encoding of a small one (attack JWT-27).
fn is_canonical(point: &[u8; 32]) -> bool {
    y_of(point).iter().rev().lt(P.iter().rev())
}

/// Whether an edwards25519 point has an order of at most eight. Under such a key anybody can sign; such an `R` no
/// honest signer makes (attack JWT-27).
pub(crate) fn is_small_order(point: &[u8; 32]) -> bool {
    SMALL_ORDER.contains(&y_of(point))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jwt_27_points_of_small_order_are_no_keys() {
        for y in SMALL_ORDER {
            for sign in [0, 0x80] {
                let mut point = y;
                point[31] |= sign;
                assert_eq!(PublicKey::ed25519(point), Err(Error::WeakKey), "{point:02x?}");
            }
        }
    }

    #[test]
    fn jwt_27_a_second_encoding_of_a_point_is_no_key() {
        for low in 0xed..=0xff {
            let mut point = P;
            point[0] = low;
            assert_eq!(PublicKey::ed25519(point), Err(Error::MalformedKey), "{low:x}");
            point[31] |= 0x80;
            assert_eq!(PublicKey::ed25519(point), Err(Error::MalformedKey), "{low:x}");
        }
    }

    #[test]
    fn a_point_off_its_curve_is_no_key() {
        assert_eq!(PublicKey::p256([1; 32], [1; 32]), Err(Error::MalformedKey));
        assert_eq!(PublicKey::p256([0; 32], [0; 32]), Err(Error::MalformedKey));
        assert_eq!(PublicKey::p256_uncompressed(&[0]), Err(Error::MalformedKey), "the point at infinity");
    }
}
