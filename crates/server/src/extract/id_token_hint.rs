//! `id_token_hint`: an ID token of ours that comes back (`OpenID` Connect Core section 3.1.2.1, RP-Initiated Logout section 2).

use countersign_core::Time;
use countersign_core::client::ClientId;
use countersign_core::key::Alg;
use countersign_jose::{Audience, IdToken, MAX_LEN, Policy, verify_hint};

use crate::app::App;

/// A hint, and the one client that it was given to.
pub(crate) struct Hint {
    pub(crate) client: ClientId,
    pub(crate) token: IdToken,
}

/// The hint, if it is an ID token of ours: signed by a key that this server has or had, expired or not. Other kinds of our
/// tokens are none (attack JWT-14).
pub(crate) fn read(app: &App, text: &str, now: Time) -> Option<Hint> {
    let policy = Policy {
        typ: IdToken::TYP,
        algs: Alg::ALL,
        issuer: app.config.public_url.origin(),
        audience: Audience::None,
        now: now.seconds(),
        leeway: app.policy.leeway.as_seconds(),
        max_len: MAX_LEN,
    };
    let keys = app.keyring.keys();
    let token = verify_hint::<IdToken>(text, keys.hints(), &policy).ok()?.into_claims();
    match token.aud.as_slice() {
        [one] => Some(Hint { client: ClientId::parse(one)?, token }),
        _ => None,
    }
}
