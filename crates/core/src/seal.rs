//! Sealing: what must be read again but never lie in the database in clear (private keys, mails with links).
//!
//! AES-256-GCM under a key derived from the master key (HKDF-SHA-256, one key a purpose), a random 96-bit nonce before
//! the ciphertext, and the place where the value lies as associated data, so that a sealed value moved to another row
//! does not open.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::secret::MacKey;
use crate::{Random, random};

/// The deployment's one secret outside the database: 32 bytes or more from `server.master_key_file`.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct MasterKey(Vec<u8>);

/// What a derived key is for: keys of different purposes are unrelated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Private signing keys.
    SigningKeys,
    /// The keys of refresh tokens.
    RefreshKeys,
    /// The outbox: mails hold links that open doors.
    Outbox,
    /// Codes of six digits, too short for a plain hash.
    Codes,
    /// Codes that people type for a device, likewise.
    UserCodes,
    /// Secrets of clients that are the key of a MAC.
    ClientSecrets,
    /// Nonces of `DPoP` proofs.
    Nonces,
    /// The names that clients know sessions by.
    SessionNames,
    /// Cookies of known devices.
    Devices,
    /// Where throttling counts what.
    Throttles,
    /// The names that pairwise clients know accounts by.
    Subjects,
    /// Authorization requests that wait for a person.
    Requests,
    /// The names of those that are too long for a URL.
    RequestNames,
    /// Invitations to register a client.
    Invitations,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::SigningKeys => b"countersign/v1/signing-keys",
            Self::RefreshKeys => b"countersign/v1/refresh-keys",
            Self::Outbox => b"countersign/v1/outbox",
            Self::Codes => b"countersign/v1/codes",
            Self::UserCodes => b"countersign/v1/user-codes",
            Self::ClientSecrets => b"countersign/v1/client-secrets",
            Self::Nonces => b"countersign/v1/nonces",
            Self::SessionNames => b"countersign/v1/session-names",
            Self::Devices => b"countersign/v1/devices",
            Self::Throttles => b"countersign/v1/throttles",
            Self::Subjects => b"countersign/v1/subjects",
            Self::Requests => b"countersign/v1/requests",
            Self::RequestNames => b"countersign/v1/request-names",
            Self::Invitations => b"countersign/v1/invitations",
        }
    }
}

/// The master key is too short or plainly no random value (attack ADM-17).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakKey {
    /// Under 32 bytes.
    #[error("the master key has fewer than 32 bytes")]
    Short,
    /// A text of few characters, few different bytes, or one part again and again: a placeholder, not a key.
    #[error("the master key repeats itself: it must be random")]
    Repetitive,
}

impl MasterKey {
    /// Checks and takes the bytes of the key file.
    pub fn new(bytes: Vec<u8>) -> Result<Self, WeakKey> {
        let key = Self(bytes);
        if key.0.len() < 32 {
            return Err(WeakKey::Short);
        }
        let enough = if key.0.is_ascii() { 12 } else { 8 };
        if key.different_bytes() < enough || key.is_periodic() {
            return Err(WeakKey::Repetitive);
        }
        Ok(key)
    }

    fn different_bytes(&self) -> usize {
        let mut seen = [false; 256];
        self.0.iter().for_each(|byte| seen[usize::from(*byte)] = true);
        seen.iter().filter(|seen| **seen).count()
    }

    /// Whether some beginning of it, at most half as long, repeats to the end.
    fn is_periodic(&self) -> bool {
        let repeats = |period: usize| self.0.iter().zip(&self.0[period..]).all(|(one, other)| one == other);
        (1..=self.0.len() / 2).any(repeats)
    }

    fn derive(&self, purpose: Purpose) -> Zeroizing<[u8; 32]> {
        struct Len32;
        impl hkdf::KeyType for Len32 {
            fn len(&self) -> usize {
                32
            }
        }
        let mut key = Zeroizing::new([0; 32]);
        let info = [purpose.label()];
        let pseudorandom = hkdf::Salt::new(hkdf::HKDF_SHA256, b"countersign").extract(&self.0);
        // invariant: HKDF fails only for more than 255 hash lengths of output, and 32 bytes are one.
        #[expect(clippy::expect_used, reason = "cannot fail for 32 bytes, see above")]
        pseudorandom.expand(&info, Len32).and_then(|okm| okm.fill(&mut *key)).expect("HKDF gives 32 bytes");
        key
    }

