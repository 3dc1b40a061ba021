//! Typed ids: `acc_…`, `ses_…`: a prefix for the kind and 26 characters of Crockford base 32 over a UUID version 7
//! (RFC 9562), so that ids sort by the time they were made. An id has exactly one text, and the wrong prefix is refused.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use crate::{Random, Time};

/// What an id names; its only use is to keep ids of different kinds apart.
pub trait Kind {
    /// The text before the underscore, such as `acc`.
    const PREFIX: &'static str;
}

/// An id of kind `K`: 16 bytes, ordered by the time of making.
pub struct Id<K> {
    bytes: [u8; 16],
    kind: PhantomData<fn() -> K>,
}

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const TEXT_LEN: usize = 26;

impl<K: Kind> Id<K> {
    /// A new id, made at `now`.
    pub fn new(now: Time, random: &dyn Random) -> Self {
        let mut tail = [0; 10];
        random.fill(&mut tail);
        let millis = u64::try_from(now.micros() / 1000).unwrap_or(0);
        Self::from_bytes(uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid().into_bytes())
    }

    /// The id that the store keeps as these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self { bytes, kind: PhantomData }
    }

    /// What the store keeps.
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.bytes
    }

    /// Reads the text form. Refused: another prefix, another length, upper case, a letter outside the alphabet.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let digits = text.strip_prefix(K::PREFIX).and_then(|rest| rest.strip_prefix('_')).ok_or(InvalidId)?;
        if digits.len() != TEXT_LEN {
            return Err(InvalidId);
        }
        let mut value: u128 = 0;
        for (place, digit) in digits.bytes().enumerate() {
            let digit = ALPHABET.iter().position(|letter| *letter == digit).ok_or(InvalidId)?;
            // 26 digits hold 130 bits: the first may only carry three, else two texts would name one id.
            if place == 0 && digit > 7 {
                return Err(InvalidId);
            }
            value = (value << 5) | digit as u128;
        }
        Ok(Self::from_bytes(value.to_be_bytes()))
    }
}

impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = u128::from_be_bytes(self.bytes);
        let mut digits = [0; TEXT_LEN];
        for (place, digit) in digits.iter_mut().enumerate() {
            let shift = 5 * (TEXT_LEN - 1 - place);
            *digit = ALPHABET[usize::try_from((value >> shift) & 31).unwrap_or(0)];
        }
        f.write_str(K::PREFIX)?;
        f.write_str("_")?;
        f.write_str(std::str::from_utf8(&digits).unwrap_or_default())
    }
}

impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K: Kind> FromStr for Id<K> {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::parse(text)
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes.cmp(&other.bytes)
    }
}
impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

/// The text is not an id of the kind asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id of this kind")]
pub struct InvalidId;

/// The kinds of ids.
pub mod kind {
    use super::Kind;

    /// A person or service that can log in.
    #[derive(Debug)]
    pub enum Account {}
    impl Kind for Account {
        const PREFIX: &'static str = "acc";
    }

    /// One way of an account to prove itself.
    #[derive(Debug)]
    pub enum Credential {}
    impl Kind for Credential {
        const PREFIX: &'static str = "crd";
    }

    /// One login on one device.
    #[derive(Debug)]
    pub enum Session {}
    impl Kind for Session {
        const PREFIX: &'static str = "ses";
    }

    /// What an account let a client do.
    #[derive(Debug)]
    pub enum Grant {}
    impl Kind for Grant {
        const PREFIX: &'static str = "grt";
    }

    /// A registration that waits for its mail to be answered.
    #[derive(Debug)]
    pub enum Pending {}
    impl Kind for Pending {
        const PREFIX: &'static str = "pen";
    }

    /// A password reset that was mailed.
    #[derive(Debug)]
    pub enum Reset {}
    impl Kind for Reset {
        const PREFIX: &'static str = "rst";
    }

    /// A login in progress.
    #[derive(Debug)]
    pub enum Login {}
    impl Kind for Login {
        const PREFIX: &'static str = "lgn";
    }

    /// An audit event.
    #[derive(Debug)]
    pub enum Audit {}
    impl Kind for Audit {
        const PREFIX: &'static str = "evt";
    }

    /// A row of the outbox.
    #[derive(Debug)]
    pub enum Job {}
    impl Kind for Job {
        const PREFIX: &'static str = "job";
    }

    /// One HTTP request.
    #[derive(Debug)]
    pub enum Request {}
    impl Kind for Request {
        const PREFIX: &'static str = "req";
    }
}

/// `acc_…`
pub type AccountId = Id<kind::Account>;
/// `crd_…`
pub type CredentialId = Id<kind::Credential>;
/// `ses_…`
pub type SessionId = Id<kind::Session>;
/// `grt_…`
pub type GrantId = Id<kind::Grant>;
/// `pen_…`
pub type PendingId = Id<kind::Pending>;
/// `rst_…`
pub type ResetId = Id<kind::Reset>;
/// `lgn_…`
pub type LoginId = Id<kind::Login>;
/// `evt_…`
pub type AuditId = Id<kind::Audit>;
/// `job_…`
pub type JobId = Id<kind::Job>;
/// `req_…`
pub type RequestId = Id<kind::Request>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Counter;
    use proptest::prelude::*;

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let account = AccountId::new(Time::from_micros(1_700_000_000_000_000), &Counter::new(1));
        assert_eq!(AccountId::parse(&account.to_string()), Ok(account));
        assert_eq!(SessionId::parse(&account.to_string()), Err(InvalidId));
    }

    #[test]
    fn ids_sort_by_the_time_they_were_made() {
        let random = Counter::new(7);
        let earlier = SessionId::new(Time::from_micros(1_700_000_000_000_000), &random);
        let later = SessionId::new(Time::from_micros(1_700_000_000_001_000), &random);
        assert!(earlier < later);
        assert!(earlier.to_string() < later.to_string());
    }

    #[test]
    fn malformed_texts_are_refused() {
        for text in
            ["", "acc_", "acc", "acc_0", "acc_8zzzzzzzzzzzzzzzzzzzzzzzzz", "ACC_00000000000000000000000000"]
        {
            assert_eq!(AccountId::parse(text), Err(InvalidId), "{text}");
        }
        assert_eq!(AccountId::parse("acc_0000000000000000000000000I"), Err(InvalidId));
        assert_eq!(AccountId::parse("acc_00000000000000000000000000 "), Err(InvalidId));
    }

    proptest! {
        #[test]
        fn every_id_has_exactly_one_text(bytes: [u8; 16]) {
            let id = AccountId::from_bytes(bytes);
            prop_assert_eq!(AccountId::parse(&id.to_string()), Ok(id));
            prop_assert_eq!(id.to_string().len(), 30);
        }
    }
}
