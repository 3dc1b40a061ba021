//! Backups: a verified copy of the database in one file, made while it serves.

use countersign_core::audit::{Event, Kind, Stamp};

use crate::db::snapshot::{Snapshot, SnapshotError, Target, Watch};
use crate::{Batch, Store};

impl Store {
    /// Writes the backup. What is written to the store meanwhile is not in it.
    pub async fn back_up(&self, target: Target, watch: Watch) -> Result<Snapshot, SnapshotError> {
        self.db.snapshot(target, watch).await
    }
}

/// The log says that a backup was written, and which.
pub fn backed_up_batch(snapshot: &Snapshot, stamp: &Stamp<'_>) -> Batch {
    let event = Event::new(Kind::StoreBackedUp).detail("sha256", snapshot.sha256.clone());
    Batch::new(stamp, event.detail("bytes", snapshot.bytes.to_string()))
}
