//! Backups of the database, while it serves.

use std::path::PathBuf;

use countersign_core::audit::Actor;
use countersign_store::backup::backed_up_batch;
use countersign_store::db::snapshot::{SnapshotError, Target, Watch};

use crate::ctx::Ctx;

use super::{AdminError, BackupEntry, Reply};

/// Writes one, has it verified, and says so in the audit log.
pub(super) async fn back_up(
    ctx: &Ctx,
    file: String,
    overwrite: bool,
    watch: Watch,
) -> Result<Reply, AdminError> {
    let path = PathBuf::from(&file);
    if !path.is_absolute() {
        return Err(AdminError::invalid("FILE:", &"must be an absolute path"));
    }
    let snapshot = ctx.app.store.back_up(Target { path, overwrite }, watch).await?;
    tracing::info!(file, bytes = snapshot.bytes, sha256 = snapshot.sha256, "backup written");
    let mut attempts = ctx.attempts();
    while !attempts.apply(backed_up_batch(&snapshot, &ctx.stamp(Actor::Operator))).await? {}
    Ok(Reply::BackedUp(BackupEntry::of(file, &snapshot)))
}

impl From<SnapshotError> for AdminError {
    fn from(error: SnapshotError) -> Self {
        match error {
            SnapshotError::Store(error) => error.into(),
            SnapshotError::NotAFile => Self::Failed(
                "store.url is a PostgreSQL database, which makes its own backups: `pg_dump --format=custom --file=FILE DATABASE`. \
                 Put one back with `pg_restore`, then run `countersign restore --in-place`"
                    .to_owned(),
            ),
            SnapshotError::File { path, reason } => Self::Failed(format!(
                "{path}: {reason}. The server itself writes the file: choose a folder that its user may write to"
            )),
            error => Self::Failed(error.to_string()),
        }
    }
}
