//! What an operator does to clients.

use std::sync::Arc;

use countersign_core::audit::Actor;
use countersign_core::client::lint::{Facts, Lint, Severity, lint};
use countersign_core::client::register::Registrar;
use countersign_core::client::{Client, ClientId, Profile};
use countersign_core::{Span, Time};
use countersign_jose::JwkSet;
use countersign_store::client::change::secret_ages;
use countersign_store::client::{Stored, clients};

use crate::ctx::Ctx;
use crate::flows::client::{self as flows, Described, Failure, Made};
use crate::flows::document;
use crate::outbound::Whose;
use crate::respond::problem::{Kind, Problem};

use super::command::{NewClient, PAGE};
use super::{AdminError, ClientEntry, LintEntry, Reply, SecretEntry, Told};

/// The longest that a replaced secret may go on to count.
const LONGEST_WINDOW: Span = Span::days(30);
/// The longest that an invitation may count.
const LONGEST_INVITATION: Span = Span::days(365);

/// Makes a client.
pub(crate) async fn create(ctx: &Ctx, actor: Actor<'_>, new: &NewClient) -> Result<ClientEntry, AdminError> {
    let profile = profile(new.profile.as_deref())?;
    let id = new.id.as_deref().map(id).transpose()?;
    if id.as_ref().is_some_and(|id| id.as_str().starts_with("acc_")) {
        return Err(AdminError::invalid("--id", &"must be no id of an account"));
    }
    // An API asks about tokens under the name that they are for (RFC 7662 section 4). No browser is ever sent to one, so
    // nobody takes it for the document of an application.
    let url = id.as_ref().is_some_and(|id| id.as_str().contains("://"));
    if url && !new.metadata.get("redirect_uris").is_none_or(|uris| uris.as_array().is_some_and(Vec::is_empty))
    {
        return Err(AdminError::invalid("--id", &"may be a URL for an API alone, which has no redirect URI"));
    }
    let registrar = Registrar::Operator;
    let described =
        Described { members: &new.metadata, profile, registrar, id, first_party: new.first_party };
    let made =
        flows::make(ctx, actor, &described).await.map_err(|failure| refused(failure, new.id.as_deref()))?;
    told(ctx, made).await
}

/// A page of clients.
pub(crate) async fn list(ctx: &Ctx, after: Option<&str>, limit: u32) -> Result<Vec<ClientEntry>, AdminError> {
    let after = after.map(id).transpose()?;
    let page = clients(&ctx.app.store, after.as_ref(), limit.min(PAGE)).await?;
    Ok(page.iter().map(|client| ClientEntry::of(client, &[], ctx.now)).collect())
}

/// A client and how old its secrets are.
pub(crate) async fn show(ctx: &Ctx, named: &str) -> Result<ClientEntry, AdminError> {
    let stored = find(ctx, named).await?;
    entry(ctx, &stored.client).await
}

/// The client says something else of itself.
pub(crate) async fn update(
    ctx: &Ctx,
    actor: Actor<'_>,
    named: &str,
    new: &NewClient,
) -> Result<ClientEntry, AdminError> {
    let stored = find_own(ctx, named).await?;
    let described = Described {
        members: &new.metadata,
        profile: stored.client.profile,
        registrar: Registrar::Operator,
        id: None,
        first_party: stored.client.first_party,
    };
    let made = flows::describe(ctx, actor, &stored, &described).await;
    told(ctx, made.map_err(|failure| refused(failure, Some(named)))?).await
}

/// Another secret; the one before counts for so long.
pub(crate) async fn rotate(
    ctx: &Ctx,
    actor: Actor<'_>,
    named: &str,
    window: Span,
) -> Result<ClientEntry, AdminError> {
    let stored = find_own(ctx, named).await?;
    if !stored.client.metadata.token_endpoint_auth_method.needs_secret() {
        let method = stored.client.metadata.token_endpoint_auth_method.as_str();
        return Err(AdminError::invalid(
            named,
            &format!("proves itself by {method}, without a secret of ours"),
        ));
    }
    if !(Span::ZERO..=LONGEST_WINDOW).contains(&window) {
        return Err(AdminError::invalid("--window", &"must be from 0s to 30d"));
    }
    let secret = flows::rotate(ctx, actor, &stored.client, window).await.map_err(|it| failed(it, named))?;
    told(ctx, Made { client: stored.client.clone(), secret: Some(secret), registration: None }).await
}

/// Closes a client.
pub(crate) async fn disable(ctx: &Ctx, actor: Actor<'_>, named: &str) -> Result<ClientEntry, AdminError> {
    let stored = find_own(ctx, named).await?;
    flows::disable(ctx, actor, &stored.client.id).await?;
    show(ctx, named).await
}

/// Opens it again.
pub(crate) async fn enable(ctx: &Ctx, actor: Actor<'_>, named: &str) -> Result<ClientEntry, AdminError> {
    let stored = find_own(ctx, named).await?;
    flows::enable(ctx, actor, &stored.client).await?;
    show(ctx, named).await
}

/// Deletes it.
pub(crate) async fn delete(ctx: &Ctx, actor: Actor<'_>, named: &str) -> Result<(), AdminError> {
    let stored = find_own(ctx, named).await?;
    Ok(flows::delete(ctx, actor, &stored.client.id).await?)
}

