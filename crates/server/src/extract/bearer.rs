//! Access tokens for our own API: verified once, then remembered with the keys that verified them.
//!
//! What is remembered is what the token's bytes say and nothing that can change: whether its grant, session and account
//! live is asked at every request. Keys that change leave what they verified behind, so a token whose key was withdrawn
//! is verified again, and refused.

use countersign_core::client::ClientId;
use countersign_core::grant::scope;
use countersign_core::revocation::{ListId, StatusIndex};
use countersign_core::secret::{Hash, sha256};
use countersign_core::{AccountId, Time};
use countersign_jose::{AccessToken, Audience, MAX_LEN, Policy, verify};
use countersign_store::live::LiveGrant;
use quick_cache::sync::Cache;

use crate::app::App;
use crate::keyring::Keys;
use crate::respond::problem::{Kind, Problem};

/// Tokens remembered at most: some two MiB.
const REMEMBERED: usize = 16_384;

/// A verified access token that opens our API, for as long as its grant lives.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bearer {
    grant: StatusIndex,
    account: AccountId,
    /// The second that it was verified in: before it, should the clock go back, nothing is known of it.
    from: i64,
    /// `exp`: from this second on it counts no more.
    until: i64,
}

/// The tokens that one set of keys verified, by SHA-256 of all their bytes.
#[derive(Debug)]
pub(crate) struct Bearers(Cache<Hash, Bearer>);

impl Default for Bearers {
    fn default() -> Self {
        Self(Cache::new(REMEMBERED))
    }
}

impl Bearer {
    /// The token if the present keys verified it before and it still counts: nothing but a digest is computed.
    pub(crate) fn remembered(app: &App, token: &str, now: Time) -> Option<Self> {
        recall(&app.keyring.keys(), &sha256(token.as_bytes()), now)
    }

    /// The token, remembered or verified now by every check of the one verification path.
    pub(crate) fn read(app: &App, token: &str, now: Time) -> Result<Self, Problem> {
        let (keys, digest) = (app.keyring.keys(), sha256(token.as_bytes()));
        if let Some(bearer) = recall(&keys, &digest, now) {
            return Ok(bearer);
        }
        let bearer = open(app, &verified(app, &keys, token, now)?, now)?;
        keys.bearers().0.insert(digest, bearer);
        Ok(bearer)
    }

    /// Where its grant is found.
    pub(crate) const fn grant(&self) -> StatusIndex {
        self.grant
    }

    /// Whether the grant, its session and its account live, by what is known at this moment; it then counts as used.
    pub(crate) fn admit(&self, app: &App, grant: &LiveGrant, now: Time) -> bool {
        let lives =
            grant.session.session.account == self.account && grant.check(app.store.live(), now).is_ok();
        if lives {
            app.store.touch(&grant.session, now, &app.policy.session);
        }
        lives
    }
}

fn recall(keys: &Keys, digest: &Hash, now: Time) -> Option<Bearer> {
    let second = now.seconds();
    keys.bearers().0.get(digest).filter(|bearer| (bearer.from..bearer.until).contains(&second))
}

fn verified(app: &App, keys: &Keys, token: &str, now: Time) -> Result<AccessToken, Problem> {
    let issuer = app.config.public_url.origin();
    let policy = Policy {
        typ: AccessToken::TYP,
        algs: keys.algs(),
        issuer,
        audience: Audience::AnyOf(&[issuer]),
        now: now.seconds(),
        leeway: 0,
        max_len: MAX_LEN,
    };
    match verify::<AccessToken>(token, keys.verifying(), &policy) {
        Ok(verified) => Ok(verified.into_claims()),
        Err(error) => Err(invalid_token().cause(error.code())),
    }
}

/// What the claims open here.
fn open(app: &App, claims: &AccessToken, now: Time) -> Result<Bearer, Problem> {
    // Bound to a key, and no proof of the key came along: no bearer token (RFC 9449 section 7.2).
    if claims.cnf.is_some() {
        return Err(invalid_token());
    }
    if claims.client_id != ClientId::built_in().as_str() || !claims.has_scope(scope::ACCOUNT) {
        return Err(Problem::new(Kind::Forbidden)
            .detail("The token does not open this API: it needs the scope account of a first-party client.")
            .challenge("Bearer error=\"insufficient_scope\", scope=\"account\""));
    }
    let grant = place(app, claims).ok_or_else(invalid_token)?;
    let account = AccountId::parse(&claims.sub).map_err(|_| invalid_token())?;
    Ok(Bearer { grant, account, from: now.seconds(), until: claims.exp })
}

/// The grant that the token names by its place in a status list of ours.
fn place(app: &App, claims: &AccessToken) -> Option<StatusIndex> {
    let reference = &claims.status.status_list;
    let path = reference.uri.strip_prefix(app.config.public_url.origin())?;
    let list = ListId::parse(path.strip_prefix("/statuslists/")?)?;
    Some(StatusIndex { list, index: u32::try_from(reference.idx).ok()? })
}

/// One answer to every token that does not count.
pub(crate) fn invalid_token() -> Problem {
    Problem::new(Kind::InvalidToken)
        .detail("The token is malformed, expired, revoked, or not for this server.")
        .challenge("Bearer error=\"invalid_token\"")
}
