//! The code for the person: `BCDF-GHJK`, eight of twenty consonants (RFC 8628 section 6.1): no vowels, so no words, and
//! nothing that looks like a digit. 34 random bits are enough for ten minutes only because guesses are counted (attack
//! OAU-55, RFC 8628 section 5.1).

use std::fmt;

use crate::Random;
use crate::random;
use crate::secret::{Hash, MacKey};

const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const LEN: usize = 8;

/// More than anybody types, with all the marks and spaces between.
const MAX_TYPED: usize = 64;

/// The code that a person types.
#[derive(Clone, PartialEq, Eq)]
pub struct UserCode([u8; LEN]);

impl UserCode {
    /// A new one, each of them as likely as any other.
    pub fn new(random: &dyn Random) -> Self {
        let mut code = [0; LEN];
        for place in &mut code {
            *place = letter(random);
        }
        Self(code)
    }

    /// Reads what was typed, in any case, with or without marks and spaces.
    pub fn parse(typed: &str) -> Option<Self> {
        if typed.len() > MAX_TYPED {
            return None;
        }
        let letters = typed.chars().filter(|char| char.is_alphanumeric());
        let letter = |char: char| u8::try_from(char.to_ascii_uppercase()).ok();
        let letters: Vec<u8> = letters.map(letter).collect::<Option<_>>()?;
        let code = <[u8; LEN]>::try_from(letters).ok()?;
        code.iter().all(|byte| ALPHABET.contains(byte)).then_some(Self(code))
    }

    /// As people are shown it: `BCDF-GHJK`.
    pub fn shown(&self) -> String {
        let part = |bytes: &[u8]| bytes.iter().copied().map(char::from).collect::<String>();
        let (one, other) = self.0.split_at(LEN / 2);
        format!("{}-{}", part(one), part(other))
    }

    /// What the store keeps and looks up: under a key, since so few could all be tried.
    pub fn hash(&self, key: &MacKey) -> Hash {
        Hash::from_bytes(key.sign(&self.0))
    }
}

impl fmt::Debug for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserCode(…)")
    }
}

/// A byte is one of 240 that fall evenly on twenty letters, or another one is asked for.
fn letter(random: &dyn Random) -> u8 {
    const EVEN: u8 = 240;
    loop {
        let [byte] = random::bytes::<1>(random);
        if byte < EVEN {
            return ALPHABET[usize::from(byte) % ALPHABET.len()];
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::random::Counter;

    /// Gives one byte after the other.
    struct Given(Mutex<std::vec::IntoIter<u8>>);

    impl Random for Given {
        fn fill(&self, dest: &mut [u8]) {
            dest.fill_with(|| self.0.lock().unwrap().next().unwrap());
        }
    }

    #[test]
    fn every_letter_is_as_likely_as_any_other() {
        let given = Given(Mutex::new((0..=255).rev().collect::<Vec<_>>().into_iter()));
        let mut counts = [0; 20];
        for _ in 0..30 {
            for byte in UserCode::new(&given).0 {
                counts[ALPHABET.iter().position(|known| *known == byte).unwrap()] += 1;
            }
        }
        assert_eq!(counts, [12; 20]);
    }

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code = UserCode::new(&Counter::new(1));
        let shown = code.shown();
        assert_eq!((shown.len(), shown.as_bytes()[4]), (9, b'-'));
        assert_eq!(format!("{code:?}"), "UserCode(…)");
        let typed = [
            shown.clone(),
            shown.to_lowercase(),
            shown.replace('-', ""),
            shown.replace('-', " \u{2013} "),
            shown.split("").collect::<Vec<_>>().join(" "),
        ];
        for typed in &typed {
            assert_eq!(UserCode::parse(typed), Some(code.clone()), "{typed}");
        }
        for bad in [
            "",
            "BCDF-GHJ",
            "BCDF-GHJKL",
            "ACDF-GHJK",
            "BCDF-GHJ1",
            "BCDF-GHJ가",
            "ＢCDF-GHJK",
            &"-".repeat(65),
        ] {
            assert_eq!(UserCode::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_kept_of_a_code_takes_the_key_to_compute() {
        let code = UserCode::new(&Counter::new(1));
        let (one, other) = (MacKey::new(&[1; 32]), MacKey::new(&[2; 32]));
        assert_eq!(code.hash(&one), UserCode::parse(&code.shown()).unwrap().hash(&one));
        assert_ne!(code.hash(&one), code.hash(&other));
    }
}
