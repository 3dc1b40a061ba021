//! The two writes without an audit event: they change nothing that anybody is told or may do.
//!
//! One proves that the store takes writes. The other writes down what the wall clock says, so that the next process knows
//! whether it was set meanwhile (attack STO-13).

use countersign_core::Span;
use countersign_core::time::trust::Sighting;

use crate::db::{Error, Outcome, Result, Statement};
use crate::{Store, columns};

// The number changes each time: an update to the same value writes nothing.
const BEAT: &str = "
UPDATE heartbeat
   SET beats = beats + 1
 WHERE id = 1";

const SEE_CLOCK: &str = "
UPDATE heartbeat
   SET clock_at = $1,
       clock_wary = $2
 WHERE id = 1";

const CLOCK: &str = "
SELECT clock_at, clock_wary
  FROM heartbeat
 WHERE id = 1";

pub(crate) const STATEMENTS: &[&str] = &[BEAT, SEE_CLOCK, CLOCK];

impl Store {
    /// Writes something, durably.
    pub async fn prove_write(&self) -> Result<()> {
        self.beat(Statement::exactly(1, BEAT, Vec::new())).await
    }

    /// Writes down what the clock says.
    pub async fn see_clock(&self, clock: Sighting) -> Result<()> {
        let values = vec![clock.at.micros().into(), clock.wary.micros().into()];
        self.beat(Statement::exactly(1, SEE_CLOCK, values)).await
    }

    /// What was written down of the clock last; none where nobody did.
    pub async fn clock_seen(&self) -> Result<Option<Sighting>> {
        let rows = self.db.read(CLOCK, &[]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let (at, wary) = (columns::opt_time(row, 0)?, row.opt_int(1)?);
        Ok(at.map(|at| Sighting { at, wary: Span::from_micros(wary.unwrap_or(0)) }))
    }

    async fn beat(&self, statement: Statement) -> Result<()> {
        match self.db.apply(vec![statement]).await? {
            Outcome::Applied(_) => Ok(()),
            Outcome::Lost => Err(Error::Unavailable("another write was first".to_owned())),
        }
    }
}
