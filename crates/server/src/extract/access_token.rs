//! Access tokens of ours: verified once, then remembered with the keys that verified them.
//!
//! What is remembered is what the token's bytes say and nothing that can change: whether its grant, session, account or
//! client lives is asked at every request. Keys that change leave what they verified behind, so a token whose key was
//! withdrawn is verified again, and refused.

use std::sync::Arc;

use countersign_core::client::ClientId;
use countersign_core::grant::scope;
use countersign_core::revocation::{Jti, ListId, StatusIndex};
use countersign_core::secret::{Hash, sha256};
use countersign_core::token::{Confirmation, subject};
use countersign_core::{AccountId, Time};
use countersign_jose::{AccessToken, Audience, MAX_LEN, Policy, verify};
use countersign_store::client::Stored;
use countersign_store::live::LiveGrant;
use quick_cache::sync::Cache;

use crate::app::App;
use crate::ctx::Ctx;
use crate::keyring::Keys;
use crate::respond::problem::{Kind, Problem};

/// Tokens remembered at most: some ten MiB.
const REMEMBERED: usize = 16_384;

/// A verified access token, whoever it was given to and wherever it counts.
#[derive(Debug)]
pub(crate) struct Token {
    /// What it says.
    pub(crate) claims: AccessToken,
    /// The key that whoever uses it has to prove.
    pub(crate) key: Option<Confirmation>,
    /// Its own name, if it has one of ours.
    pub(crate) jti: Option<Jti>,
    place: StatusIndex,
    account: Option<AccountId>,
    /// The second that it was verified in: before it, should the clock go back, nothing is known of it.
    from: i64,
}

/// Whom a live token was given to.
#[derive(Debug)]
pub(crate) enum Holder {
    /// A client, by a grant of an account.
    Grant(Arc<LiveGrant>),
    /// A client on its own account (`client_credentials`).
    Client,
}

/// The tokens that one set of keys verified, by SHA-256 of all their bytes.
#[derive(Debug)]
pub(crate) struct Tokens(Cache<Hash, Arc<Token>>);

impl Default for Tokens {
    fn default() -> Self {
        Self(Cache::new(REMEMBERED))
    }
}

impl Token {
    /// The token if the present keys verified it before and it still counts: nothing but a digest is computed.
    pub(crate) fn remembered(app: &App, token: &str, now: Time) -> Option<Arc<Self>> {
        recall(&app.keyring.keys(), &sha256(token.as_bytes()), now)
    }

    /// The token, remembered or verified now by every check of the one verification path. For whom it is and what it opens
    /// is the caller's question.
    pub(crate) fn read(app: &App, token: &str, now: Time) -> Result<Arc<Self>, Problem> {
        let (keys, digest) = (app.keyring.keys(), sha256(token.as_bytes()));
        if let Some(token) = recall(&keys, &digest, now) {
            return Ok(token);
        }
        let token = Arc::new(open(app, verified(app, &keys, token, now)?, now).ok_or_else(invalid_token)?);
        keys.tokens().0.insert(digest, Arc::clone(&token));
        Ok(token)
    }

    /// Where its grant is found, or the place of its client's own tokens.
    pub(crate) const fn place(&self) -> StatusIndex {
        self.place
    }

    /// Whether it counts here and not at another API.
    pub(crate) fn is_for(&self, app: &App) -> bool {
        self.claims.aud.iter().any(|audience| audience == app.config.public_url.origin())
    }

    /// Whether it says that it opens the API of accounts.
    pub(crate) fn says_account(&self, app: &App) -> bool {
        self.is_for(app) && self.claims.has_scope(scope::ACCOUNT)
    }

    /// Whether it was given to the client that is part of this server.
    pub(crate) fn is_of_built_in(&self) -> bool {
        self.claims.client_id == ClientId::built_in().as_str()
    }

    /// Whether the grant is that of a token which calls the account by its own name, and counts. Nothing is waited for.
    pub(crate) fn admit(&self, app: &App, grant: &LiveGrant, now: Time) -> bool {
        self.account == Some(grant.grant.account) && self.counts(app, grant, now)
    }

