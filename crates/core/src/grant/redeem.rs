//! `grant_type=authorization_code` (RFC 6749 section 4.1.3, RFC 7636 section 4.6; attacks OAU-07, OAU-15 to OAU-21,
//! DPO-09).
//!
//! A code counts once. Whoever brings it with something else than it was given for has burned it; if it comes again,
//! what the first use minted ends, since nobody can tell which of the two was the thief.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::client::{Client, ClientId, GrantType};
use crate::revocation::Epoch;
use crate::secret::{Hash, Secret, sha256};
use crate::session::check;
use crate::token::Confirmation;
use crate::url::ResourceId;
use crate::{AccountId, GrantId, SessionId, Time};

use super::open::Granted;
use super::refresh::Target;
use super::scope::OFFLINE_ACCESS;
use super::{Login, Scopes, binding, target};

/// What a code's text begins with.
pub const PREFIX: &str = "cs_ac_";

/// A code as it lies in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// SHA-256 of its secret.
    pub hash: Hash,
    /// Whom it was given to.
    pub client: ClientId,
    /// Who gave it.
    pub account: AccountId,
    /// By which session.
    pub session: SessionId,
    /// Where it was sent, if the request named it.
    pub redirect_uri: Option<String>,
    /// What was granted.
    pub scopes: Scopes,
    /// And where.
    pub resources: Vec<ResourceId>,
    /// PKCE: base64url of the SHA-256 of the verifier.
    pub challenge: Option<String>,
    /// Goes into the ID token as it came.
    pub nonce: Option<String>,
    /// The key that it is bound to (RFC 9449 section 10).
    pub confirmation: Option<Confirmation>,
    /// Claims that were asked for one by one.
    pub claims: Option<String>,
    /// What the login proved.
    pub login: Login,
    /// When it was given.
    pub created_at: Time,
    /// From then on it does not count.
    pub expires_at: Time,
    /// When it was used, or burned.
    pub used_at: Option<Time>,
    /// What its use minted.
    pub grant: Option<GrantId>,
}

impl Code {
    /// What its grant is made of.
    pub fn granted(&self) -> Granted<'_> {
        Granted {
            account: self.account,
            client: &self.client,
            session: self.session,
            scopes: &self.scopes,
            resources: &self.resources,
            confirmation: self.confirmation,
            login: &self.login,
            claims: self.claims.as_deref(),
        }
    }
}

/// The hash that a code is looked up by; none for what has not the shape of one (attack OAU-21).
pub fn lookup(text: &str) -> Option<Hash> {
    Secret::parse(text.strip_prefix(PREFIX)?).ok().map(|secret| secret.hash())
}

/// What is known.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The code of that hash.
    pub code: Option<&'a Code>,
    /// The session that gave it, as a request of its cookie would find it.
    pub session: Option<check::Facts<'a>>,
    /// The client that proved itself.
    pub client: &'a Client,
    /// The resource that was asked for is one that tokens can be made for.
    pub resource_known: bool,
    /// What began before it is over (attack STO-16).
    pub epoch: Epoch,
}

/// What the client brings beside the code.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Where the code was sent.
    pub redirect_uri: Option<&'a str>,
    /// PKCE.
    pub verifier: Option<&'a str>,
    /// The key whose proof came along.
    pub key: Option<Confirmation>,
    /// Where the access token shall count, if not where the grant says.
    pub target: Option<Target>,
}

/// What a redemption does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The code is spent and the grant begins, in one breath.
    Mint(Mint),
    /// It is burned.
    Burn(Refusal),
    /// It came a second time: the grant of the first use ends.
    Reuse(GrantId),
    /// Nothing happens.
    Refuse(Refusal),
}

/// What begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mint {
    /// The grant outlives the session.
    pub offline: bool,
    /// It has refresh tokens.
    pub refresh: bool,
    /// The key that its tokens are bound to.
    pub key: Option<Confirmation>,
}

/// Why a code is refused. But for three of them it is `invalid_grant`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No such code, or it was burned.
    Unknown,
    /// Too late.
    Expired,
    /// Its session, account or login is over.
    Ended,
    /// Given to another client.
    Client,
    /// Sent to another place.
    RedirectUri,
    /// Not the verifier of its challenge, or one where there was no challenge.
    Verifier,
    /// Bound to another key.
    Key,
    /// A proof of a key has to come along: `invalid_dpop_proof`.
    KeyMissing,
    /// Not a resource of the code: `invalid_target`.
    Target,
}

