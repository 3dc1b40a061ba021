//! Guesses of this process: counted before they are compared, taken back when they were right.

use std::pin::Pin;
use std::sync::Arc;

use countersign_core::account::Email;
use countersign_core::secret::MacKey;
use countersign_core::throttle::admit::{Decision, Facts, Limit, decide};
use countersign_core::throttle::prefix::WIDTHS;
use countersign_core::throttle::window::{Grid, Slice, Window};
use countersign_core::throttle::{Familiar, Guess, Limits, Prefix, Weight};
use countersign_core::{Span, Time};
use futures_util::future::select_all;
use parking_lot::Mutex;
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, Semaphore};

use super::mails::Mails;
use super::sketch::{Place, Sketch};

/// Cells in a row of a table: up to 10 MiB a table while it is overrun.
const COLUMNS: usize = 1 << 15;

/// So many guesses wait for others at once: more than one address may have connections.
const WAITING: usize = 2000;
/// Guesses about different things mostly have different bells.
const BELLS: usize = 64;

/// Everything that throttling counts. Shared by all tasks of the process; a restart forgets it.
pub struct Throttles {
    key: MacKey,
    tables: Mutex<Tables>,
    /// A guess about something came to its end, whatever that was.
    ended: [Notify; BELLS],
    waiting: Semaphore,
}

#[derive(Debug)]
struct Tables {
    subjects: Sketch,
    familiar: Sketch,
    networks: Sketch,
    mails: Mails,
    everything: Option<Window>,
    /// When it was last told that more comes in than usual.
    told: Option<Slice>,
}

/// What becomes of a guess, or of a request for a mail.
#[derive(Debug)]
#[must_use]
pub struct Admission {
    /// It may be made, or not.
    pub verdict: Result<Reservation, Denied>,
    /// More comes in over everything than usual, for the first time within the window.
    pub unusual: bool,
}

/// Why nothing may be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// Too many were made.
    Refused(Refused),
    /// Too many wait for others already.
    Crowded,
}

/// A limit was hit.
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

/// Where a guess is counted.
#[derive(Debug, Clone, Copy)]
struct Places {
    /// What it is about, and what was typed.
    subjects: [Option<Place>; 2],
    /// The caller, and all that the subject knows.
    familiar: Option<[Place; 2]>,
    /// From the narrowest to the widest.
    networks: [Option<Place>; WIDTHS],
    /// Whether it counts among all guesses.
    weight: Weight,
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
            networks: table(),
            mails: Mails::new(table()),
            everything: None,
            told: None,
        };
        let (ended, waiting) = (std::array::from_fn(|_| Notify::new()), Semaphore::new(WAITING));
        Self { key, tables: Mutex::new(tables), ended, waiting }
    }

    /// Counts a guess before anything is compared, if it may be made. Waits while that depends on guesses under way.
    pub async fn reserve(self: &Arc<Self>, guess: &Guess, limits: &Limits, now: Time) -> Admission {
        let places = self.places(guess);
        let mut seat = None;
        loop {
            let ended = self.ends(&places);
            match self.attempt(places, limits, now) {
                Attempt::Done(admission) => return admission,
                Attempt::Wait if seat.is_some() => {}
                Attempt::Wait => match self.waiting.try_acquire() {
                    Ok(taken) => seat = Some(taken),
                    Err(_) => return Admission { verdict: Err(Denied::Crowded), unusual: false },
                },
            }
            select_all(ended).await;
        }
    }

    /// The next end of any guess that this one could wait for: from here on none goes unnoticed.
    fn ends(&self, places: &Places) -> Vec<Pin<Box<Notified<'_>>>> {
        let bell = |place: Place| {
            let mut next = Box::pin(self.ended[place.bell(BELLS)].notified());
            next.as_mut().enable();
            next
        };
        places.all().map(bell).collect()
    }

    /// Counts a request for a mail to an address, if one more may be made.
    pub fn reserve_mail(
        &self,
        prefix: Prefix,
        to: &Email,
        (limits, now): (&Limits, Time),
    ) -> Result<(), Refused> {
        self.tables.lock().mails.reserve(&self.key, (prefix, to), (limits, now))
    }

    /// Counts the registration of a client, if one more than `most` is not too many (attack OAU-59).
    pub fn reserve_registration(
        &self,
        prefix: Prefix,
        most: u32,
        (limits, now): (&Limits, Time),
    ) -> Result<(), Refused> {
        self.tables.lock().mails.reserve_one(&self.key, (Limit::Registrations, prefix, most), (limits, now))
    }

    /// Counts a device that asks to be let in, if one more is not too many (attack DOS-07): each costs two rows.
    pub fn reserve_device(&self, prefix: Prefix, (limits, now): (&Limits, Time)) -> Result<(), Refused> {
        let asked = (Limit::Devices, prefix, limits.prefix);
        self.tables.lock().mails.reserve_one(&self.key, asked, (limits, now))
    }

    /// Gives back the memory of what does not count any more. A job for every minute or so.
    pub fn prune(&self, limits: &Limits, now: Time) {
        let now = Grid::of(limits.window).slice(now);
        let mut tables = self.tables.lock();
        let Tables { subjects, familiar, networks, mails, .. } = &mut *tables;
        for table in [subjects, familiar, networks] {
            table.prune(now);
        }
        mails.prune(now);
    }

    fn places(&self, guess: &Guess) -> Places {
        let code = |bytes: Vec<u8>| self.key.sign(&bytes);
        let familiar = guess.familiar.zip(guess.subject.as_ref());
        let familiar =
            familiar.map(|(caller, subject)| [caller.bytes(subject), Familiar::all_bytes(subject)]);
        let subjects = [&guess.subject, &guess.typed].map(|subject| Some(code(subject.as_ref()?.bytes())));
        let mut networks = guess.prefix.networks().map(|network| code(network.bytes()));
        let tables = self.tables.lock();
        Places {
            subjects: subjects.map(|subject| Some(tables.subjects.place(&subject?))),
            familiar: familiar.map(|callers| callers.map(|caller| tables.familiar.place(&code(caller)))),
            networks: std::array::from_fn(|_| Some(tables.networks.place(&networks.next()?))),
            weight: guess.weight,
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
                Err(Denied::Refused(Refused { limit, retry_after: grid.until(now, slices), first }))
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
        held.places.all().for_each(|place| self.ended[place.bell(BELLS)].notify_waiters());
    }
}