    /// The sealer for one purpose.
    ///
    /// # Panics
    /// Never: the derived key has the length that the cipher takes.
    pub fn sealer(&self, purpose: Purpose) -> Sealer {
        // invariant: the key has the 32 bytes that AES-256 takes.
        #[expect(clippy::expect_used, reason = "cannot fail for 32 bytes, see above")]
        let key = UnboundKey::new(&AES_256_GCM, &*self.derive(purpose)).expect("AES-256 takes 32 bytes");
        Sealer(LessSafeKey::new(key))
    }

    /// The key for codes of one purpose.
    pub fn mac_key(&self, purpose: Purpose) -> MacKey {
        MacKey::new(&self.derive(purpose))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// Seals and opens values of one purpose.
pub struct Sealer(LessSafeKey);

/// The value was sealed by another key, for another place, or was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value does not open: another master key, or the value was changed")]
pub struct BrokenSeal;

impl Sealer {
    /// Seals `plain` for the place `place` (an id): 12 bytes of nonce, the ciphertext, 16 bytes of tag.
    ///
    /// # Panics
    /// Never for what fits in memory: the cipher refuses only messages of 64 GiB and more.
    pub fn seal(&self, plain: &[u8], place: &[u8], random: &dyn Random) -> Vec<u8> {
        let nonce: [u8; NONCE_LEN] = random::bytes(random);
        let mut sealed = plain.to_vec();
        // invariant: AES-GCM refuses only messages of 64 GiB and more.
        #[expect(clippy::expect_used, reason = "cannot fail for what fits in memory, see above")]
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place), &mut sealed)
            .expect("the message is short");
        [&nonce[..], &sealed].concat()
    }

    /// Opens what [`seal`](Self::seal) made for the same place.
    pub fn open(&self, sealed: &[u8], place: &[u8]) -> Result<Zeroizing<Vec<u8>>, BrokenSeal> {
        let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(BrokenSeal)?;
        let mut plain = Zeroizing::new(body.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let len = self.0.open_in_place(nonce, Aad::from(place), &mut plain).map_err(|_| BrokenSeal)?.len();
        plain.truncate(len);
        Ok(plain)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Counter;

    fn master(start: u8) -> MasterKey {
        MasterKey::new((start..start + 32).collect()).unwrap()
    }

    #[test]
    fn a_sealed_value_opens_only_in_its_place_under_its_key_and_purpose() {
        let outbox = master(1).sealer(Purpose::Outbox);
        let sealed = outbox.seal(b"link", b"job_1", &Counter::new(3));
        assert_eq!(outbox.open(&sealed, b"job_1").unwrap().as_slice(), b"link");
        assert_eq!(outbox.open(&sealed, b"job_2"), Err(BrokenSeal));
        assert_eq!(master(2).sealer(Purpose::Outbox).open(&sealed, b"job_1"), Err(BrokenSeal));
        assert_eq!(master(1).sealer(Purpose::SigningKeys).open(&sealed, b"job_1"), Err(BrokenSeal));
        assert_eq!(outbox.open(&sealed[..11], b"job_1"), Err(BrokenSeal));
        let mut changed = sealed.clone();
        changed[14] ^= 1;
        assert_eq!(outbox.open(&changed, b"job_1"), Err(BrokenSeal));
        assert!(!sealed.windows(4).any(|part| part == b"link"));
    }

    #[test]
    fn adm_17_weak_master_keys_are_refused() {
        assert_eq!(MasterKey::new(vec![1; 31]).err(), Some(WeakKey::Short));
        assert_eq!(MasterKey::new(vec![0; 64]).err(), Some(WeakKey::Repetitive));
        let placeholders = [
            "changemechangemechangemechangeme",
            "changemechangemechangemechangeme12",
            "0123456789abcdef0123456789abcdef",
        ];
        for text in placeholders {
            assert_eq!(MasterKey::new(text.into()).err(), Some(WeakKey::Repetitive), "{text}");
        }
        let hex = "b7d0f5a2c94e81361f0ac3d97e52b648b7d0f5a2c94e81361f0ac3d97e52b649";
        assert!(MasterKey::new(hex.into()).is_ok());
    }
}
