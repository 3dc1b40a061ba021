//! Writes down when sessions were last used: coarsely, never per request.

use crate::app::App;
use crate::keyring::system;

/// One round.
pub async fn step(app: App) {
    let stamp = system(app.clock.now(), app.random.as_ref());
    if let Err(error) = app.store.flush_seen(&stamp).await {
        tracing::warn!(%error, "cannot write down when sessions were last used; the next round tries again");
    }
}
