//! Guesses of this process: counted before they are compared, taken back when they were right.

use std::pin::pin;
use std::sync::Arc;

use countersign_core::account::Email;
use countersign_core::secret::MacKey;
use countersign_core::throttle::admit::{Asked, Decision, Facts, Limit, decide, decide_mail};
use countersign_core::throttle::window::{Grid, Slice, Window};
use countersign_core::throttle::{Guess, Limits, Prefix};
use countersign_core::{Span, Time};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::sketch::{Place, Sketch};

/// Cells in a row of a table: up to 10 MiB a table while it is overrun.
const COLUMNS: usize = 1 << 15;

/// Everything that throttling counts. Shared by all tasks of the process; a restart forgets it.
pub struct Throttles {
    key: MacKey,
    tables: Mutex<Tables>,
    /// A guess came to its end, whatever that was.
    ended: Notify,
}

#[derive(Debug)]
struct Tables {
    subjects: Sketch,
    familiar: Sketch,
    prefixes: Sketch,
    mails: Sketch,
    everything: Option<Window>,
    /// When it was last told that more comes in than usual.
    told: Option<Slice>,
}

/// What becomes of a guess, or of a request for a mail.
#[derive(Debug)]
#[must_use]
pub struct Admission {
    /// It may be made, or not.
    pub verdict: Result<Reservation, Refused>,
    /// More comes in over everything than usual, for the first time within the window.
    pub unusual: bool,
}

/// Nothing may be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// What was used up.
    pub limit: Limit,
    /// After so long it is worth another try.
    pub retry_after: Span,
    /// Nobody was told of this limit within the window.
    pub first: bool,
}

/// A guess that is counted. Dropped it stays counted, so that a caller who hangs up gains nothing by it.
#[derive(Debug)]
#[must_use = "dropped, it counts as a wrong guess"]
pub struct Reservation(Option<Held>);

#[derive(Debug)]
struct Held {
    throttles: Arc<Throttles>,
    places: Places,
    slice: Slice,
}

#[derive(Debug, Clone, Copy)]
struct Places {
    subject: Option<Place>,
    familiar: Option<Place>,
    prefix: Place,
}

enum Attempt {
    Wait,
    Done(Admission),
}

impl Throttles {
    /// Nothing was counted yet. Where what is counted is decided by the key.
    pub fn new(key: MacKey) -> Self {
        let table = || Sketch::new(COLUMNS);
        let tables = Tables {
            subjects: table(),
            familiar: table(),
            prefixes: table(),
            mails: table(),
            everything: None,
            told: None,
        };
        Self { key, tables: Mutex::new(tables), ended: Notify::new() }
    }

    /// Counts a guess before anything is compared, if it may be made. Waits while that depends on guesses under way.
    pub async fn reserve(self: &Arc<Self>, guess: &Guess, limits: &Limits, now: Time) -> Admission {
        let places = self.places(guess);
        loop {
            let mut ended = pin!(self.ended.notified());
            // From here on nothing that ends goes unnoticed.
            ended.as_mut().enable();
            match self.attempt(places, limits, now) {
                Attempt::Done(admission) => return admission,
                Attempt::Wait => ended.await,
            }
        }
    }

    /// Counts a request for a mail to an address, if one more may be made.
    pub fn reserve_mail(
        &self,
        prefix: Prefix,
        to: &Email,
        (limits, now): (&Limits, Time),
    ) -> Result<(), Refused> {
        let grid = Grid::of(limits.window);
        let slice = grid.slice(now);
        let codes = [
            [b"from", &prefix.bytes()[..]].concat(),
            [b"asks", &prefix.bytes()[..]].concat(),
            [b"both", &prefix.bytes()[..], to.canonical().as_bytes()].concat(),
        ];
        let mut tables = self.tables.lock();
        let [from, asks, both] = codes.map(|code| tables.mails.place(&self.key.sign(&code)));
        let count = |place| tables.mails.count(place, slice).wrong;
        let asked = Asked { before: count(both) > 0, addresses: count(from), requests: count(asks) };
        match decide_mail(asked, limits) {
            Decision::Refuse(limit) => {
                let slices = tables.mails.slices_until_below(from, limits.mails, slice).max(1);
                let first = tables.mails.tell(from, slice);
                Err(Refused { limit, retry_after: grid.until(now, slices), first })
            }
            Decision::Admit | Decision::Wait => {
                let counted = [Some(asks), Some(both), Some(from).filter(|_| !asked.before)];
                for place in counted.into_iter().flatten() {
                    tables.mails.begin(place, slice);
                    tables.mails.keep(place);
                }
                Ok(())
            }
        }
    }

    /// Counts the registration of a client, if one more than `most` is not too many (attack OAU-59).
    pub fn reserve_registration(
        &self,
        prefix: Prefix,
        most: u32,
        (limits, now): (&Limits, Time),
    ) -> Result<(), Refused> {
        let grid = Grid::of(limits.window);
        let slice = grid.slice(now);
        let code = self.key.sign(&[b"clients", &prefix.bytes()[..]].concat());
        let mut tables = self.tables.lock();
        let place = tables.mails.place(&code);
        if tables.mails.count(place, slice).wrong >= most {
            let slices = tables.mails.slices_until_below(place, most, slice).max(1);
            let first = tables.mails.tell(place, slice);
            return Err(Refused { limit: Limit::Registrations, retry_after: grid.until(now, slices), first });
        }
        tables.mails.begin(place, slice);
        tables.mails.keep(place);
        Ok(())
    }

