//! Looks at what nothing counts as it happens: the outboxes, and the age of the key that signs.

use countersign_core::key::State;
use countersign_store::{backchannel, db, job, key};

use crate::app::App;

/// One round.
pub async fn step(app: App) {
    if let Err(error) = look(&app).await {
        tracing::warn!(%error, "cannot look at the outbox and the keys; the next round tries again");
    }
}

async fn look(app: &App) -> Result<(), db::Error> {
    let now = app.clock.now();
    let outbox = job::outbox(&app.store).await?;
    app.metrics.mail_waiting.set(outbox.waiting);
    app.metrics.mail_oldest.set(outbox.oldest.map_or(0, |since| (now - since).as_seconds()));
    app.metrics.logouts_waiting.set(backchannel::waiting(&app.store).await?);
    let keys = key::keys(&app.store).await?;
    let active = || keys.iter().map(|stored| &stored.key).filter(|key| key.state == State::Active);
    let signs = active().find(|key| key.alg == app.config.token_alg).or_else(|| active().next());
    if let Some(key) = signs {
        app.metrics.key_since.set(key.since.seconds());
    }
    Ok(())
}
