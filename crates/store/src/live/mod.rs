//! What the session check reads, in memory: the bits of all status lists, what the log said lately, and the sessions
//! that were used lately. A check costs no query (design section 4).
//!
//! **Nothing is forgotten that a stale read could bring back**: bits are never cleared, marks outlive any cache fill,
//! and all of it is set after the commit and before anyone hears of the commit (I7).

mod list;
mod login;
mod marks;
mod seen;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use countersign_core::revocation::{Entry, Epoch, Jti, ListId, Seq, StatusIndex};
use countersign_core::secret::Hash;
use countersign_core::{SessionId, Time};
use parking_lot::RwLock;
use quick_cache::sync::Cache;

use self::list::List;
pub use self::login::{Answer, LiveAccount, LiveGrant, LiveSession, Root};
pub(crate) use self::marks::AsOf;
use self::marks::Marks;
use self::seen::Pulses;
pub(crate) use self::seen::Seen;

/// Sessions, and grants, kept in memory at most.
const KEPT: usize = 100_000;

/// The memory of one store.
#[derive(Debug)]
pub struct Live {
    lists: RwLock<HashMap<ListId, Arc<List>>>,
    seq: AtomicI64,
    epoch: AtomicI64,
    tokens: RwLock<HashMap<Jti, Time>>,
    owed: AtomicU64,
    paid: AtomicU64,
    claims: AtomicU64,
    marks: Marks,
    pulses: Pulses,
    sessions: Cache<Hash, Arc<LiveSession>>,
    grants: Cache<StatusIndex, Arc<LiveGrant>>,
}

/// How often the log was known to hold something unread, up to now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Debt(u64);

impl Live {
    /// Remembers nothing yet but that the log was read up to `seq`.
    pub(crate) fn new(seq: Seq, now: Time) -> Self {
        Self {
            lists: RwLock::default(),
            seq: AtomicI64::new(seq.0),
            epoch: AtomicI64::new(Epoch::BEGINNING.not_before().micros()),
            tokens: RwLock::default(),
            owed: AtomicU64::new(0),
            paid: AtomicU64::new(0),
            claims: AtomicU64::new(0),
            marks: Marks::new(now),
            pulses: Pulses::default(),
            sessions: Cache::new(KEPT),
            grants: Cache::new(KEPT),
        }
    }

    /// A list that has members, or is about to.
    pub(crate) fn open_list(&self, id: ListId, ends_at: Time) {
        let mut lists = self.lists.write();
        lists.entry(id).or_insert_with(|| Arc::new(List::new(ends_at))).lasts_until(ends_at);
    }

    fn list(&self, id: ListId) -> Option<Arc<List>> {
        self.lists.read().get(&id).cloned()
    }

    /// The ids of all lists that stand.
    pub(crate) fn list_ids(&self) -> Vec<ListId> {
        self.lists.read().keys().copied().collect()
    }

    /// The bits of a list, no older than the number beside them.
    pub(crate) fn snapshot(&self, id: ListId) -> Option<(Seq, Vec<u8>)> {
        let seq = self.seq();
        self.list(id).map(|list| (seq, list.bytes()))
    }

    /// The log is known up to here.
    pub(crate) fn seq(&self) -> Seq {
        Seq(self.seq.load(Ordering::Acquire))
    }

    /// What was issued before it is over, as far as memory knows.
    pub fn epoch(&self) -> Epoch {
        Epoch::from_time(Time::from_micros(self.epoch.load(Ordering::Acquire)))
    }

    /// Everything issued before it is over. An epoch never goes back.
    pub(crate) fn begin(&self, epoch: Epoch) {
        self.epoch.fetch_max(epoch.not_before().micros(), Ordering::AcqRel);
    }

    /// Takes note of entries of the log, which follow the last ones without a gap.
    pub(crate) fn learn(&self, entries: &[(Seq, Entry)]) {
        for (_, entry) in entries {
            match entry {
                Entry::Bit(index) => self.end(*index),
                Entry::Secret(secret) => {
                    self.marks.secret_replaced(*secret);
                    self.sessions.remove(secret);
                }
                Entry::Account(account) => self.marks.account_changed(*account),
                Entry::Token(jti, until) => self.revoke_token(*jti, *until),
                Entry::Epoch(epoch) => self.begin(*epoch),
            }
        }
        if let Some((seq, _)) = entries.last() {
            self.seq.fetch_max(seq.0, Ordering::Release);
        }
    }

    /// Sets a bit. A list that is not known was dropped after its end.
    pub(crate) fn end(&self, index: StatusIndex) {
        if let Some(list) = self.list(index.list) {
            list.set(index.index);
        }
        self.grants.remove(&index);
    }

    /// A single token counts no more, until it would have ended anyway.
    pub(crate) fn revoke_token(&self, jti: Jti, until: Time) {
        self.tokens.write().insert(jti, until);
    }

    /// Whether a single token was revoked (RFC 7009).
    pub fn is_token_revoked(&self, jti: &Jti) -> bool {
        self.tokens.read().contains_key(jti)
    }