    /// The token's grant, if it counts at this moment.
    pub(crate) async fn grant(&self, ctx: &Ctx) -> Result<Option<Arc<LiveGrant>>, Problem> {
        let app = &ctx.app;
        let Some(grant) = app.store.session_by_index(self.place, ctx.now).await? else { return Ok(None) };
        let own = match self.account {
            Some(named) => named == grant.grant.account,
            None => self.is_name_of(app, grant.grant.account).await?,
        };
        Ok(Some(grant).filter(|grant| own && self.counts(app, grant, ctx.now)))
    }

    /// Whether the grant was given to the token's client and lives, with all that it hangs from; it then counts as used.
    fn counts(&self, app: &App, grant: &LiveGrant, now: Time) -> bool {
        let own = grant.grant.client.as_str() == self.claims.client_id;
        let lives = own && !self.is_revoked(app) && grant.check(app.store.live(), now).is_ok();
        if let Some(session) = grant.session().filter(|_| lives) {
            app.store.touch(session, now, &app.policy.session);
        }
        lives
    }

    /// Whom the token was given to, if it counts at this moment.
    pub(crate) async fn holder(&self, ctx: &Ctx) -> Result<Option<Holder>, Problem> {
        let app = &ctx.app;
        if self.claims.sub != self.claims.client_id {
            return Ok(self.grant(ctx).await?.map(Holder::Grant));
        }
        let stored = self.client(app).await?;
        let issued_at = Time::from_micros(self.claims.iat.saturating_mul(1_000_000));
        let counts = app.store.place_lives(self.place, issued_at).await? && !self.is_revoked(app);
        let open = stored.is_some_and(|stored| stored.client.is_open(ctx.now));
        Ok((counts && open).then_some(Holder::Client))
    }

    /// Whether `sub` is the name by which the token's client knows the account.
    async fn is_name_of(&self, app: &App, account: AccountId) -> Result<bool, Problem> {
        let stored = self.client(app).await?;
        let name = stored.map(|stored| subject::name(&app.subjects, account, &stored.client));
        Ok(name.is_some_and(|name| name == self.claims.sub))
    }

    async fn client(&self, app: &App) -> Result<Option<Arc<Stored>>, Problem> {
        let Some(client) = ClientId::parse(&self.claims.client_id) else { return Ok(None) };
        Ok(app.store.client(&client).await?)
    }

    fn is_revoked(&self, app: &App) -> bool {
        self.jti.is_some_and(|jti| app.store.live().is_token_revoked(&jti))
    }
}

fn recall(keys: &Keys, digest: &Hash, now: Time) -> Option<Arc<Token>> {
    let second = now.seconds();
    keys.tokens().0.get(digest).filter(|token| (token.from..token.claims.exp).contains(&second))
}

fn verified(app: &App, keys: &Keys, token: &str, now: Time) -> Result<AccessToken, Problem> {
    let policy = Policy {
        typ: AccessToken::TYP,
        algs: keys.algs(),
        issuer: app.config.public_url.origin(),
        audience: Audience::Any,
        now: now.seconds(),
        leeway: 0,
        max_len: MAX_LEN,
    };
    match verify::<AccessToken>(token, keys.verifying(), &policy) {
        Ok(verified) => Ok(verified.into_claims()),
        Err(error) => Err(invalid_token().cause(error.code())),
    }
}

/// What the claims say in our own words; none where they are none of ours.
fn open(app: &App, claims: AccessToken, now: Time) -> Option<Token> {
    let key = match &claims.cnf {
        None => None,
        Some(cnf) => Some(Confirmation::parse_jkt(&cnf.jkt)?),
    };
    Some(Token {
        key,
        jti: Jti::parse(&claims.jti),
        place: place(app, &claims)?,
        account: AccountId::parse(&claims.sub).ok(),
        from: now.seconds(),
        claims,
    })
}

/// The place in a status list of ours that the token names.
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