impl Refusal {
    /// The word in the audit log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Expired => "expired",
            Self::Ended => "ended",
            Self::Client => "client",
            Self::RedirectUri => "redirect_uri",
            Self::Verifier => "verifier",
            Self::Key => "key",
            Self::KeyMissing => "key_missing",
            Self::Target => "target",
        }
    }
}

/// Decides a redemption.
pub fn decide(facts: &Facts<'_>, request: &Request<'_>, now: Time) -> Decision {
    let Some(code) = facts.code else { return Decision::Refuse(Refusal::Unknown) };
    let own = code.client == facts.client.id;
    if code.used_at.is_some() {
        // A stranger's second use proves nothing about the first.
        return match code.grant {
            Some(grant) if own => Decision::Reuse(grant),
            _ => Decision::Refuse(Refusal::Unknown),
        };
    }
    if !own {
        return Decision::Burn(Refusal::Client);
    }
    if now >= code.expires_at {
        return Decision::Refuse(Refusal::Expired);
    }
    if facts.epoch.ends(code.created_at) || !session_lives(facts.session, code.account, now) {
        return Decision::Refuse(Refusal::Ended);
    }
    if !redirect_uri_fits(code, request.redirect_uri, facts.client) {
        return Decision::Burn(Refusal::RedirectUri);
    }
    if !verifier_fits(code.challenge.as_deref(), request.verifier) {
        return Decision::Burn(Refusal::Verifier);
    }
    let asked = (request.target.as_ref(), request.key);
    match mint(&code.granted(), asked, facts.client, facts.resource_known) {
        Ok(mint) => Decision::Mint(mint),
        Err(NoMint::Target) => Decision::Refuse(Refusal::Target),
        Err(NoMint::Key(binding::Refusal::Missing)) => Decision::Refuse(Refusal::KeyMissing),
        Err(NoMint::Key(binding::Refusal::OtherKey)) => Decision::Burn(Refusal::Key),
    }
}

/// Whether the session that allowed something is still the account's own, and counts.
pub(crate) fn session_lives(session: Option<check::Facts<'_>>, account: AccountId, now: Time) -> bool {
    session.is_some_and(|session| session.session.account == account && check::decide(session, now).is_ok())
}

/// Why nothing begins of what was granted.
pub(crate) enum NoMint {
    /// It was not granted for there.
    Target,
    /// The proof is not of its key.
    Key(binding::Refusal),
}

/// What begins of what was granted, whatever code stands for it, at the place and with the key that come along.
pub(crate) fn mint(
    granted: &Granted<'_>,
    (target, key): (Option<&Target>, Option<Confirmation>),
    client: &Client,
    resource_known: bool,
) -> Result<Mint, NoMint> {
    let place = target::Facts { first_party: client.first_party, resource_known };
    if !target::is_allowed((granted.scopes, granted.resources), target, place) {
        return Err(NoMint::Target);
    }
    let bound = binding::Facts {
        bound: granted.confirmation,
        demanded: client.demands_bound_tokens(),
        replaceable: false,
    };
    let key = binding::decide(bound, key).map_err(NoMint::Key)?;
    let refresh = client.metadata.may_use(GrantType::RefreshToken);
    Ok(Mint { offline: refresh && client.narrow(granted.scopes).contains(OFFLINE_ACCESS), refresh, key })
}

/// Named at the authorization endpoint, it is named here again, to the letter (RFC 6749 section 4.1.3). Where it was not,
/// there was but one that could be meant.
fn redirect_uri_fits(code: &Code, given: Option<&str>, client: &Client) -> bool {
    match (code.redirect_uri.as_deref(), given) {
        (Some(sent), given) => given == Some(sent),
        (None, Some(given)) => client.metadata.redirect_uris.iter().any(|known| known == given),
        (None, None) => true,
    }
}

/// RFC 7636 section 4.6. A verifier where there was no challenge is as wrong as none where there was one (attack OAU-16).
fn verifier_fits(challenge: Option<&str>, verifier: Option<&str>) -> bool {
    match (challenge, verifier) {
        (None, None) => true,
        (Some(challenge), Some(verifier)) => {
            let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            (43..=128).contains(&verifier.len())
                && verifier.bytes().all(unreserved)
                && URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()).as_bytes()) == challenge
        }
        (None, Some(_)) | (Some(_), None) => false,
    }
}

#[cfg(test)]
mod tests;