impl Places {
    fn all(self) -> impl Iterator<Item = Place> {
        let (subjects, networks) = (self.subjects.into_iter().flatten(), self.networks.into_iter().flatten());
        subjects.chain(networks).chain(self.familiar.into_iter().flatten())
    }
}

impl Tables {
    fn facts(&self, places: Places, now: Slice) -> Facts {
        Facts {
            familiar: places.familiar.map(|callers| callers.map(|place| self.familiar.count(place, now))),
            subjects: places.subjects.map(|place| Some(self.subjects.count(place?, now))),
            networks: places.networks.map(|place| Some(self.networks.count(place?, now))),
            everything: self.everything.map_or(0, |window| window.count(now)),
        }
    }

    fn begin(&mut self, places: Places, now: Slice) {
        self.each(places, |table, place| table.begin(place, now));
        if places.weight == Weight::Compared {
            self.everything.get_or_insert_with(|| Window::new(now)).hit(now);
        }
    }

    fn keep(&mut self, places: Places) {
        self.each(places, Sketch::keep);
    }

    fn take_back(&mut self, places: Places, begun: Slice) {
        self.each(places, |table, place| table.take_back(place, begun));
        if let Some(everything) = &mut self.everything
            && places.weight == Weight::Compared
        {
            everything.take_back(begun);
        }
    }

    /// A familiar caller's guesses are strangers' guesses too: one who used up the own ones finds the account's used up.
    fn each(&mut self, places: Places, mut change: impl FnMut(&mut Sketch, Place)) {
        places.subjects.into_iter().flatten().for_each(|place| change(&mut self.subjects, place));
        places.familiar.into_iter().flatten().for_each(|place| change(&mut self.familiar, place));
        places.networks.into_iter().flatten().for_each(|place| change(&mut self.networks, place));
    }

    /// After how many slices another try is worth it, and whether it is news that the limit was hit.
    fn refuse(
        &mut self,
        places: Places,
        limit: Limit,
        (limits, facts): (&Limits, &Facts),
        now: Slice,
    ) -> (i64, bool) {
        let all = limits.of_networks(facts.everything);
        let (table, used) = match limit {
            Limit::Account => (&mut self.subjects, with_limits(places.subjects, [limits.account; 2])),
            _ => (&mut self.networks, with_limits(places.networks, all)),
        };
        let waits: Vec<_> = used
            .into_iter()
            .map(|(place, most)| (table.slices_until_below(place, most, now), place))
            .collect();
        let slices = waits.iter().map(|(slices, _)| *slices).max().unwrap_or(0);
        // Of an account rather than of a name of it; of the widest network that is full, since it has many narrow ones.
        let mut full = waits.into_iter().filter(|(slices, _)| *slices > 0).map(|(_, place)| place);
        let told = if limit == Limit::Account { full.next() } else { full.next_back() };
        let news = told.is_some_and(|place| table.tell(place, now));
        let own = places.familiar.map(|callers| {
            let callers = callers.into_iter().zip(limits.of_familiar());
            callers.map(|(place, most)| self.familiar.slices_until_below(place, most, now)).max().unwrap_or(0)
        });
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

fn with_limits<const N: usize>(places: [Option<Place>; N], limits: [u32; N]) -> Vec<(Place, u32)> {
    places.into_iter().zip(limits).filter_map(|(place, most)| Some((place?, most))).collect()
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
