//! The authorization endpoint: from a request and a browser to an answer, or to the page where a person does something.

use std::sync::Arc;

use countersign_core::account::Role;
use countersign_core::audit::Actor;
use countersign_core::authorize::{
    self, Asked, CODE_LIFE, Code, Decision, Facts, Failure, Hint, NoWayBack, Offer, Parameters, Reference,
    Refusal, Request, Waiting, WayBack, pushed, resource,
};
use countersign_core::client::ClientId;
use countersign_core::consent::Consent;
use countersign_core::grant::scope::ADMIN;
use countersign_core::grant::{Login, Scopes};
use countersign_core::token::subject;
use countersign_store::account::roles;
use countersign_store::client::Stored;
use countersign_store::code::{NewCode, issue_batch};
use countersign_store::consent::consent_of;
use countersign_store::live::LiveSession;

use crate::ctx::Ctx;
use crate::extract::id_token_hint;
use crate::respond::problem::Problem;

use super::{document, waiting};

/// A request that its client may make.
pub(crate) struct Known {
    pub(crate) stored: Arc<Stored>,
    pub(crate) request: Request,
}

/// What a request comes to.
pub(crate) enum Outcome {
    /// The client gets a code.
    Code(Box<WayBack>, Code),
    /// The client is told no.
    Refused(Box<WayBack>, Refusal),
    /// The person is told no.
    Page(NoWayBack),
    /// Somebody must log in.
    LogIn,
    /// Somebody did, and the browser kept no cookie.
    NoCookie,
    /// The person chooses an account.
    Select,
    /// The person says whether the client may.
    Consent,
}

impl Outcome {
    /// The person ends the request.
    pub(crate) fn end(ctx: &Ctx, waiting: &Waiting, known: Known, refusal: Refusal) -> Self {
        if waiting::spend(ctx, waiting) {
            Self::Refused(Box::new(known.request.back), refusal)
        } else {
            Self::Page(NoWayBack::Pushed)
        }
    }
}

impl From<Failure> for Outcome {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Page(reason) => Self::Page(reason),
            Failure::Answer(back, refusal) => Self::Refused(back, refusal),
        }
    }
}

/// The request that a browser brings for the first time. For a pushed one, what was pushed counts and nothing else.
pub(crate) fn arrive(ctx: &Ctx, parameters: Parameters) -> Result<Waiting, NoWayBack> {
    let Some(named) = parameters.get("request_uri").filter(|text| Reference::is_meant_by(text)) else {
        return Ok(Waiting::new(parameters, None, ctx.now));
    };
    let reference = Reference::parse(named).ok_or(NoWayBack::Pushed)?;
    let client = parameters.get("client_id").and_then(ClientId::parse).ok_or(NoWayBack::Client)?;
    let kept = waiting::pushed(ctx, &reference);
    pushed::open(kept.as_ref(), &client, ctx.now)?;
    let kept = kept.ok_or(NoWayBack::Pushed)?;
    waiting::keep_pushed(ctx, &reference);
    Ok(Waiting::new(kept.parameters, Some(reference.reveal()), ctx.now))
}

/// Reads a request anew, with its client as it is now.
pub(crate) async fn read(ctx: &Ctx, waiting: &Waiting) -> Result<Result<Known, Failure>, Problem> {
    let no_client = Ok(Err(Failure::Page(NoWayBack::Client)));
    let Some(id) = waiting.client() else { return no_client };
    let Some(stored) = document::find(ctx, &id).await? else { return no_client };
    if !stored.client.is_open(ctx.now) {
        return no_client;
    }
    check(ctx, stored, &waiting.parameters, waiting.pushed.is_some()).await
}

/// Checks a request of a client that is known.
pub(crate) async fn check(
    ctx: &Ctx,
    stored: Arc<Stored>,
    parameters: &Parameters,
    pushed: bool,
) -> Result<Result<Known, Failure>, Problem> {
    let config = &ctx.app.config;
    let offer = Offer { issuer: &config.public_url, scopes: &config.scopes, claims: &config.custom_claims };
    let request = match authorize::check(Asked { parameters, client: &stored.client, pushed }, offer) {
        Ok(request) => request,
        Err(failure) => return Ok(Err(failure)),
    };
    for resource in &request.resources {
        if !ctx.app.resource_known(resource).await? {
            return Ok(Err(Failure::Answer(Box::new(request.back), resource::UNKNOWN)));
        }
    }
    Ok(Ok(Known { stored, request }))
}

