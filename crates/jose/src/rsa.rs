//! RSA public keys: which are trusted at all, and the two numbers inside the library's encoding of one.

use crate::Error;

/// The smallest modulus (RFC 7518 section 3.3).
const MIN_BITS: usize = 2048;

/// The largest modulus: a verification stays well under a millisecond (attack JWT-28).
const MAX_BITS: usize = 8192;

/// The longest public exponent, in bytes: 65537 is what everybody uses, and a long one only costs time.
const MAX_EXPONENT: usize = 4;

/// A modulus and an exponent that were checked, big-endian without leading zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RsaPublic {
    pub(crate) n: Vec<u8>,
    pub(crate) e: Vec<u8>,
}

impl RsaPublic {
    /// Refuses what is not the one encoding of two odd numbers, and every key that is too weak or too costly.
    pub(crate) fn new(n: Vec<u8>, e: Vec<u8>) -> Result<Self, Error> {
        let canonical = |bytes: &[u8]| bytes.first().is_some_and(|first| *first != 0);
        if !canonical(&n) || !canonical(&e) {
            return Err(Error::MalformedKey);
        }
        let odd = |bytes: &[u8]| bytes.last().is_some_and(|last| last % 2 == 1);
        let size_ok = n.len() <= MAX_BITS / 8 && (MIN_BITS..=MAX_BITS).contains(&bits(&n));
        let exponent_ok = odd(&e) && e != [1] && e.len() <= MAX_EXPONENT;
        if !size_ok || !odd(&n) || !exponent_ok || is_roca(&n) {
            return Err(Error::WeakKey);
        }
        Ok(Self { n, e })
    }

    /// Reads a DER `RSAPublicKey ::= SEQUENCE { INTEGER, INTEGER }` (RFC 8017 appendix A.1.1).
    pub(crate) fn from_der(der: &[u8]) -> Result<Self, Error> {
        let (sequence, rest) = element(der, 0x30)?;
        let (n, sequence) = element(sequence, 0x02)?;
        let (e, sequence) = element(sequence, 0x02)?;
        if !rest.is_empty() || !sequence.is_empty() {
            return Err(Error::MalformedKey);
        }
        Self::new(magnitude(n), magnitude(e))
    }
}

/// The length in bits of a number without leading zeros.
fn bits(number: &[u8]) -> usize {
    number.first().map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}

/// The bytes of a DER INTEGER without the zero that keeps it positive.
fn magnitude(integer: &[u8]) -> Vec<u8> {
    integer.strip_prefix(&[0]).unwrap_or(integer).to_vec()
}

/// Splits one DER element of `tag` off: its content, and what follows.
fn element(der: &[u8], tag: u8) -> Result<(&[u8], &[u8]), Error> {
    let [found, length, rest @ ..] = der else { return Err(Error::MalformedKey) };
    let (length, rest) = match length {
        0..=0x7f => (usize::from(*length), rest),
        0x81 | 0x82 => {
            let (octets, rest) =
                rest.split_at_checked(usize::from(length & 0x7f)).ok_or(Error::MalformedKey)?;
            (octets.iter().fold(0, |sum, octet| sum << 8 | usize::from(*octet)), rest)
        }
        _ => return Err(Error::MalformedKey),
    };
    if *found != tag {
        return Err(Error::MalformedKey);
    }
    rest.split_at_checked(length).ok_or(Error::MalformedKey)
}

/// The small primes on which the fingerprint of CVE-2017-15361 is taken.
const ROCA_PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103,
    107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// Whether a modulus was made by the broken generator of CVE-2017-15361 (ROCA): its primes are `k * M + 65537^a mod
