//! One account as it should be: the sequential model. An event fits or it does not; where it fits, the account is
//! another one after it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Answer, Call, Event, Password, Proof, Session};

/// An account at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Account {
    registered: bool,
    /// None as long as the link is not spent.
    password: Option<Password>,
    sessions: BTreeMap<Session, Live>,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Live {
    /// The cookie or refresh token that counts; none where it was handed out in an answer that never came.
    present: Option<Proof>,
    /// The refresh token before it, which gets the present one again. (Histories are shorter than the grace.)
    previous: Option<Proof>,
    /// Cookies that were replaced, each with the end of the change that replaced it.
    replaced: BTreeMap<Proof, Duration>,
    /// The end of the event that ended it.
    over: Option<Duration>,
}

impl Account {
    /// The account after an answered event; none where no account answers so.
    pub(super) fn after(&self, event: &Event) -> Option<Self> {
        match (event.call, event.answer) {
            (Call::Register(_), Answer::Done) => Some(Self { registered: true, ..self.clone() }),
            (Call::Mail, Answer::Done) => self.registered.then(|| self.clone()),
            (Call::Mail, Answer::Refused) => (!self.registered).then(|| self.clone()),
            (Call::Verify, Answer::Done) => {
                (self.registered && self.password.is_none()).then(|| self.verified())
            }
            (Call::Verify, Answer::Refused) => self.password.is_some().then(|| self.clone()),
            (Call::LogIn(given) | Call::LogInForTokens(given), answer) => self.log_in(given, answer),
            (Call::Check(session, cookie), answer) => self.checked(event.start, (session, cookie), answer),
            (Call::Refresh(session, given), answer) => self.refresh(event, (session, given), answer),
            (Call::LogOut(session, cookie), answer) => self.log_out(event, (session, cookie), answer),
            (Call::Change { .. }, _) => self.change(event),
            _ => None,
        }
    }

    /// The account after an event that worked, though nobody was told so; none where it changes nothing, or could not.
    pub(super) fn after_unseen(&self, event: &Event) -> Option<Self> {
        match event.call {
            Call::Register(_) => Some(Self { registered: true, ..self.clone() }),
            Call::Verify | Call::LogOut(..) => self.after(&Event { answer: Answer::Done, ..event.clone() }),
            Call::Refresh(session, given) => self.refreshed_unseen(event, session, given),
            Call::Change { session, cookie, current, new } => {
                let live = self.counts(session, cookie)?;
                let proof = if cookie.is_some() { None } else { live.present };
                (self.password == Some(current)).then(|| self.changed(event, session, (cookie, proof), new))
            }
            // A session that nobody knows of changes nothing for those who are known.
            Call::Mail | Call::LogIn(_) | Call::LogInForTokens(_) | Call::Check(..) => None,
        }
    }

    fn verified(&self) -> Self {
        Self { password: Some(FIRST), ..self.clone() }
    }

    fn log_in(&self, given: Password, answer: Answer) -> Option<Self> {
        let fits = self.password == Some(given);
        match answer {
            Answer::Got(session, proof) if fits => {
                let live =
                    Live { present: Some(proof), previous: None, replaced: BTreeMap::new(), over: None };
                let mut after = self.clone();
                after.sessions.insert(session, live).is_none().then_some(after)
            }
            Answer::Refused if !fits => Some(self.clone()),
            _ => None,
        }
    }

    /// The session, if it and this cookie count in the database.
    fn counts(&self, session: Session, cookie: Option<Proof>) -> Option<&Live> {
        let live = self.sessions.get(&session)?;
        let secret_counts = cookie.is_none_or(|cookie| live.present == Some(cookie));
        (live.over.is_none() && secret_counts).then_some(live)
    }

    /// Whether a request that began at `start` may still find the session in memory: until what ended it, or replaced its
    /// secret, is answered (invariant I7 promises no more).
    fn may_count(&self, start: Duration, session: Session, cookie: Option<Proof>) -> bool {
        let Some(live) = self.sessions.get(&session) else { return false };
        let over = live.over.is_some_and(|end| end <= start);
        let replaced = cookie.and_then(|cookie| live.replaced.get(&cookie)).is_some_and(|end| *end <= start);
        !over && !replaced
    }