/// An initial access token.
pub(super) fn invite(ctx: &Ctx, life: Span) -> Result<Reply, AdminError> {
    if !(Span::minutes(1)..=LONGEST_INVITATION).contains(&life) {
        return Err(AdminError::invalid("--life", &"must be from 1m to 365d"));
    }
    let until = ctx.now + life;
    let token = ctx.app.invitations.invite(until, ctx.app.random.as_ref());
    Ok(Reply::Invited { token: Told::new(token), until: until.rfc3339() })
}

/// What is weak about a client.
pub(crate) async fn check(ctx: &Ctx, named: &str) -> Result<Vec<LintEntry>, AdminError> {
    let stored = find(ctx, named).await?;
    linted(ctx, &stored.client).await
}

/// What is weak about all of them.
pub(super) async fn check_all(ctx: &Ctx) -> Result<Vec<LintEntry>, AdminError> {
    let (mut found, mut after) = (Vec::new(), None::<ClientId>);
    loop {
        let page = clients(&ctx.app.store, after.as_ref(), PAGE).await?;
        for client in &page {
            found.extend(linted(ctx, client).await?);
        }
        match page.last() {
            Some(last) if page.len() == PAGE as usize => after = Some(last.id.clone()),
            _ => return Ok(found),
        }
    }
}

async fn linted(ctx: &Ctx, client: &Client) -> Result<Vec<LintEntry>, AdminError> {
    let secrets = secret_ages(&ctx.app.store, &client.id).await?;
    let config = &ctx.app.config;
    let facts =
        Facts { secrets: &secrets, exceptions: &config.outbound.allow, dev: config.dev, now: ctx.now };
    let mut found = lint(client, &facts);
    found.extend(keys(ctx, client).await);
    Ok(found.iter().map(|lint| LintEntry::of(client, lint)).collect())
}

/// Whether its keys are there: asked of whoever has them.
async fn keys(ctx: &Ctx, client: &Client) -> Option<Lint> {
    let uri = client
        .metadata
        .jwks_uri
        .as_deref()
        .filter(|uri| ctx.app.outbound.admits(Whose::of(client), uri).is_ok())?;
    let broken = |words| Some(Lint { code: "keys-unreachable", severity: Severity::Broken, words });
    let answer = match ctx.app.outbound.get_json(Whose::of(client), uri).await {
        Ok(answer) => answer,
        Err(error) => return broken(format!("no keys at {uri}: {error}")),
    };
    match JwkSet::parse(&answer.body) {
        Ok(set) if !set.keys().is_empty() => None,
        Ok(_) => broken(format!("no key at {uri} is one that this server verifies with")),
        Err(error) => broken(format!("what is at {uri} is no set of public keys: {}", error.code())),
    }
}

/// The client of this id; for the URL of a document, what it says.
async fn find(ctx: &Ctx, named: &str) -> Result<Arc<Stored>, AdminError> {
    let unknown = || AdminError::NoClient(named.to_owned());
    let id = ClientId::parse(named).ok_or_else(unknown)?;
    document::find(ctx, &id).await?.ok_or_else(unknown)
}

/// The same, if it is not part of this server.
async fn find_own(ctx: &Ctx, named: &str) -> Result<Arc<Stored>, AdminError> {
    let unknown = || AdminError::NoClient(named.to_owned());
    let id = ClientId::parse(named).ok_or_else(unknown)?;
    let stored = ctx.app.store.client(&id).await?.ok_or_else(unknown)?;
    if stored.client.id == ClientId::built_in() {
        return Err(AdminError::BuiltIn(named.to_owned()));
    }
    Ok(stored)
}

fn id(text: &str) -> Result<ClientId, AdminError> {
    ClientId::parse(text)
        .ok_or_else(|| AdminError::invalid("CLIENT", &"must be 1 to 255 visible characters of ASCII"))
}

fn profile(word: Option<&str>) -> Result<Profile, AdminError> {
    let problem = || AdminError::invalid("--profile", &"must be oauth21, oidc or fapi2");
    word.map_or(Ok(Profile::default()), |word| Profile::parse(word).ok_or_else(problem))
}

async fn told(ctx: &Ctx, made: Made) -> Result<ClientEntry, AdminError> {
    let mut told = entry(ctx, &made.client).await?;
    told.secret = made.secret.map(Told::new);
    Ok(told)
}

async fn entry(ctx: &Ctx, client: &Client) -> Result<ClientEntry, AdminError> {
    let ages = secret_ages(&ctx.app.store, &client.id).await?;
    let secrets: Vec<_> = ages.iter().map(|(made, end)| secret(*made, *end)).collect();
    Ok(ClientEntry::of(client, &secrets, ctx.now))
}

fn secret(made: Time, end: Option<Time>) -> SecretEntry {
    SecretEntry { created_at: made.rfc3339(), expires_at: end.map(Time::rfc3339) }
}

fn refused(failure: Failure, named: Option<&str>) -> AdminError {
    match failure {
        Failure::Rejected(rejection) => AdminError::invalid(rejection.member, &rejection.problem),
        Failure::Taken => AdminError::ClientTaken(named.unwrap_or_default().to_owned()),
        Failure::Problem(problem) => failed(problem, named.unwrap_or_default()),
    }
}

/// What became of a client that was there a moment ago.
fn failed(problem: Problem, named: &str) -> AdminError {
    if problem.kind == Kind::NotFound { AdminError::NoClient(named.to_owned()) } else { problem.into() }
}
