//! Looks whether somebody set the clock (attack STO-13): the wall clock against the time that passed.
//!
//! Every limit goes by the wall clock, so one that jumps forward ends sessions early and one that is set back lets them
//! live longer. Nothing can be done about that here but to say so loudly, and to delete nothing until somebody had a day
//! to look: a clock that is ten years ahead for a minute must not cost the audit log.

use countersign_core::{Span, Time, clock_jump};
use parking_lot::Mutex;

use crate::app::App;

/// After a jump nothing is deleted for so long.
const QUARANTINE: Span = Span::days(1);
/// A smaller one harms nothing that is deleted: all of it is kept for longer.
const HARMLESS: Span = Span::hours(1);

/// What both clocks said last, and how long deleting waits.
#[derive(Debug)]
pub(crate) struct ClockWatch(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    last: (Time, Span),
    trusted_from: Span,
}

impl ClockWatch {
    /// Begins to watch: what the wall clock says, and how much time has passed.
    pub(crate) fn new(now: Time, passed: Span) -> Self {
        Self(Mutex::new(Inner { last: (now, passed), trusted_from: passed }))
    }

    /// Looks again. The jump since the last look, if there was one.
    fn look(&self, now: Time, passed: Span) -> Option<Span> {
        let mut inner = self.0.lock();
        let (last_now, last_passed) = inner.last;
        inner.last = (now, passed);
        let jump = clock_jump(now - last_now, Span::from_micros(passed.micros() - last_passed.micros()))?;
        if jump.micros().saturating_abs() > HARMLESS.micros() {
            inner.trusted_from = passed + QUARANTINE;
        }
        Some(jump)
    }

    /// Whether what the clock says may cost anything.
    fn is_trusted(&self, passed: Span) -> bool {
        passed >= self.0.lock().trusted_from
    }
}

/// One round.
pub async fn step(app: App) {
    look(&app);
}

/// Whether the clock has not jumped lately: asked before anything is deleted or forgotten for its age.
pub(super) fn is_trusted(app: &App) -> bool {
    // It may have jumped since the last round.
    look(app);
    app.clock_watch.is_trusted(app.clock.passed())
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

    const NOW: Time = Time::from_micros(1_700_000_000_000_000);

    #[test]
    fn sto_13_after_a_big_jump_nothing_is_deleted_for_a_day() {
        for (jump, trusted) in [
            (Span::seconds(0), true),
            (Span::minutes(59), true),
            (Span::hours(-2), false),
            (Span::days(3652), false),
        ] {
            let watch = ClockWatch::new(NOW, Span::ZERO);
            let round = Span::seconds(30);
            let found = watch.look(NOW + round + jump, round);
            assert_eq!(found.is_some(), jump != Span::ZERO);
            assert_eq!(watch.is_trusted(round), trusted, "{jump:?}");
            assert_eq!(watch.look(NOW + round + round + jump, round + round), None, "it is told once");
            assert!(watch.is_trusted(round + QUARANTINE));
        }
    }
}
