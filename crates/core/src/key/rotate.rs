//! The rotation of signing keys, by schedule and by hand (invariant I11; attacks JWT-34, RACE-13).
//!
//! For each algorithm in use there is one active key and one next key. The next one is published a day before it may be
//! used; a replaced one stays published for the longest token life and the time that verifiers cache. An algorithm that is
//! in use stays so: any client may have registered for it.

use countersign_jose::Alg;

use crate::time::trust::lies_ahead;
use crate::{Span, Time};

use super::{Key, State};

/// When keys move on. Defaults: design section 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// An active key is replaced after so long.
    pub active: Span,
    /// A key is published so long before it is used.
    pub published_before: Span,
    /// A replaced key stays published so long: the longest token life and cache time.
    pub retiring: Span,
}

impl Default for Limits {
    fn default() -> Self {
        Self { active: Span::days(90), published_before: Span::hours(24), retiring: Span::hours(48) }
    }
}

/// One move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A key is made. Active at once only where there is nothing to wait for: at the first start, and for ID tokens of a
    /// new algorithm.
    Create {
        /// For this algorithm.
        alg: Alg,
        /// In this state.
        state: State,
    },
    /// The next key takes over from the active one.
    Replace {
        /// Becomes retiring.
        active: String,
        /// Becomes active.
        next: String,
    },
    /// The active key was stolen: the next one takes over, and the stolen one counts no more from now on.
    Revoke {
        /// Becomes revoked.
        active: String,
        /// Becomes active, known to all verifiers or not.
        next: String,
    },
    /// The first key of an algorithm begins to sign, published for long enough.
    Activate {
        /// Becomes active.
        next: String,
    },
    /// No longer published; its private part is deleted.
    Retire {
        /// Becomes retired.
        kid: String,
    },
    /// The clock was ahead when the key was dated, and would have it wait for as long: its time counts from now on (attack
    /// STO-13).
    Redate {
        /// Stays what it is.
        kid: String,
    },
}

/// What rotation is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// What the schedule demands.
    Schedule,
    /// An operator wants a new active key, as soon as verifiers can know it.
    Rotate,
    /// A key was stolen: now, known or not.
    RotateNow,
}

/// An algorithm that there must be keys for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Want {
    /// Which.
    pub alg: Alg,
    /// What is asked of its keys.
    pub ask: Ask,
    /// Its first key signs as soon as it is made: only for who looks at the keys again when it meets an unknown one, as
    /// clients do with ID tokens (`OpenID` Connect Core section 10.1.1).
    pub at_once: bool,
}

/// The moves that are due. Each is guarded by the state it assumes; deciding again after it finds the next ones.
pub fn decide(keys: &[Key], wanted: &[Want], (now, limits): (Time, &Limits)) -> Vec<Step> {
    let of_tomorrow = |key: &&Key| key.state.published() && lies_ahead(key.since, now);
    let redated: Vec<_> =
        keys.iter().filter(of_tomorrow).map(|key| Step::Redate { kid: key.kid.clone() }).collect();
    if !redated.is_empty() {
        return redated;
    }
    let steps = wanted.iter().filter_map(|want| step_for(keys, *want, (now, limits)));
    let over = |key: &&Key| key.state == State::Retiring && now >= key.since + limits.retiring;
    steps.chain(keys.iter().filter(over).map(|key| Step::Retire { kid: key.kid.clone() })).collect()
}

