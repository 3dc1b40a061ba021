//! Stored hashes: `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`, the PHC string format.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use countersign_core::credential::Password;
use subtle::ConstantTimeEq as _;

use super::memory::Memory;
use super::params::Params;

/// RFC 9106 section 3.1.
pub(super) const SALT_LEN: usize = 16;
const HASH_LEN: usize = 32;

/// A hash with what it takes to compute it again. No Debug: it is worth stealing.
pub(crate) struct Phc {
    params: Params,
    /// 8 to 64 bytes.
    salt: Vec<u8>,
    /// 16 to 64 bytes.
    hash: Vec<u8>,
}

impl Phc {
    /// Hashes a password.
    pub(super) fn of(password: &Password, params: Params, salt: [u8; SALT_LEN], memory: &mut Memory) -> Self {
        let mut hash = vec![0; HASH_LEN];
        params.derive(password.as_bytes(), &salt, &mut hash, memory);
        Self { params, salt: salt.to_vec(), hash }
    }

    /// What nothing fits; it costs what a stored hash costs.
    pub(super) fn dummy(params: Params) -> Self {
        Self { params, salt: vec![0; SALT_LEN], hash: vec![0; HASH_LEN] }
    }

    /// Reads the one spelling of a hash; its parameters are within bounds before anything is allocated for them.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("$argon2id$v=19$")?.split('$');
        let params = parse_params(parts.next()?)?;
        let salt = STANDARD_NO_PAD.decode(parts.next()?).ok()?;
        let hash = STANDARD_NO_PAD.decode(parts.next()?).ok()?;
        let sound =
            parts.next().is_none() && (8..=64).contains(&salt.len()) && (16..=64).contains(&hash.len());
        sound.then_some(Self { params, salt, hash })
    }

    /// Whether the password is the one that was hashed.
    pub(super) fn fits(&self, password: &Password, memory: &mut Memory) -> bool {
        let mut hash = vec![0; self.hash.len()];
        self.params.derive(password.as_bytes(), &self.salt, &mut hash, memory);
        hash.ct_eq(&self.hash).into()
    }

    /// What it costs to compute it again.
    pub(super) const fn params(&self) -> Params {
        self.params
    }

    /// Whether it would be made like this today.
    pub(super) fn is_made_with(&self, params: Params) -> bool {
        self.params == params && self.salt.len() == SALT_LEN && self.hash.len() == HASH_LEN
    }
}

impl fmt::Display for Phc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { params, salt, hash } = self;
        let (memory, iterations, lanes) = (params.memory_kib(), params.iterations(), params.parallelism());
        let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
        write!(f, "$argon2id$v=19$m={memory},t={iterations},p={lanes}${salt}${hash}")
    }
}

fn parse_params(text: &str) -> Option<Params> {
    let mut parts = text.split(',');
    let mut number = |name| parse_number(parts.next()?.strip_prefix(name)?);
    let (memory, iterations, parallelism) = (number("m=")?, number("t=")?, number("p=")?);
    if parts.next().is_some() {
        return None;
    }
    Params::new(memory, iterations, parallelism).ok()
}

/// A number in its one spelling: no sign, no leading zero.
fn parse_number(digits: &str) -> Option<u32> {
    digits.parse().ok().filter(|number: &u32| number.to_string() == digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: &str = "AAECAwQFBgcICQoLDA0ODw";
    const HASH: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    #[test]
    fn a_hash_has_exactly_one_text() {
        let good = format!("$argon2id$v=19$m=19456,t=2,p=1${SALT}${HASH}");
        assert_eq!(Phc::parse(&good).map(|phc| phc.to_string()), Some(good.clone()));
        let table = [
            ("argon2id", "argon2i"),
            ("argon2id", "argon2d"),
            ("argon2id", "bcrypt"),
            ("v=19", "v=16"),
            ("$v=19", ""),
            ("m=19456", "m=019456"),
            ("m=19456", "m=+19456"),
            ("m=19456", "m=4294967295"),
            ("m=19456", "m=19456000000000"),
            ("m=19456", "m=262145"),
            ("m=19456", "m=0"),
            ("t=2", "t=21"),
            ("t=2", "t=0"),
            ("t=2", "t=4294967295"),
            ("p=1", "p=9"),
            ("p=1", "p=0"),
            ("p=1", "p=1,keyid=AA"),
            ("m=19456,t=2", "t=2,m=19456"),
            (SALT, "AAECAwQFBg"),
            (SALT, "AAECAwQFBgcICQoLDA0ODw=="),
            (SALT, "AAECAwQFBgcICQoLDA0ODx"),
            (SALT, "AAECAwQFBgcICQoLDA0OD-"),
            (HASH, ""),
            (HASH, "AAECAwQFBgc"),
            (HASH, &format!("{HASH}$")),
            (HASH, &format!("{HASH}\n")),
        ];
        for (part, bad) in table {
            let text = good.replace(part, bad);
            assert!(text != good && Phc::parse(&text).is_none(), "{text}");
        }
        assert!(Phc::parse("").is_none());
        assert!(Phc::parse(&good.replace(SALT, &"A".repeat(88))).is_none());
    }

    #[test]
    fn the_hash_is_argon2id_version_19() {
        // Made by the reference implementation:
        // echo -n password | argon2 somesalt -id -t 2 -k 65536 -p 1 -e
        let text = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let phc = Phc::parse(text).unwrap();
        let mut memory = Memory::default();
        assert!(phc.fits(&Password::parse("password").unwrap(), &mut memory));
        // The memory still holds the last one: that must not matter.
        assert!(phc.fits(&Password::parse("password").unwrap(), &mut memory));
        assert!(!phc.fits(&Password::parse("passwore").unwrap(), &mut memory));
    }
}