    fn checked(
        &self,
        start: Duration,
        (session, cookie): (Session, Option<Proof>),
        answer: Answer,
    ) -> Option<Self> {
        let fits = match answer {
            Answer::Done => self.may_count(start, session, cookie),
            Answer::Refused => self.counts(session, cookie).is_none(),
            _ => false,
        };
        fits.then(|| self.clone())
    }

    fn refresh(&self, event: &Event, (session, given): (Session, Proof), answer: Answer) -> Option<Self> {
        let live = self.counts(session, None);
        match (live, answer) {
            (Some(live), Answer::Got(of, got)) if of == session => {
                let rotates = live.present == Some(given) && got != given && live.previous != Some(got);
                let repeats =
                    live.previous == Some(given) && live.present.is_none_or(|present| present == got);
                if rotates {
                    Some(self.with(session, |live| (live.previous, live.present) = (Some(given), Some(got))))
                } else {
                    repeats.then(|| self.with(session, |live| live.present = Some(got)))
                }
            }
            (Some(live), Answer::Refused) if !live.takes(given) => Some(self.over(session, event.end)),
            (None, Answer::Refused) => Some(self.clone()),
            _ => None,
        }
    }

    fn refreshed_unseen(&self, event: &Event, session: Session, given: Proof) -> Option<Self> {
        let live = self.counts(session, None)?;
        if live.present == Some(given) {
            Some(self.with(session, |live| (live.previous, live.present) = (Some(given), None)))
        } else {
            (!live.takes(given)).then(|| self.over(session, event.end))
        }
    }

    fn log_out(
        &self,
        event: &Event,
        (session, cookie): (Session, Option<Proof>),
        answer: Answer,
    ) -> Option<Self> {
        match answer {
            Answer::Done if self.counts(session, cookie).is_some() => Some(self.over(session, event.end)),
            // Another end was first, and its answer had not come when this one began.
            Answer::Done => {
                self.may_count(event.start, session, cookie).then(|| self.over(session, event.end))
            }
            Answer::Refused => self.counts(session, cookie).is_none().then(|| self.clone()),
            _ => None,
        }
    }

    fn change(&self, event: &Event) -> Option<Self> {
        let Call::Change { session, cookie, current, new } = event.call else { return None };
        let fits = self.password == Some(current);
        match (self.counts(session, cookie), event.answer) {
            (Some(_), Answer::Got(of, proof)) if fits && of == session && cookie.is_some() => {
                Some(self.changed(event, session, (cookie, Some(proof)), new))
            }
            (Some(live), Answer::Done) if fits && cookie.is_none() => {
                Some(self.changed(event, session, (None, live.present), new))
            }
            (None, Answer::Refused) => Some(self.clone()),
            (_, Answer::WrongPassword) => {
                (!fits && self.may_count(event.start, session, cookie)).then(|| self.clone())
            }
            _ => None,
        }
    }

    /// Another password counts, the session that asked has the second of two proofs, and all others are over.
    fn changed(
        &self,
        event: &Event,
        session: Session,
        (old, present): (Option<Proof>, Option<Proof>),
        new: Password,
    ) -> Self {
        let mut after = Self { password: Some(new), ..self.clone() };
        for (other, live) in &mut after.sessions {
            if *other != session {
                live.over.get_or_insert(event.end);
                continue;
            }
            live.present = present;
            live.replaced.extend(old.map(|old| (old, event.end)));
        }
        after
    }

    fn over(&self, session: Session, end: Duration) -> Self {
        self.with(session, |live| {
            live.over.get_or_insert(end);
        })
    }

    fn with(&self, session: Session, change: impl FnOnce(&mut Live)) -> Self {
        let mut after = self.clone();
        after.sessions.entry(session).and_modify(change);
        after
    }
}

/// The password that every account registers with.
pub(super) const FIRST: Password = 0;

impl Live {
    /// Whether a refresh with this token is answered with tokens; any other is one that was replaced long ago.
    fn takes(&self, given: Proof) -> bool {
        self.present == Some(given) || self.previous == Some(given)
    }
}
