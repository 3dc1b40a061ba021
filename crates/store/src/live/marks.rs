//! What the revocation log said lately about cookies' secrets and about accounts.
//!
//! A mark makes a stale cache fill harmless: whoever read the row before the change finds the mark at the check. It is
//! kept for longer than any fill may take, and before it is dropped the caches are rid of what it speaks of.

use std::collections::HashMap;

use countersign_core::secret::Hash;
use countersign_core::{AccountId, Span, Time};
use parking_lot::RwLock;

/// Marks are kept for at least so long; a read of the database is given up long before.
const KEPT: Span = Span::minutes(10);

/// The number of changes of accounts heard of so far: what was read before a change has a lower number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AsOf(u64);

#[derive(Debug)]
pub(crate) struct Marks(RwLock<Inner>);

#[derive(Debug)]
struct Inner {
    secrets: HashMap<Hash, Round>,
    accounts: HashMap<AccountId, (AsOf, Round)>,
    changes: AsOf,
    round: Round,
    round_since: Time,
}

/// Counts the times that marks were dropped.
type Round = u64;

impl Marks {
    pub(crate) fn new(now: Time) -> Self {
        Self(RwLock::new(Inner {
            secrets: HashMap::new(),
            accounts: HashMap::new(),
            changes: AsOf(0),
            round: 0,
            round_since: now,
        }))
    }

    /// To be asked before a row is read.
    pub(crate) fn as_of(&self) -> AsOf {
        self.0.read().changes
    }

    pub(crate) fn secret_replaced(&self, secret: Hash) {
        let mut inner = self.0.write();
        let round = inner.round;
        inner.secrets.insert(secret, round);
    }

    pub(crate) fn account_changed(&self, account: AccountId) {
        let mut inner = self.0.write();
        inner.changes.0 += 1;
        let mark = (inner.changes, inner.round);
        inner.accounts.insert(account, mark);
    }

    pub(crate) fn is_replaced(&self, secret: &Hash) -> bool {
        self.0.read().secrets.contains_key(secret)
    }

    pub(crate) fn has_changed(&self, account: AccountId, since: AsOf) -> bool {
        self.0.read().accounts.get(&account).is_some_and(|(change, _)| *change > since)
    }

    /// Drops marks that are old enough, once `forget` has rid the caches of all that any mark speaks of. Called too
    /// soon, it does nothing.
    pub(crate) fn prune(&self, now: Time, forget: impl FnOnce()) {
        if now - self.0.read().round_since < KEPT {
            return;
        }
        forget();
        let mut inner = self.0.write();
        let round = inner.round;
        // Marks of this round may have been set a moment ago; those of the one before are older than it.
        inner.secrets.retain(|_, set_in| *set_in == round);
        inner.accounts.retain(|_, (_, set_in)| *set_in == round);
        inner.round += 1;
        inner.round_since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::secret::sha256;

    const NOW: Time = Time::from_micros(1_700_000_000_000_000);

    #[test]
    fn a_row_read_before_the_change_is_stale_and_one_read_after_is_not() {
        let marks = Marks::new(NOW);
        let (one, other) = (AccountId::from_bytes([1; 16]), AccountId::from_bytes([2; 16]));
        let before = marks.as_of();
        marks.account_changed(one);
        assert!(marks.has_changed(one, before));
        assert!(!marks.has_changed(other, before));
        assert!(!marks.has_changed(one, marks.as_of()));
    }

    #[test]
    fn a_mark_outlives_any_fill_and_goes_only_after_the_caches_are_swept() {
        let marks = Marks::new(NOW);
        let (secret, account) = (sha256(b"old"), AccountId::from_bytes([1; 16]));
        let before = marks.as_of();
        let just_before = NOW + KEPT - Span::from_micros(1);
        marks.secret_replaced(secret);
        marks.account_changed(account);
        marks.prune(just_before, || panic!("too soon"));
        marks.prune(NOW + KEPT, || assert!(marks.is_replaced(&secret)));
        assert!(marks.is_replaced(&secret), "it may have been set a moment ago");
        marks.prune(NOW + KEPT, || panic!("too soon"));
        marks.prune(NOW + KEPT + KEPT, || assert!(marks.has_changed(account, before)));
        assert!(!marks.is_replaced(&secret));
        assert!(!marks.has_changed(account, before));
    }
}