    /// Gives back the memory of what does not count any more. A job for every minute or so.
    pub fn prune(&self, limits: &Limits, now: Time) {
        let now = Grid::of(limits.window).slice(now);
        let mut tables = self.tables.lock();
        let Tables { subjects, familiar, prefixes, mails, .. } = &mut *tables;
        for table in [subjects, familiar, prefixes, mails] {
            table.prune(now);
        }
    }

    fn places(&self, guess: &Guess) -> Places {
        let code = |bytes: Vec<u8>| self.key.sign(&bytes);
        let familiar = guess.familiar.zip(guess.subject.as_ref());
        let tables = self.tables.lock();
        Places {
            subject: guess.subject.as_ref().map(|subject| tables.subjects.place(&code(subject.bytes()))),
            familiar: familiar.map(|(caller, subject)| tables.familiar.place(&code(caller.bytes(subject)))),
            prefix: tables.prefixes.place(&code(guess.prefix.bytes())),
        }
    }

    fn attempt(self: &Arc<Self>, places: Places, limits: &Limits, now: Time) -> Attempt {
        let grid = Grid::of(limits.window);
        let slice = grid.slice(now);
        let mut tables = self.tables.lock();
        let facts = tables.facts(places, slice);
        let verdict = match decide(&facts, limits) {
            Decision::Wait => return Attempt::Wait,
            Decision::Admit => {
                tables.begin(places, slice);
                Ok(Reservation(Some(Held { throttles: Arc::clone(self), places, slice })))
            }
            Decision::Refuse(limit) => {
                let (slices, first) = tables.refuse(places, limit, (limits, &facts), slice);
                Err(Refused { limit, retry_after: grid.until(now, slices), first })
            }
        };
        let unusual = limits.is_unusual(facts.everything) && tables.tell(slice);
        Attempt::Done(Admission { verdict, unusual })
    }

    fn end(&self, held: &Held, right: bool) {
        let mut tables = self.tables.lock();
        if right {
            tables.take_back(held.places, held.slice);
        } else {
            tables.keep(held.places);
        }
        drop(tables);
        self.ended.notify_waiters();
    }
}

impl Tables {
    fn facts(&self, places: Places, now: Slice) -> Facts {
        Facts {
            familiar: places.familiar.map(|place| self.familiar.count(place, now)),
            subject: places.subject.map(|place| self.subjects.count(place, now)),
            prefix: self.prefixes.count(places.prefix, now),
            everything: self.everything.map_or(0, |window| window.count(now)),
        }
    }

    fn begin(&mut self, places: Places, now: Slice) {
        self.each(places, |table, place| table.begin(place, now));
        self.everything.get_or_insert_with(|| Window::new(now)).hit(now);
    }

    fn keep(&mut self, places: Places) {
        self.each(places, Sketch::keep);
    }

    fn take_back(&mut self, places: Places, begun: Slice) {
        self.each(places, |table, place| table.take_back(place, begun));
        if let Some(everything) = &mut self.everything {
            everything.take_back(begun);
        }
    }

    /// A familiar caller's guesses are strangers' guesses too: one who used up the own ones finds the account's used up.
    fn each(&mut self, places: Places, mut change: impl FnMut(&mut Sketch, Place)) {
        if let Some(place) = places.subject {
            change(&mut self.subjects, place);
        }
        if let Some(place) = places.familiar {
            change(&mut self.familiar, place);
        }
        change(&mut self.prefixes, places.prefix);
    }

    /// After how many slices another try is worth it, and whether it is news that the limit was hit.
    fn refuse(
        &mut self,
        places: Places,
        limit: Limit,
        (limits, facts): (&Limits, &Facts),
        now: Slice,
    ) -> (i64, bool) {
        let (table, place, most) = match (limit, places.subject) {
            (Limit::Account, Some(place)) => (&mut self.subjects, place, limits.account),
            _ => (&mut self.prefixes, places.prefix, limits.of_prefix(facts.everything)),
        };
        let (slices, news) = (table.slices_until_below(place, most, now), table.tell(place, now));
        let own = places.familiar.map(|own| self.familiar.slices_until_below(own, limits.account, now));
        (own.map_or(slices, |own| own.min(slices)), news)
    }

    fn tell(&mut self, now: Slice) -> bool {
        let news = self.told.is_none_or(|told| !told.reaches(now));
        if news {
            self.told = Some(now);
        }
        news
    }
}

impl Reservation {
    /// Where nothing is limited.
    pub const fn unlimited() -> Self {
        Self(None)
    }

    /// The guess was right, or nothing was compared after all: it never was.
    pub fn release(mut self) {
        if let Some(held) = self.0.take() {
            held.throttles.end(&held, true);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(held) = self.0.take() {
            held.throttles.end(&held, false);
        }
    }
}

impl std::fmt::Debug for Throttles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Throttles")
    }
}
