//! Whether a history is one that the sequential model could have had: an order of its events, each at some moment
//! between its start and its end, in which every answer is the model's (Herlihy and Wing 1990; the search is that of
//! Wing and Gong with the memory of Lowe).

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use super::model::Account;
use super::{Answer, Event};

/// The most events of one history.
pub(crate) const MOST: usize = 128;
/// A history with more orders than that was recorded with too much at once to be judged, and counts as wrong.
const STATES: usize = 4_000_000;

/// No order of the events is the model's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The longest beginning that has an order: so many events.
    pub(crate) fitted: usize,
    /// What came next, and fits nowhere: numbers in the history.
    pub(crate) stuck: Vec<usize>,
    /// The search was given up.
    pub(crate) too_large: bool,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = if self.too_large { "too much at once to be judged" } else { "no order fits" };
        write!(f, "{why}: {} events fit, none of {:?} does after them", self.fitted, self.stuck)
    }
}

/// Looks for an order.
pub(crate) fn check(history: &[Event]) -> Result<(), Violation> {
    let mut search = Search { history, seen: HashSet::new(), best: (0, 0), too_large: history.len() > MOST };
    if !search.too_large && search.fits(0, &Account::default()) {
        return Ok(());
    }
    let (fitted, done) = search.best;
    Err(Violation { fitted, stuck: search.next(done), too_large: search.too_large })
}

/// Events already in the order, a bit each.
type Set = u128;

struct Search<'a> {
    history: &'a [Event],
    seen: HashSet<(Set, Account)>,
    best: (usize, Set),
    too_large: bool,
}

impl Search<'_> {
    fn fits(&mut self, done: Set, account: &Account) -> bool {
        if !self.seen.insert((done, account.clone())) {
            return false;
        }
        self.too_large |= self.seen.len() > STATES;
        if self.too_large {
            return false;
        }
        let answered = self.answered(done);
        if answered > self.best.0 {
            self.best = (answered, done);
        }
        if answered == self.answered(Set::MAX) {
            return true;
        }
        self.next(done).into_iter().any(|number| {
            let event = &self.history[number];
            let after = match event.answer {
                Answer::Unknown => account.after_unseen(event),
                _ => account.after(event),
            };
            after.is_some_and(|after| self.fits(done | bit(number), &after))
        })
    }

    /// How many answered events are in the set.
    fn answered(&self, done: Set) -> usize {
        self.numbers().filter(|number| done & bit(*number) != 0 && self.is_answered(*number)).count()
    }

    /// What may come next: no answered event that is still to come had ended before it began, and it had not ended when
    /// one that came already began.
    fn next(&self, done: Set) -> Vec<usize> {
        let open = |number: &usize| done & bit(*number) == 0;
        let due = self.numbers().filter(open).filter(|number| self.is_answered(*number));
        let first_end = due.map(|number| self.history[number].end).min().unwrap_or(Duration::MAX);
        let past = self.numbers().filter(|number| !open(number)).map(|number| self.history[number].start);
        let last_start = past.max().unwrap_or_default();
        let fits = |number: &usize| {
            let event = &self.history[*number];
            event.start <= first_end && event.end >= last_start
        };
        self.numbers().filter(open).filter(fits).collect()
    }

    fn is_answered(&self, number: usize) -> bool {
        self.history[number].answer != Answer::Unknown
    }

    fn numbers(&self) -> impl Iterator<Item = usize> + use<> {
        0..self.history.len().min(MOST)
    }
}

const fn bit(number: usize) -> Set {
    1 << number
}
