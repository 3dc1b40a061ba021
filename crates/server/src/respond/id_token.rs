//! ID tokens signed (`OpenID` Connect Core section 2), by the algorithm that the client registered for.

use std::sync::Arc;

use countersign_core::account::Account;
use countersign_core::account::profile::Told;
use countersign_core::audit::Actor;
use countersign_core::claims::{ClaimsRequest, select};
use countersign_core::client::Client;
use countersign_core::grant::Login;
use countersign_core::key::Alg;
use countersign_core::token::{sid, subject};
use countersign_core::{AccountId, SessionId};
use countersign_jose::{Header, IdToken, at_hash};
use countersign_store::account::profile;
use serde_json::{Map, Value};

use crate::app::App;
use crate::ctx::Ctx;
use crate::keyring::{KeyringError, Keys};

use super::problem::{Kind, Problem};

/// What an ID token says.
pub(crate) struct About<'a> {
    /// To whom.
    pub(crate) client: &'a Client,
    /// About whom.
    pub(crate) account: &'a Account,
    /// What the login proved.
    pub(crate) login: &'a Login,
    /// The session whose login it was: `sid`.
    pub(crate) session: Option<SessionId>,
    /// The claims that were asked for one by one, as the grant keeps them.
    pub(crate) claims: Option<&'a str>,
    /// The request's.
    pub(crate) nonce: Option<&'a str>,
    /// The access token that comes with it.
    pub(crate) access_token: &'a str,
}

/// Signs an ID token.
pub(crate) async fn sign(ctx: &Ctx, about: &About<'_>) -> Result<String, Problem> {
    let app = &ctx.app;
    let alg = about.client.metadata.id_token_signed_response_alg;
    let iat = ctx.now.seconds();
    let claims = IdToken {
        iss: app.config.public_url.origin().to_owned(),
        sub: subject::name(&app.subjects, about.account.id, about.client),
        aud: vec![about.client.id.as_str().to_owned()],
        exp: iat + app.policy.token.life.as_seconds(),
        iat,
        auth_time: Some(about.login.at.seconds()),
        nonce: about.nonce.map(str::to_owned),
        acr: Some(about.login.acr.as_str().to_owned()),
        amr: about.login.amr.iter().map(|method| method.as_str().to_owned()).collect(),
        azp: Some(about.client.id.as_str().to_owned()),
        at_hash: Some(at_hash(alg, about.access_token)),
        sid: about.session.map(|session| sid::name(&app.session_names, session, &about.client.id)),
        person: person(ctx, about).await?,
    };
    let keys = keys(ctx, alg).await?;
    let key = keys.signing_by(alg).ok_or_else(|| Problem::new(Kind::Internal))?;
    let signed = key.sign(&Header { typ: IdToken::TYP }, &claims);
    signed.map_err(|error| Problem::new(Kind::Internal).cause(error.code()))
}

/// The keys, one that signs with `alg` among them.
pub(crate) async fn keys(ctx: &Ctx, alg: Alg) -> Result<Arc<Keys>, Problem> {
    let stamp = ctx.stamp(Actor::System);
    match ctx.app.keyring.signing_with(&ctx.app.store, alg, &stamp).await {
        Ok(keys) => Ok(keys),
        Err(KeyringError::Store(error)) => Err(error.into()),
        Err(error) => Err(Problem::new(Kind::Internal).cause(error.to_string())),
    }
}

/// Most clients ask for nothing by name: then nothing is looked up.
async fn person(ctx: &Ctx, about: &About<'_>) -> Result<Map<String, Value>, Problem> {
    let Some(request) = about.claims.and_then(|text| ClaimsRequest::parse(text).ok()) else {
        return Ok(Map::new());
    };
    if request.id_token().is_empty() {
        return Ok(Map::new());
    }
    let told = told(&ctx.app, about.account.id).await?;
    let custom = &ctx.app.config.custom_claims;
    Ok(select::id_token(select::Person { account: about.account, told: &told, custom }, Some(&request)))
}

/// What the account tells of itself.
pub(crate) async fn told(app: &App, account: AccountId) -> Result<Told, Problem> {
    profile::told(&app.store, account).await?.ok_or_else(|| Problem::new(Kind::NotFound))
}