/// M`, so modulo every small prime the modulus is a power of 65537. A sound modulus looks like that once in 2^27.
fn is_roca(n: &[u8]) -> bool {
    ROCA_PRIMES.iter().all(|prime| {
        let residue = n.iter().fold(0, |sum, byte| (sum * 256 + u32::from(*byte)) % prime);
        let mut power = 1;
        (0..*prime).any(|_| {
            power = power * (65537 % prime) % prime;
            power == residue
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const F4: [u8; 3] = [1, 0, 1];

    /// An odd number of `bits` bits that no generator made.
    fn modulus(bits: usize) -> Vec<u8> {
        let mut n = vec![0xa7; bits.div_ceil(8)];
        n[0] = if bits.is_multiple_of(8) { 0xc5 } else { 1 << (bits % 8 - 1) };
        *n.last_mut().unwrap() = 0x35;
        n
    }

    #[test]
    fn jwt_28_size_is_bounded_on_both_sides() {
        for (bits, expected) in
            [(512, false), (1024, false), (2047, false), (2048, true), (8192, true), (16384, false)]
        {
            assert_eq!(RsaPublic::new(modulus(bits), F4.to_vec()).is_ok(), expected, "{bits}");
        }
        assert_eq!(RsaPublic::new(modulus(8193), F4.to_vec()), Err(Error::WeakKey));
    }

    #[test]
    fn jwt_28_exponents_that_are_even_one_or_huge_are_refused() {
        for (e, expected) in [
            (vec![3], Ok(())),
            (vec![1, 0, 1], Ok(())),
            (vec![0xff; 4], Ok(())),
            (vec![1], Err(Error::WeakKey)),
            (vec![2], Err(Error::WeakKey)),
            (vec![1, 0, 0], Err(Error::WeakKey)),
            (vec![1, 0, 0, 0, 0, 0, 0, 0, 1], Err(Error::WeakKey)),
            (vec![], Err(Error::MalformedKey)),
            (vec![0, 1, 0, 1], Err(Error::MalformedKey)),
        ] {
            assert_eq!(RsaPublic::new(modulus(2048), e.clone()).map(|_| ()), expected, "{e:?}");
        }
    }

    #[test]
    fn jwt_28_an_even_modulus_or_a_leading_zero_is_refused() {
        let mut even = modulus(2048);
        *even.last_mut().unwrap() = 0x34;
        assert_eq!(RsaPublic::new(even, F4.to_vec()), Err(Error::WeakKey));
        let padded = [vec![0], modulus(2048)].concat();
        assert_eq!(RsaPublic::new(padded, F4.to_vec()), Err(Error::MalformedKey));
    }

    #[test]
    fn jwt_28_a_roca_modulus_is_recognised() {
        // 65537^11 + 2 * 3 * 5 * ... * 167 has the residues of the broken generator.
        let mut n = vec![0; 256];
        n[255] = 1;
        let mut product = n.clone();
        for _ in 0..11 {
            n = times(&n, 65537);
        }
        for prime in ROCA_PRIMES {
            product = times(&product, prime);
        }
        while product[0] < 0x80 {
            product = times(&product, 2);
        }
        let roca = plus(&n, &product);
        assert!(is_roca(&roca));
        assert_eq!(RsaPublic::new(roca, F4.to_vec()), Err(Error::WeakKey));
        assert!(!is_roca(&modulus(2048)));
    }

    fn times(number: &[u8], factor: u32) -> Vec<u8> {
        let mut carry = 0;
        let mut out: Vec<u8> = number
            .iter()
            .rev()
            .map(|byte| {
                carry += u64::from(*byte) * u64::from(factor);
                let low = carry.to_le_bytes()[0];
                carry >>= 8;
                low
            })
            .collect();
        assert_eq!(carry, 0);
        out.reverse();
        out
    }

    fn plus(left: &[u8], right: &[u8]) -> Vec<u8> {
        let mut carry = 0;
        let mut out: Vec<u8> = left
            .iter()
            .rev()
            .zip(right.iter().rev())
            .map(|(a, b)| {
                carry += u32::from(*a) + u32::from(*b);
                let low = carry.to_le_bytes()[0];
                carry >>= 8;
                low
            })
            .collect();
        out.reverse();
        out
    }

    #[test]
    fn der_that_is_cut_or_continued_is_refused() {
        let mut integers = vec![0x02, 0x82, 0x01, 0x01, 0x00];
        integers.extend(modulus(2048));
        integers.extend([0x02, 0x03, 1, 0, 1]);
        let length = u16::try_from(integers.len()).unwrap().to_be_bytes();
        let der = [vec![0x30, 0x82], length.to_vec(), integers].concat();
        assert_eq!(RsaPublic::from_der(&der).unwrap(), RsaPublic { n: modulus(2048), e: F4.to_vec() });
        for cut in 0..der.len() {
            assert_eq!(RsaPublic::from_der(&der[..cut]), Err(Error::MalformedKey), "{cut}");
        }
        assert_eq!(RsaPublic::from_der(&[der, vec![0]].concat()), Err(Error::MalformedKey));
    }
}
