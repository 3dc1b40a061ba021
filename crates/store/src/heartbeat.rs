//! The proof that the store takes writes: one that is made for nothing else.

use crate::Store;
use crate::db::{Error, Outcome, Result, Statement};

// The number changes each time: an update to the same value writes nothing.
const BEAT: &str = "
UPDATE heartbeat
   SET beats = beats + 1
 WHERE id = 1";

pub(crate) const STATEMENTS: &[&str] = &[BEAT];

impl Store {
    /// Writes something, durably. The one write without an audit event: it changes nothing that anybody is told or that
    /// anything is decided by.
    pub async fn prove_write(&self) -> Result<()> {
        match self.db.apply(vec![Statement::exactly(1, BEAT, Vec::new())]).await? {
            Outcome::Applied(_) => Ok(()),
            Outcome::Lost => Err(Error::Unavailable("another write was first".to_owned())),
        }
    }
}
