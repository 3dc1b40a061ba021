//! Deletes what expired, in bounded steps. What expired is refused whether it was deleted or not.

use countersign_store::cleanup::{Kept, clean_up};

use crate::app::App;
use crate::flows::client as clients;
use crate::keyring::system;

/// One round: until nothing is left to delete.
pub async fn step(app: App) {
    if !super::clock::is_trusted(&app) {
        tracing::warn!("nothing is deleted: the clock is not trusted yet");
        return;
    }
    let stamp = system(app.clock.now(), app.random.as_ref());
    if let Err(problem) = clients::end_unused(&app).await {
        tracing::warn!(
            cause = problem.cause,
            "cannot end clients that nobody uses; the next round tries again"
        );
    }
    let kept = Kept { audit: app.policy.audit_kept, jobs: app.config.dev };
    match clean_up(&app.store, &kept, &stamp).await {
        Ok(0) => {}
        Ok(rows) => tracing::info!(rows, "deleted what expired"),
        Err(error) => tracing::warn!(%error, "cannot delete what expired; the next round tries again"),
    }
}