    /// Something was, or may have been, committed that this memory does not know: until the log is read, nobody may
    /// be let in.
    pub(crate) fn owe(&self) {
        self.owed.fetch_add(1, Ordering::SeqCst);
    }

    /// To be asked before the log is read.
    pub(crate) fn debt(&self) -> Debt {
        Debt(self.owed.load(Ordering::SeqCst))
    }

    /// The log was read after `debt` was asked for. What was owed in the meantime is still owed.
    pub(crate) fn pay(&self, debt: Debt) {
        self.paid.fetch_max(debt.0, Ordering::SeqCst);
    }

    /// Whether the log may hold something that this memory does not know.
    pub(crate) fn is_behind(&self) -> bool {
        self.paid.load(Ordering::SeqCst) < self.owed.load(Ordering::SeqCst)
    }

    /// How often this process had taken the database for itself when the log was last read.
    pub(crate) fn claims(&self) -> u64 {
        self.claims.load(Ordering::SeqCst)
    }

    /// The log was read after the database had been taken so often.
    pub(crate) fn claimed(&self, claims: u64) {
        self.claims.fetch_max(claims, Ordering::SeqCst);
    }

    /// The marks' time, to be asked before a session is read.
    pub(crate) fn as_of(&self) -> AsOf {
        self.marks.as_of()
    }

    /// A session that was used lately, unless its account changed since.
    pub(crate) fn session(&self, secret: &Hash) -> Option<Arc<LiveSession>> {
        self.sessions.get(secret).filter(|session| !session.is_stale(self))
    }

    /// Keeps a session, if it is worth it.
    pub(crate) fn keep_session(&self, secret: Hash, session: &Arc<LiveSession>, now: Time) {
        if session.check(self, now).is_ok() {
            self.sessions.insert(secret, Arc::clone(session));
        }
    }

    /// A grant that was used lately, unless its account changed since.
    pub(crate) fn grant(&self, index: StatusIndex) -> Option<Arc<LiveGrant>> {
        self.grants.get(&index).filter(|grant| !grant.is_stale(self))
    }

    /// Keeps a grant, if it is worth it.
    pub(crate) fn keep_grant(&self, grant: &Arc<LiveGrant>, now: Time) {
        if grant.check(self, now).is_ok() {
            self.grants.insert(grant.grant.index, Arc::clone(grant));
        }
    }

    /// What is known here of when a session was last used.
    pub(crate) fn seen(&self, session: SessionId) -> Option<Arc<Seen>> {
        self.pulses.peek(session)
    }

    /// Whether the list of this place stands until `until`, and its bit is clear.
    pub fn lasts(&self, place: StatusIndex, until: Time) -> bool {
        self.list(place.list).is_some_and(|list| until < list.ends_at() && !list.is_set(place.index))
    }

    /// Whether a bit is set, or its list is gone.
    pub fn has_ended(&self, index: StatusIndex) -> bool {
        self.list(index.list).is_none_or(|list| list.is_set(index.index))
    }

    /// The session was used. Only ever after its check passed.
    pub(crate) fn touch(&self, session: &LiveSession, at: Time, idle_ends_at: Time) {
        self.pulses.touch(&session.seen, at, idle_ends_at);
    }

    /// When sessions were last used, as far as it has to be written.
    pub(crate) fn pulses(&self) -> &Pulses {
        &self.pulses
    }

