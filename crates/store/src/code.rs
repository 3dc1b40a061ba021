//! Authorization codes: born here; what becomes of one is the token endpoint's.

use countersign_core::audit::{Event, Kind, Stamp};
use countersign_core::authorize::Challenge;
use countersign_core::client::ClientId;
use countersign_core::grant::{Login, Scopes};
use countersign_core::secret::Hash;
use countersign_core::token::Confirmation;
use countersign_core::url::ResourceId;
use countersign_core::{AccountId, SessionId, Time};

use crate::Batch;
use crate::grant::resource_words;
use crate::session::method_words;

const INSERT: &str = "
INSERT INTO codes (hash, client_id, account_id, session_id, redirect_uri, scopes, resources, challenge,
                   challenge_method, nonce, cnf, claims, authenticated_at, amr, acr, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";

/// The parent of a code that needed consent: whoever withdraws it waits for this batch, and then finds the code.
const HOLD_CONSENT: &str = "
UPDATE consents
   SET changed_at = changed_at
 WHERE account_id = $1
   AND client_id = $2";

pub(crate) const STATEMENTS: &[&str] = &[INSERT, HOLD_CONSENT];

/// A code about to be issued.
#[derive(Debug)]
pub struct NewCode<'a> {
    /// SHA-256 of the code's secret.
    pub hash: Hash,
    /// To whom.
    pub client: &'a ClientId,
    /// For whom.
    pub account: AccountId,
    /// The session that its grant will hang from, or was opened by.
    pub session: SessionId,
    /// The redirect URI as it was sent; none where it was left out.
    pub redirect_uri: Option<&'a str>,
    /// What is granted.
    pub scopes: &'a Scopes,
    /// And where.
    pub resources: &'a [ResourceId],
    /// What its verifier must fit.
    pub challenge: Option<Challenge>,
    /// For the ID token.
    pub nonce: Option<&'a str>,
    /// The key that it is bound to.
    pub confirmation: Option<Confirmation>,
    /// Claims asked for one by one, as they came.
    pub claims: Option<&'a str>,
    /// What the login proved.
    pub login: Login,
    /// Until when it may be redeemed.
    pub expires_at: Time,
    /// Guard: the account's consent, if one was needed.
    pub by_consent: bool,
}

/// Issues a code. `Lost`: the consent was withdrawn meanwhile.
pub fn issue_batch(new: &NewCode<'_>, stamp: &Stamp<'_>) -> Batch {
    let event =
        Event::new(Kind::CodeIssued).account(new.account).session(new.session).client(new.client.clone());
    let mut batch = Batch::new(stamp, event);
    if new.by_consent {
        let parent = vec![new.account.bytes().into(), new.client.as_str().into()];
        batch = batch.exactly(1, HOLD_CONSENT, parent);
    }
    let challenge = new.challenge.map(|challenge| challenge.encode());
    let values = vec![
        new.hash.as_bytes().into(),
        new.client.as_str().into(),
        new.account.bytes().into(),
        new.session.bytes().into(),
        new.redirect_uri.into(),
        new.scopes.to_string().into(),
        resource_words(new.resources).into(),
        challenge.as_deref().into(),
        challenge.as_ref().map(|_| "S256").into(),
        new.nonce.into(),
        new.confirmation.map(|key| key.to_string()).into(),
        new.claims.into(),
        new.login.at.micros().into(),
        method_words(&new.login.amr).into(),
        new.login.acr.as_str().into(),
        stamp.at.micros().into(),
        new.expires_at.micros().into(),
    ];
    batch.exactly(1, INSERT, values)
}
