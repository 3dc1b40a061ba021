//! Keeps the store's memory in step with the database: writes down when sessions were last used (coarsely, never per
//! request), reads the revocation log on, and gives back memory that nothing needs any more.

use crate::app::App;
use crate::keyring::system;

/// One round.
pub async fn step(app: App) {
    let stamp = system(app.clock.now(), app.random.as_ref());
    if let Err(error) = app.store.flush_seen(&stamp).await {
        tracing::warn!(%error, "cannot write down when sessions were last used; the next round tries again");
    }
    // After a commit whose outcome was unknown, the log may hold what nobody was told of.
    if let Err(error) = app.store.catch_up().await {
        tracing::warn!(%error, "cannot read the revocation log; the next round tries again");
    }
    // A list that only looks past its end must be there when the clock is set right (attack STO-13).
    if super::clock::is_trusted(&app) {
        app.store.prune(stamp.at);
    }
    app.throttles.prune(&app.policy.throttle, app.uptime());
}
