//! The cookie of a known device: this browser logged in to these accounts.
//!
//! Nothing is stored for it and it proves nothing: it makes a caller familiar to throttling. It holds a random id of the
//! device and, for each of the last few accounts, a code under a key of this deployment over the id, the account, its
//! version, the epoch and the day. So it names no account, a login of one account is worth nothing for another, nobody
//! makes one up, and whatever ends an account's sessions (a new password, an epoch) makes its devices strangers: whoever
//! knew the password before does not guess the next one from a drawer of them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

use crate::account::Version;
use crate::revocation::Epoch;
use crate::secret::MacKey;
use crate::{AccountId, Random, Span, Time, random};

/// Accounts that a device is known to at once; one more takes the place of the one that was used longest ago.
pub const ACCOUNTS: usize = 4;

/// A login counts so long, and so long browsers keep the cookie.
pub const LIFE: Span = Span::days(400);

const VERSION: u8 = 1;
const TAG_LEN: usize = 16;
const LOGIN_LEN: usize = 2 + TAG_LEN;

/// Names a device to itself: random, and no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceId([u8; 16]);

impl DeviceId {
    /// From its bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// What a device is known to: an account as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Whose.
    pub account: AccountId,
    /// Another one since its password was changed.
    pub version: Version,
    /// What was known before it is forgotten.
    pub epoch: Epoch,
}

/// What a browser says of the logins that it made. Nothing in it counts before [`KnownDevice::known_to`] has looked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownDevice {
    id: DeviceId,
    /// The latest first.
    logins: Vec<Login>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Login {
    day: u16,
    tag: [u8; TAG_LEN],
}

