//! Invitations: the initial access tokens that an operator hands to whoever may register clients (RFC 7591 section 3).
//! Nothing is stored: the text says how long it counts, under a MAC.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::secret::MacKey;
use crate::{Random, Time, random};

const PREFIX: &str = "cs_init_";
/// The end in seconds, 16 random bytes, the code.
const LEN: usize = 8 + 16 + 32;

/// A text that registers clients until `until`.
pub fn invite(key: &MacKey, until: Time, random: &dyn Random) -> String {
    let mut bytes = until.seconds().to_be_bytes().to_vec();
    bytes.extend(random::bytes::<16>(random));
    bytes.extend(key.sign(&bytes));
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// Whether a text is an invitation of ours that still counts.
pub fn counts(key: &MacKey, text: &str, now: Time) -> bool {
    let Some(encoded) = text.strip_prefix(PREFIX).filter(|rest| rest.len() == LEN.div_ceil(3) * 4 - 1) else {
        return false;
    };
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(encoded) else { return false };
    let Some((said, code)) = bytes.split_at_checked(LEN - 32) else { return false };
    let Some(until) = said.first_chunk().map(|seconds| i64::from_be_bytes(*seconds)) else { return false };
    key.verify(said, code) && now.seconds() < until
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Span;
    use crate::random::Counter;

    const NOW: Time = Time::from_micros(1_700_000_000_000_000);

    #[test]
    fn oau_58_an_invitation_counts_until_its_end_and_only_as_it_was_written() {
        let key = MacKey::new(&[7; 32]);
        let text = invite(&key, NOW + Span::hours(1), &Counter::new(1));
        assert!(counts(&key, &text, NOW));
        assert!(!counts(&key, &text, NOW + Span::hours(1)));
        assert!(!counts(&MacKey::new(&[8; 32]), &text, NOW));
        for place in PREFIX.len()..text.len() {
            let mut forged = text.clone().into_bytes();
            forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
            assert!(!counts(&key, &String::from_utf8(forged).unwrap(), NOW), "{place}");
        }
        for bad in ["", "cs_init_", &text[1..], &text[..text.len() - 1], &format!("{text}A")] {
            assert!(!counts(&key, bad, NOW), "{bad}");
        }
    }
}
