//! ID tokens signed (`OpenID` Connect Core section 2), by the algorithm that the client registered for.

use countersign_core::AccountId;
use countersign_core::account::profile::Told;
use countersign_core::audit::Actor;
use countersign_core::claims::{ClaimsRequest, OPENID, select};
use countersign_core::client::Client;
use countersign_core::grant::{Grant, Login};
use countersign_core::key::Alg;
use countersign_core::token::{sid, subject};
use countersign_jose::{IdToken, at_hash};
use countersign_store::account::{account, profile};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::app::App;
use crate::ctx::Ctx;
use crate::keyring::KeyringError;

use super::problem::{Kind, Problem};
use super::token::TokenResponse;

/// What an ID token says.
pub(crate) struct About<'a> {
    /// To whom.
    pub(crate) client: &'a Client,
    /// The grant that it comes of.
    pub(crate) grant: &'a Grant,
    /// What the login proved.
    pub(crate) login: &'a Login,
    /// The request's.
    pub(crate) nonce: Option<&'a str>,
}

/// Puts an ID token beside the access token, where the grant is one of `OpenID` Connect.
pub(crate) async fn add(
    ctx: &Ctx,
    tokens: TokenResponse,
    about: &About<'_>,
) -> Result<TokenResponse, Problem> {
    if !about.grant.scopes.contains(OPENID) {
        return Ok(tokens);
    }
    let id_token = sign(ctx, about, tokens.access_token()).await?;
    Ok(tokens.with_id_token(id_token))
}

async fn sign(ctx: &Ctx, about: &About<'_>, access_token: &str) -> Result<String, Problem> {
    let app = &ctx.app;
    let About { client, grant, login, nonce } = *about;
    let alg = client.metadata.id_token_signed_response_alg;
    let iat = ctx.now.seconds();
    let session = grant.session.or(grant.opened_by);
    let claims = IdToken {
        iss: app.config.public_url.origin().to_owned(),
        sub: subject::name(&app.subjects, grant.account, client),
        aud: vec![client.id.as_str().to_owned()],
        exp: iat + app.policy.token.life.as_seconds(),
        iat,
        auth_time: Some(login.at.seconds()),
        nonce: nonce.map(str::to_owned),
        acr: Some(login.acr.as_str().to_owned()),
        amr: login.amr.iter().map(|method| method.as_str().to_owned()).collect(),
        azp: Some(client.id.as_str().to_owned()),
        at_hash: Some(at_hash(alg, access_token)),
        sid: session.map(|session| sid::name(&app.session_names, session, &client.id)),
        person: person(ctx, grant).await?,
    };
    signed(ctx, alg, &claims).await
}

/// Signs what one client reads, with the key of the algorithm that it registered for.
pub(crate) async fn signed(ctx: &Ctx, alg: Alg, claims: &impl Serialize) -> Result<String, Problem> {
    let (app, stamp) = (&ctx.app, ctx.stamp(Actor::System));
    match app.keyring.sign(&app.store, alg, (IdToken::TYP, claims), &stamp).await {
        Ok(signed) => Ok(signed),
        Err(KeyringError::Store(error)) => Err(error.into()),
        Err(error) => Err(Problem::new(Kind::Internal).cause(error.to_string())),
    }
}

/// Most clients ask for nothing by name: then nothing is looked up.
async fn person(ctx: &Ctx, grant: &Grant) -> Result<Map<String, Value>, Problem> {
    let request = grant.claims.as_deref().and_then(|text| ClaimsRequest::parse(text).ok());
    let Some(request) = request.filter(|request| !request.id_token().is_empty()) else {
        return Ok(Map::new());
    };
    let account = account(&ctx.app.store, grant.account).await?;
    let account = account.ok_or_else(|| Problem::new(Kind::Internal).cause("a grant of no account"))?;
    let told = told(&ctx.app, grant.account).await?;
    let custom = &ctx.app.config.custom_claims;
    Ok(select::id_token(select::Person { account: &account, told: &told, custom }, Some(&request)))
}

/// What the account tells of itself.
pub(crate) async fn told(app: &App, account: AccountId) -> Result<Told, Problem> {
    profile::told(&app.store, account).await?.ok_or_else(|| Problem::new(Kind::NotFound))
}