impl KnownDevice {
    /// Reads the cookie.
    pub fn parse(text: &str) -> Option<Self> {
        const MOST: usize = 1 + 16 + ACCOUNTS * LOGIN_LEN;
        if text.len() > MOST.div_ceil(3) * 4 {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (version, rest) = bytes.split_first()?;
        let (id, rest) = rest.split_first_chunk::<16>()?;
        let logins = rest.chunks(LOGIN_LEN).map(Login::read).collect::<Option<Vec<_>>>()?;
        (*version == VERSION && logins.len() <= ACCOUNTS).then_some(Self { id: DeviceId(*id), logins })
    }

    /// The cookie's text.
    pub fn encode(&self) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend(self.id.0);
        for login in &self.logins {
            bytes.extend(login.day.to_be_bytes());
            bytes.extend(login.tag);
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The device, if it logged in to this account as it is now, within the last [`LIFE`].
    pub fn known_to(&self, account: &Standing, now: Time, key: &MacKey) -> Option<DeviceId> {
        let known = self.logins.iter().any(|login| login.counts(now) && login.is_of(self.id, account, key));
        known.then_some(self.id)
    }

    /// The device after a login: the one that this browser was, or a new one.
    #[must_use]
    pub fn after_login(
        before: Option<&Self>,
        account: &Standing,
        (now, random): (Time, &dyn Random),
        key: &MacKey,
    ) -> Self {
        let (id, logins) = match before {
            Some(before) => (before.id, before.logins.as_slice()),
            None => (DeviceId(random::bytes(random)), &[][..]),
        };
        let others = logins.iter().filter(|login| login.counts(now) && !login.is_of(id, account, key));
        let latest = Login { day: day(now), tag: tag(id, account, day(now), key) };
        Self { id, logins: [latest].into_iter().chain(others.copied()).take(ACCOUNTS).collect() }
    }
}

impl Login {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (day, tag) = bytes.split_first_chunk::<2>()?;
        Some(Self { day: u16::from_be_bytes(*day), tag: tag.try_into().ok()? })
    }

    fn is_of(&self, device: DeviceId, account: &Standing, key: &MacKey) -> bool {
        tag(device, account, self.day, key).ct_eq(&self.tag).into()
    }

    /// From the day of the login on, by clocks that disagree on when it ended: what was made while the clock was ahead does
    /// not count before.
    fn counts(&self, now: Time) -> bool {
        let age = now.seconds().div_euclid(DAY).saturating_sub(i64::from(self.day));
        (-1..=LIFE.as_seconds() / DAY).contains(&age)
    }
}

const DAY: i64 = 24 * 60 * 60;

/// Days since 1970.
fn day(now: Time) -> u16 {
    u16::try_from(now.seconds().div_euclid(DAY)).unwrap_or(0)
}

fn tag(device: DeviceId, standing: &Standing, day: u16, key: &MacKey) -> [u8; TAG_LEN] {
    let Standing { account, version, epoch } = standing;
    let (version, epoch) = (version.0.to_be_bytes(), epoch.not_before().micros().to_be_bytes());
    let code =
        key.sign(&[&device.0[..], &account.bytes()[..], &version, &epoch, &day.to_be_bytes()].concat());
    let mut tag = [0; TAG_LEN];
    tag.copy_from_slice(&code[..TAG_LEN]);
    tag
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Counter;
    use proptest::prelude::*;

    const NOW: Time = Time::from_micros(1_795_510_800_000_000);

    fn key() -> MacKey {
        MacKey::new(&[7; 32])
    }

    fn account(number: u8) -> Standing {
        let (version, epoch) = (Version(1), Epoch::BEGINNING);
        Standing { account: AccountId::from_bytes([number; 16]), version, epoch }
    }

    fn after(before: Option<&KnownDevice>, number: u8) -> KnownDevice {
        KnownDevice::after_login(before, &account(number), (NOW, &Counter::new(1)), &key())
    }

    fn known(device: &KnownDevice, number: u8) -> bool {
        device.known_to(&account(number), NOW, &key()).is_some()
    }

    #[test]
    fn log_15_a_device_is_known_to_the_accounts_that_logged_in_there_and_to_no_other() {
        let device = after(None, 1);
        assert!(known(&device, 1));
        assert!(!known(&device, 2));
        assert_eq!(device.known_to(&account(1), NOW, &MacKey::new(&[8; 32])), None);
        let both = after(Some(&device), 2);
        assert!(known(&both, 1) && known(&both, 2));
        assert_eq!(both.known_to(&account(1), NOW, &key()), device.known_to(&account(1), NOW, &key()));
        // The codes of one device are worth nothing with the id of another.
        let moved = KnownDevice { id: DeviceId([9; 16]), ..device };
        assert!(!known(&moved, 1));
    }

    #[test]
    fn log_15_a_new_password_and_an_epoch_make_every_device_a_stranger() {
        let device = after(None, 1);
        let known = |standing: Standing| device.known_to(&standing, NOW, &key()).is_some();
        assert!(known(account(1)));
        assert!(!known(Standing { version: Version(2), ..account(1) }));
        assert!(!known(Standing { version: Version(0), ..account(1) }));
        assert!(!known(Standing { epoch: Epoch::from_time(NOW), ..account(1) }));
    }

    #[test]
    fn log_15_a_login_of_a_day_that_has_not_come_does_not_count() {
        let device = after(None, 1);
        let known = |at| device.known_to(&account(1), at, &key()).is_some();
        assert!(known(NOW - Span::days(1)), "clocks disagree about midnight");
        assert!(!known(NOW - Span::days(2)));
        assert!(!known(NOW - Span::days(4000)));
    }

    #[test]
    fn the_last_four_accounts_are_kept_and_each_once() {
        let device = (1..=5).fold(None, |before, number| Some(after(before.as_ref(), number))).unwrap();
        let table = [(1, false), (2, true), (3, true), (4, true), (5, true)];
        for (number, is) in table {
            assert_eq!(known(&device, number), is, "{number}");
        }
        let again = after(Some(&after(Some(&device), 5)), 2);
        assert_eq!(again.logins.len(), ACCOUNTS);
        assert!(known(&again, 3));
    }

    #[test]
    fn a_login_counts_for_400_days_by_the_servers_clock() {
        let device = after(None, 1);
        let known = |at| device.known_to(&account(1), at, &key()).is_some();
        assert!(known(NOW + LIFE));
        assert!(!known(NOW + LIFE + Span::days(1)));
        let later = KnownDevice::after_login(
            Some(&device),
            &account(2),
            (NOW + LIFE + Span::days(1), &Counter::new(1)),
            &key(),
        );
        assert_eq!(later.logins.len(), 1);
    }

    #[test]
    fn the_text_is_read_as_it_was_written_and_garbage_is_nothing() {
        let device = (1..=4).fold(None, |before, number| Some(after(before.as_ref(), number))).unwrap();
        let text = device.encode();
        assert_eq!(KnownDevice::parse(&text), Some(device));
        let id = account(1).account.to_string();
        for bad in
            ["", "AQ", "null", &text[..text.len() - 4], &format!("{text}AAAA"), &format!("{text}="), &id, " "]
        {
            assert_eq!(KnownDevice::parse(bad), None, "{bad}");
        }
        assert_eq!(KnownDevice::parse(&"A".repeat(100_000)), None);
        let mut other = URL_SAFE_NO_PAD.decode(&text).unwrap();
        other[0] = 2;
        assert_eq!(KnownDevice::parse(&URL_SAFE_NO_PAD.encode(other)), None);
    }
    proptest! {
        #[test]
        fn a_device_has_one_text(bytes in prop::collection::vec(any::<u8>(), 0..100), version in 0_u8..3) {
            let text = URL_SAFE_NO_PAD.encode([&[version], &bytes[..]].concat());
            if let Some(device) = KnownDevice::parse(&text) {
                prop_assert_eq!(device.encode(), text);
                prop_assert_eq!(device.known_to(&account(1), NOW, &key()), None, "made up");
            }
        }
    }
}