    /// Gives back memory: lists past their end, marks that no stale read can bring back, what nobody holds any more.
    pub(crate) fn prune(&self, now: Time) {
        self.lists.write().retain(|_, list| now < list.ends_at());
        self.tokens.write().retain(|_, until| now < *until);
        self.marks.prune(now, || {
            self.sessions.retain(|_, session| !session.is_stale(self) && !session.is_replaced(self));
            self.grants.retain(|_, grant| !grant.is_stale(self));
        });
        self.pulses.prune();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::account::{Account, State, Version};
    use countersign_core::secret::sha256;
    use countersign_core::session::check::Refusal;
    use countersign_core::session::{Acr, Device, Face, Limits, Method, Session};
    use countersign_core::{AccountId, Locale, Span};

    const NOW: Time = Time::from_micros(1_700_000_000_000_000);
    const INDEX: StatusIndex = StatusIndex { list: ListId::from_bytes([3; 16]), index: 7 };

    fn live() -> Live {
        let live = Live::new(Seq(0), NOW);
        live.open_list(INDEX.list, NOW + Span::days(90));
        live
    }

    /// What a query that began at `as_of` found.
    fn row(live: &Live, as_of: AsOf) -> Arc<LiveSession> {
        let limits = Limits::default();
        let session = Session {
            id: SessionId::from_bytes([1; 16]),
            account: AccountId::from_bytes([2; 16]),
            face: Face::Cookie,
            created_at: NOW,
            authenticated_at: NOW,
            seen_at: NOW,
            idle_ends_at: limits.idle_end(NOW, false),
            absolute_ends_at: limits.absolute_end(NOW, false),
            ended: None,
            amr: vec![Method::Password],
            acr: Acr::Aal1,
            remember: false,
            device: Device::default(),
            ip: None,
            index: INDEX,
        };
        let account = Account {
            id: session.account,
            state: State::Active,
            version: Version(1),
            email: None,
            email_verified_at: None,
            name: None,
            locale: Locale::En,
            created_at: NOW,
        };
        Arc::new(LiveSession::new(live, as_of, session, Some(secret()), account))
    }

    fn secret() -> Hash {
        sha256(b"the secret in the cookie")
    }

    fn knock(live: &Live, now: Time) -> Option<Result<(), Refusal>> {
        live.session(&secret()).map(|session| session.check(live, now))
    }

    /// Prunes until no mark set before is left.
    fn forget_marks(live: &Live) {
        for round in 1..=3 {
            live.prune(NOW + Span::minutes(10 * round));
        }
    }

    #[test]
    fn i7_a_fill_that_read_before_the_end_is_refused() {
        let live = live();
        let stale = row(&live, live.as_of());
        live.learn(&[(Seq(1), Entry::Bit(INDEX))]);
        live.keep_session(secret(), &stale, NOW);
        assert_eq!(knock(&live, NOW), None);
        // Even where the end comes between the fill's own check and its arrival.
        live.sessions.insert(secret(), stale);
        assert_eq!(knock(&live, NOW), Some(Err(Refusal::Ended)));
        assert_eq!(live.seq(), Seq(1));
    }

    #[test]
    fn i7_a_fill_that_read_before_the_secret_was_replaced_is_refused_and_swept_away() {
        let live = live();
        let stale = row(&live, live.as_of());
        live.keep_session(secret(), &stale, NOW);
        assert_eq!(knock(&live, NOW), Some(Ok(())));
        live.learn(&[(Seq(1), Entry::Secret(secret()))]);
        assert_eq!(knock(&live, NOW), None);
        live.sessions.insert(secret(), stale);
        assert_eq!(knock(&live, NOW), Some(Err(Refusal::Ended)));
        forget_marks(&live);
        assert_eq!(knock(&live, NOW), None);
    }

    #[test]
    fn a_fill_that_read_before_the_account_changed_is_read_anew() {
        let live = live();
        let stale = row(&live, live.as_of());
        live.learn(&[(Seq(1), Entry::Account(stale.account.id))]);
        live.keep_session(secret(), &stale, NOW);
        assert_eq!(knock(&live, NOW), None);
        forget_marks(&live);
        assert_eq!(knock(&live, NOW), None);
        live.keep_session(secret(), &row(&live, live.as_of()), NOW);
        assert_eq!(knock(&live, NOW), Some(Ok(())));
    }

    #[test]
    fn sto_16_an_epoch_ends_what_lies_in_memory_and_never_goes_back() {
        let live = live();
        live.keep_session(secret(), &row(&live, live.as_of()), NOW);
        live.learn(&[(Seq(1), Entry::Epoch(Epoch::from_time(NOW)))]);
        assert_eq!(knock(&live, NOW), Some(Ok(())), "it began with the epoch");
        let epoch = Epoch::ending(NOW, Span::ZERO);
        live.learn(&[(Seq(2), Entry::Epoch(epoch))]);
        assert_eq!(knock(&live, NOW), Some(Err(Refusal::Ended)));
        live.learn(&[(Seq(3), Entry::Epoch(Epoch::from_time(NOW)))]);
        assert_eq!(live.epoch(), epoch);
    }

    #[test]
    fn the_last_use_outlives_the_cache_until_it_is_written() {
        let live = live();
        live.keep_session(secret(), &row(&live, live.as_of()), NOW);
        let used = NOW + Span::minutes(100);
        let idle_end = Limits::default().idle_end(used, false);
        live.touch(&live.session(&secret()).unwrap(), used, idle_end);
        live.sessions.clear();
        live.prune(used);
        assert_eq!(row(&live, live.as_of()).idle_ends_at(), idle_end);
        // Written, but a query that began before may still bring the row as it was.
        live.pulses().waiting().iter().for_each(|seen| live.pulses().written(seen, used));
        assert_eq!(row(&live, live.as_of()).idle_ends_at(), idle_end);
    }

    #[test]
    fn what_was_in_a_list_that_is_gone_does_not_live() {
        let live = live();
        live.prune(NOW + Span::days(90));
        assert_eq!(row(&live, live.as_of()).check(&live, NOW), Err(Refusal::Ended));
        assert!(live.has_ended(INDEX));
    }

    #[test]
    fn i13_what_is_owed_while_the_log_is_read_stays_owed() {
        let live = live();
        assert!(!live.is_behind());
        live.owe();
        let debt = live.debt();
        live.owe();
        live.pay(debt);
        assert!(live.is_behind());
        live.pay(live.debt());
        assert!(!live.is_behind());
    }
}
