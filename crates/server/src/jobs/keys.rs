//! Rotates signing keys by schedule (I11).

use countersign_core::key::Alg;
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

/// The key that ID tokens are signed with unless a client says otherwise (`OpenID` Connect Core section 2): an RSA key takes
/// its time, so it is there before anybody asks for one.
pub async fn prepare(app: App) {
    let stamp = system(app.clock.now(), app.random.as_ref());
    if let Err(error) = app.keyring.signing_with(&app.store, Alg::Rs256, &stamp).await {
        tracing::warn!(%error, "cannot make the key of ID tokens; the first ID token tries again");
    }
}
