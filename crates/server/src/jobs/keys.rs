//! Rotates signing keys by schedule (I11).

use countersign_core::key::rotate::Ask;

use crate::app::App;
use crate::keyring::system;

/// One round.
pub async fn step(app: App) {
    // A replaced key does not come back when the clock is put right (attack STO-13).
    if !super::clock::is_trusted(&app) {
        tracing::warn!("no key is replaced: the clock is not trusted yet");
        return;
    }
    let stamp = system(app.clock.now(), app.random.as_ref());
    match app.keyring.rotate(&app.store, Ask::Schedule, &stamp).await {
        Ok(steps) if steps.is_empty() => {}
        Ok(steps) => tracing::info!(steps = steps.len(), "signing keys moved on"),
        Err(error) => tracing::error!(%error, "cannot rotate signing keys; the next round tries again"),
    }
}