/// Goes on with a request, as far as it goes without the person.
pub(crate) async fn proceed(
    ctx: &Ctx,
    session: Option<&LiveSession>,
    waiting: &Waiting,
) -> Result<Outcome, Problem> {
    let known = match read(ctx, waiting).await? {
        Ok(known) => known,
        Err(failure) => return Ok(failure.into()),
    };
    let mut attempts = ctx.attempts();
    let mut spent = false;
    loop {
        // A session that ended while a batch was lost is none.
        let session = session.filter(|live| live.check(ctx.app.store.live(), ctx.now).is_ok());
        let (decision, consent) = decide(ctx, &known, session, waiting).await?;
        let completes = matches!(decision, Decision::Issue | Decision::Refuse(_));
        if completes && !spent && !waiting::spend(ctx, waiting) {
            return Ok(Outcome::Page(NoWayBack::Pushed));
        }
        spent |= completes;
        let (Decision::Issue, Some(live)) = (&decision, session) else {
            return Ok(outcome(&decision, known.request.back));
        };
        let code = Code::new(ctx.app.random.as_ref());
        let new = new_code(ctx, &known, live, (&code, consent.is_some()));
        if attempts.apply(issue_batch(&new, &ctx.stamp(Actor::Account(new.account)))).await? {
            return Ok(Outcome::Code(Box::new(known.request.back), code));
        }
    }
}

fn outcome(decision: &Decision, back: WayBack) -> Outcome {
    match decision {
        // invariant: nothing is issued without a session.
        Decision::LogIn | Decision::Issue => Outcome::LogIn,
        Decision::NoCookie => Outcome::NoCookie,
        Decision::Select => Outcome::Select,
        Decision::Consent => Outcome::Consent,
        Decision::Refuse(refusal) => Outcome::Refused(Box::new(back), *refusal),
    }
}

/// What happens next, and the consent that it rests on.
pub(crate) async fn decide(
    ctx: &Ctx,
    known: &Known,
    session: Option<&LiveSession>,
    waiting: &Waiting,
) -> Result<(Decision, Option<Consent>), Problem> {
    let client = &known.stored.client;
    let consent = match session {
        Some(live) => consent_of(&ctx.app.store, live.session.account, &client.id).await?,
        None => None,
    };
    let facts = Facts {
        session: session.map(|live| &live.session),
        hint: hint(ctx, known, session, waiting),
        consent: consent.as_ref(),
        administers: administers(ctx, &known.request.scopes, session).await?,
        waiting,
        now: ctx.now,
    };
    let decision = authorize::decide(&known.request, client, facts);
    Ok((decision, consent))
}

/// Whether the person who is there administers this server; asked only where it matters.
pub(super) async fn administers(
    ctx: &Ctx,
    scopes: &Scopes,
    session: Option<&LiveSession>,
) -> Result<bool, Problem> {
    match session.filter(|_| scopes.contains(ADMIN)) {
        None => Ok(false),
        Some(live) => Ok(roles(&ctx.app.store, live.session.account).await?.contains(&Role::Admin)),
    }
}

/// Whether the person who is there is the one that the client expects.
fn hint(ctx: &Ctx, known: &Known, session: Option<&LiveSession>, waiting: &Waiting) -> Hint {
    let client = &known.stored.client;
    let shown = match waiting.parameters.get("id_token_hint") {
        None => None,
        Some(text) => match id_token_hint::read(&ctx.app, text, ctx.now) {
            Some(shown) if shown.client == client.id => Some(shown.token.sub),
            _ => return Hint::Unreadable,
        },
    };
    let Some(live) = session else { return Hint::Fits };
    let own = subject::name(&ctx.app.subjects, live.session.account, client);
    let fits = shown.iter().chain(&known.request.claims.subject).all(|subject| *subject == own);
    if fits { Hint::Fits } else { Hint::Another }
}

fn new_code<'a>(
    ctx: &Ctx,
    known: &'a Known,
    live: &LiveSession,
    (code, by_consent): (&Code, bool),
) -> NewCode<'a> {
    let (request, session) = (&known.request, &live.session);
    NewCode {
        hash: code.hash(),
        client: &known.stored.client.id,
        account: session.account,
        session: session.id,
        redirect_uri: request.redirect_uri.as_deref(),
        scopes: &request.scopes,
        resources: &request.resources,
        challenge: request.challenge,
        nonce: request.nonce.as_deref(),
        confirmation: request.confirmation,
        claims: request.claims.kept.as_deref(),
        login: Login { at: session.authenticated_at, amr: session.amr.clone(), acr: session.acr },
        expires_at: ctx.now + CODE_LIFE,
        by_consent,
    }
}
