//! Looks whether somebody set the clock (attack STO-13): the wall clock against the time that passed, and at a start against
//! what the last process wrote down of it. The rule is in `core/time/trust.rs`.
//!
//! Every limit goes by the wall clock, so one that jumps forward ends sessions early and one that is set back lets them
//! live longer. Nothing can be done about that here but to say so loudly, and to delete nothing and replace no key until
//! somebody had a day to look: a clock that is ten years ahead for a minute must not cost the audit log.

use countersign_core::time::trust::{Sighting, after_jump, at_start};
use countersign_core::{Span, Time, clock_jump};
use countersign_store::{Store, db};
use parking_lot::Mutex;

use crate::app::App;
use crate::clock::Clock;

/// What both clocks said last, and how long deleting waits.
#[derive(Debug)]
pub(crate) struct ClockWatch(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    last: (Time, Span),
    trusted_from: Span,
}

impl ClockWatch {
    /// Begins to watch, at a start.
    pub(crate) async fn begin(store: &Store, clock: &dyn Clock) -> db::Result<Self> {
        let (epoch, now) = (store.epoch().await?, clock.now());
        if epoch.lies_ahead(now) {
            tracing::error!(
                not_before = %epoch.not_before(),
                "everything was ended by a clock that was ahead: whoever logs in is refused; `countersign doctor` says what to do"
            );
        }
        Ok(Self::new(store.clock_seen().await?, now, clock.passed()))
    }

    /// Likewise: what was written down before, what the wall clock says, and how much time has passed.
    fn new(seen: Option<Sighting>, now: Time, passed: Span) -> Self {
        let wary = at_start(seen, now);
        if wary > Span::ZERO {
            tracing::error!(
                %now,
                last_seen = seen.map(|seen| tracing::field::display(seen.at)),
                hours = wary.as_seconds() / 3600,
                "the clock is not trusted yet: it was set, or nothing ran for long; nothing is deleted and no key is replaced \
                 for a day"
            );
        }
        Self(Mutex::new(Inner { last: (now, passed), trusted_from: passed + wary }))
    }

    /// Looks again. The jump since the last look, if there was one.
    fn look(&self, now: Time, passed: Span) -> Option<Span> {
        let mut inner = self.0.lock();
        let (last_now, last_passed) = inner.last;
        inner.last = (now, passed);
        let jump = clock_jump(now - last_now, Span::from_micros(passed.micros() - last_passed.micros()))?;
        if let Some(wary) = after_jump(jump) {
            inner.trusted_from = passed + wary;
        }
        Some(jump)
    }

    /// For how much longer what the clock says may cost nothing; zero where it is trusted.
    pub(crate) fn wary(&self, passed: Span) -> Span {
        let left = self.0.lock().trusted_from.micros().saturating_sub(passed.micros());
        Span::from_micros(left.max(0))
    }
}

/// One round: looks, and writes down what it saw for the next process.
pub async fn step(app: App) {
    look(&app);
    let clock = Sighting { at: app.clock.now(), wary: app.clock_watch.wary(app.clock.passed()) };
    if let Err(error) = app.store.see_clock(clock).await {
        tracing::warn!(%error, "cannot write down what the clock says; the next round tries again");
    }
}

/// Whether the clock has not jumped lately: asked before anything is deleted, replaced or forgotten for its age.
pub(super) fn is_trusted(app: &App) -> bool {
    // It may have jumped since the last round.
    look(app);
    app.clock_watch.wary(app.clock.passed()) == Span::ZERO
}

fn look(app: &App) {
    let now = app.clock.now();
    if let Some(jump) = app.clock_watch.look(now, app.clock.passed()) {
        tracing::error!(
            seconds = jump.as_seconds(),
            %now,
            "the clock jumped: every limit goes by it; nothing is deleted for a day if it was by more than an hour"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::time::trust::QUARANTINE;

    const NOW: Time = Time::from_micros(1_700_000_000_000_000);

    #[test]
    fn sto_13_after_a_big_jump_nothing_is_deleted_for_a_day() {
        for (jump, trusted) in [
            (Span::seconds(0), true),
            (Span::minutes(59), true),
            (Span::hours(-2), false),
            (Span::days(3652), false),
        ] {
            let watch = ClockWatch::new(None, NOW, Span::ZERO);
            let round = Span::seconds(30);
            let found = watch.look(NOW + round + jump, round);
            assert_eq!(found.is_some(), jump != Span::ZERO);
            assert_eq!(watch.wary(round) == Span::ZERO, trusted, "{jump:?}");
            assert_eq!(watch.look(NOW + round + round + jump, round + round), None, "it is told once");
            assert_eq!(watch.wary(round + QUARANTINE), Span::ZERO);
        }
    }

    #[test]
    fn sto_13_a_restart_goes_on_with_the_distrust_that_was_left() {
        let left = Span::hours(5);
        let watch =
            ClockWatch::new(Some(Sighting { at: NOW, wary: left }), NOW + Span::seconds(3), Span::days(9));
        assert_eq!(watch.wary(Span::days(9)), left);
        assert_eq!(watch.wary(Span::days(9) + Span::hours(2)), Span::hours(3));
        assert_eq!(watch.wary(Span::days(9) + left), Span::ZERO);
    }
}