fn step_for(keys: &[Key], want: Want, (now, limits): (Time, &Limits)) -> Option<Step> {
    let Want { alg, ask, at_once } = want;
    let find = |state| keys.iter().find(|key| key.alg == alg && key.state == state);
    // Only the very first key of all may sign at once: there is no verifier yet that could miss it.
    let first = !keys.iter().any(|key| key.state == State::Active);
    if first || (at_once && find(State::Active).is_none() && find(State::Next).is_none()) {
        return Some(Step::Create { alg, state: State::Active });
    }
    let Some(next) = find(State::Next) else { return Some(Step::Create { alg, state: State::Next }) };
    let (kid, known) = (next.kid.clone(), now >= next.created_at + limits.published_before);
    let Some(active) = find(State::Active) else {
        return (known || at_once || ask == Ask::RotateNow).then_some(Step::Activate { next: kid });
    };
    let replaced = active.kid.clone();
    match ask {
        Ask::RotateNow => Some(Step::Revoke { active: replaced, next: kid }),
        Ask::Rotate if known => Some(Step::Replace { active: replaced, next: kid }),
        Ask::Schedule if known && now >= active.since + limits.active => {
            Some(Step::Replace { active: replaced, next: kid })
        }
        Ask::Schedule | Ask::Rotate => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_micros(1_700_000_000_000_000);

    fn key(kid: &str, alg: Alg, state: State, age: Span) -> Key {
        Key { kid: kid.into(), alg, state, created_at: NOW - age, since: NOW - age }
    }

    fn steps(keys: &[Key], ask: Ask) -> Vec<Step> {
        let want = Want { alg: Alg::Es256, ask, at_once: false };
        decide(keys, &[want], (NOW, &Limits::default()))
    }

    #[test]
    fn i11_a_key_is_published_a_day_before_it_signs() {
        let active = key("a", Alg::Es256, State::Active, Span::days(90));
        let fresh = key("n", Alg::Es256, State::Next, Span::hours(24) + Span::from_micros(-1));
        let known = key("n", Alg::Es256, State::Next, Span::hours(24));
        let replace = vec![Step::Replace { active: "a".into(), next: "n".into() }];
        assert_eq!(steps(&[], Ask::Schedule), [Step::Create { alg: Alg::Es256, state: State::Active }]);
        let create_next = [Step::Create { alg: Alg::Es256, state: State::Next }];
        assert_eq!(steps(std::slice::from_ref(&active), Ask::Schedule), create_next);
        for ask in [Ask::Schedule, Ask::Rotate] {
            assert_eq!(steps(&[active.clone(), fresh.clone()], ask), [], "{ask:?}");
            assert_eq!(steps(&[active.clone(), known.clone()], ask), replace, "{ask:?}");
        }
    }

    #[test]
    fn jwt_34_a_stolen_key_counts_no_more_at_once() {
        let active = key("a", Alg::Es256, State::Active, Span::days(1));
        let fresh = key("n", Alg::Es256, State::Next, Span::ZERO);
        let revoke = [Step::Revoke { active: "a".into(), next: "n".into() }];
        assert_eq!(steps(&[active, fresh], Ask::RotateNow), revoke);
    }

    #[test]
    fn i11_another_algorithm_signs_only_after_its_key_was_published() {
        let old = key("r", Alg::Rs256, State::Active, Span::days(1));
        let next = |age| key("n", Alg::Es256, State::Next, age);
        let create = [Step::Create { alg: Alg::Es256, state: State::Next }];
        assert_eq!(steps(std::slice::from_ref(&old), Ask::Schedule), create);
        let soon = next(Span::hours(24) + Span::from_micros(-1));
        assert_eq!(steps(&[old.clone(), soon], Ask::Schedule), []);
        let activate = [Step::Activate { next: "n".into() }];
        assert_eq!(steps(&[old, next(Span::hours(24))], Ask::Schedule), activate);
    }

    #[test]
    fn an_active_key_signs_for_its_time() {
        let young = key("a", Alg::Es256, State::Active, Span::days(89));
        let known = key("n", Alg::Es256, State::Next, Span::days(89));
        assert_eq!(steps(&[young, known], Ask::Schedule), []);
    }

    #[test]
    fn jwt_34_a_replaced_key_stays_published_for_its_time_and_then_retires() {
        let active = key("a", Alg::Es256, State::Active, Span::days(1));
        let next = key("n", Alg::Es256, State::Next, Span::ZERO);
        let old = |age| key("o", Alg::Es256, State::Retiring, age);
        let before = old(Span::hours(48) + Span::from_micros(-1));
        assert_eq!(steps(&[active.clone(), next.clone(), before], Ask::Schedule), []);
        let retire = [Step::Retire { kid: "o".into() }];
        assert_eq!(steps(&[active, next, old(Span::hours(48))], Ask::Schedule), retire);
    }

    #[test]
    fn sto_13_a_key_of_a_clock_that_was_ahead_counts_from_now_on() {
        let ahead = Span::days(-3652);
        let keys = [
            key("a", Alg::Es256, State::Active, ahead),
            key("n", Alg::Es256, State::Next, ahead),
            key("o", Alg::Es256, State::Retiring, ahead),
            key("g", Alg::Es256, State::Retired, ahead),
        ];
        let redated = ["a", "n", "o"].map(|kid| Step::Redate { kid: kid.into() });
        for ask in [Ask::Schedule, Ask::Rotate, Ask::RotateNow] {
            assert_eq!(steps(&keys, ask), redated, "{ask:?}");
        }
        let near = key("a", Alg::Es256, State::Active, Span::minutes(-59));
        assert_eq!(steps(&[near, key("n", Alg::Es256, State::Next, Span::ZERO)], Ask::Schedule), []);
    }

    #[test]
    fn i11_id_tokens_of_a_new_algorithm_are_signed_at_once_and_its_keys_rotate_like_the_others() {
        let rs256 = |keys: &[Key], ask| {
            let want = |alg, at_once| Want { alg, ask, at_once };
            decide(keys, &[want(Alg::Es256, false), want(Alg::Rs256, true)], (NOW, &Limits::default()))
        };
        let es256 = [
            key("a", Alg::Es256, State::Active, Span::days(1)),
            key("n", Alg::Es256, State::Next, Span::days(1)),
        ];
        let create = |state| [Step::Create { alg: Alg::Rs256, state }];
        assert_eq!(rs256(&es256, Ask::Schedule), create(State::Active));
        let with = |more: &[Key]| [&es256, more].concat();
        let active = key("r", Alg::Rs256, State::Active, Span::days(90));
        assert_eq!(rs256(&with(std::slice::from_ref(&active)), Ask::Schedule), create(State::Next));
        let fresh = key("s", Alg::Rs256, State::Next, Span::ZERO);
        assert_eq!(rs256(&with(&[active.clone(), fresh.clone()]), Ask::Schedule), []);
        let known = key("s", Alg::Rs256, State::Next, Span::days(1));
        let replace = [Step::Replace { active: "r".into(), next: "s".into() }];
        assert_eq!(rs256(&with(&[active.clone(), known]), Ask::Schedule), replace);
        let both = [
            Step::Revoke { active: "a".into(), next: "n".into() },
            Step::Revoke { active: "r".into(), next: "s".into() },
        ];
        assert_eq!(rs256(&with(&[active, fresh]), Ask::RotateNow), both);
    }
}
