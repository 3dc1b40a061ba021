//! Making, changing and ending clients, whoever asks: a client for itself, an operator, an administrator.

use std::sync::Arc;

use countersign_core::audit::Actor;
use countersign_core::client::register::{self, Registrar, Rejection, Terms};
use countersign_core::client::{AuthMethod, Client, ClientId, GrantType, Metadata, Origin, Profile, sector};
use countersign_core::secret::{Hash, Secret, sha256};
use countersign_core::{Span, random};
use countersign_store::client::change::{self as store, NewSecret};
use countersign_store::client::register as register_store;
use countersign_store::client::{NewClient, Stored, create_batch};
use countersign_store::{Batch, Outcome, db};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::app::App;
use crate::ctx::Ctx;
use crate::outbound::Whose;
use crate::respond::problem::{Kind, Problem};

use super::unvouched;

/// A description that shall become a client.
pub(crate) struct Described<'a> {
    /// What the client says of itself, or somebody of it.
    pub(crate) members: &'a Map<String, Value>,
    /// How strict the server will be with it.
    pub(crate) profile: Profile,
    /// Who says so.
    pub(crate) registrar: Registrar,
    /// Its name; none: one that nobody else has.
    pub(crate) id: Option<ClientId>,
    /// Ours.
    pub(crate) first_party: bool,
}

/// A client that was made, and what is shown this once.
pub(crate) struct Made {
    pub(crate) client: Client,
    /// Its secret, if its method needs one.
    pub(crate) secret: Option<Zeroizing<String>>,
    /// The token that it is managed with (RFC 7592), if it registered itself.
    pub(crate) registration: Option<Zeroizing<String>>,
}

/// Why there is no client, or no change.
pub(crate) enum Failure {
    /// Something in the description.
    Rejected(Rejection),
    /// Another client has the name.
    Taken,
    /// The server could not.
    Problem(Problem),
}

impl<E: Into<Problem>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Problem(error.into())
    }
}

/// Makes a client.
pub(crate) async fn make(ctx: &Ctx, actor: Actor<'_>, described: &Described<'_>) -> Result<Made, Failure> {
    let app = &ctx.app;
    let metadata = read(ctx, described).await?;
    let machine = metadata.may_use(GrantType::ClientCredentials);
    let vouched = described.registrar != Registrar::Anybody;
    let place = if vouched { None } else { Some(unvouched::place(ctx).await?) };
    let client = Client {
        id: described.id.clone().unwrap_or_else(|| ClientId::new(app.random.as_ref())),
        origin: if described.registrar == Registrar::Operator {
            Origin::Operator
        } else {
            Origin::Registered
        },
        profile: described.profile,
        first_party: described.first_party,
        disabled: false,
        created_at: ctx.now,
        expires_at: (!vouched).then(|| ctx.now + app.config.registration.unused),
        index: if machine { Some(app.lease_index(ctx).await?) } else { None },
        metadata,
    };
    let secret = client.metadata.token_endpoint_auth_method.needs_secret().then(|| text(app, "cs_sec_"));
    let registration = (client.origin == Origin::Registered).then(|| text(app, "cs_reg_"));
    let new = NewClient {
        client: &client,
        secret: secret.as_ref().map(|secret| sealed(app, &client, secret)),
        registration: registration.as_ref().map(|token| sha256(token.as_bytes())),
    };
    let made = apply(ctx, create_batch(&new, &ctx.stamp(actor))).await?;
    drop(place);
    if made { Ok(Made { client, secret, registration }) } else { Err(Failure::Taken) }
}

/// The description as metadata; where it names a sector, its list is fetched.
async fn read(ctx: &Ctx, described: &Described<'_>) -> Result<Metadata, Failure> {
    let config = &ctx.app.config;
    let terms = Terms {
        profile: described.profile,
        registrar: described.registrar,
        dev: config.dev,
        exceptions: &config.outbound.allow,
    };
    let metadata = register::read(described.members, &terms).map_err(Failure::Rejected)?;
    prove_sector(ctx, described.registrar, &metadata).await.map_err(Failure::Rejected)?;
    Ok(metadata)
}

/// Asks the list of a client's sector, where it names one (attack OAU-76).
pub(crate) async fn prove_sector(
    ctx: &Ctx,
    registrar: Registrar,
    metadata: &Metadata,
) -> Result<(), Rejection> {
    let Some(uri) = &metadata.sector_identifier_uri else { return Ok(()) };
    let operators = registrar == Registrar::Operator;
    let whose = if operators { Whose::Operators } else { Whose::Strangers };
    let answer = ctx.app.outbound.get_json(whose, uri).await;
    let listed = answer.and_then(|answer| answer.json::<Vec<String>>()).map_err(|error| {
        tracing::info!(request_id = %ctx.request, %error, "the list of a sector counts for nothing");
        // Who is there, and what answers, is for nobody else to find out by us (attack OAU-60).
        let problem = if operators { error.to_string() } else { "cannot be fetched as a list".to_owned() };
        Rejection { member: "sector_identifier_uri", problem }
    })?;
    sector::check_listed(&listed, metadata)
}

/// What comes of another description: the client, and a secret where it needs one and has none.
pub(crate) async fn describe(
    ctx: &Ctx,
    actor: Actor<'_>,
    stored: &Stored,
    described: &Described<'_>,
) -> Result<Made, Failure> {
    let metadata = read(ctx, described).await?;
    if described.registrar != Registrar::Operator {
        sector::check_change(&stored.client.metadata, &metadata).map_err(Failure::Rejected)?;
    }
    let client = Client { metadata, ..stored.client.clone() };
    // What changes nothing writes nothing, nor makes anybody forget the clients that he knows (attack DOS-07).
    let same = client.metadata == stored.client.metadata;
    if !same && !apply(ctx, store::describe_batch(&client, &ctx.stamp(actor))).await? {
        return Err(Failure::Problem(gone()));
    }
    let method = client.metadata.token_endpoint_auth_method;
    // A secret that only its hash is kept of is no key of a MAC.
    let fits = stored.secrets.iter().any(|it| method != AuthMethod::ClientSecretJwt || it.sealed.is_some());
    let needs = method.needs_secret() && !fits;
    let secret = if needs { Some(rotate(ctx, actor, &client, Span::ZERO).await?) } else { None };
    Ok(Made { client, secret, registration: None })
}

/// Another secret; the one before counts for as long as `window`.
pub(crate) async fn rotate(
    ctx: &Ctx,
    actor: Actor<'_>,
    client: &Client,
    window: Span,
) -> Result<Zeroizing<String>, Problem> {
    let secret = text(&ctx.app, "cs_sec_");
    let new = sealed(&ctx.app, client, &secret);
    let batch = store::rotate_secret_batch(&client.id, &new, ctx.now + window, &ctx.stamp(actor));
    if apply(ctx, batch).await? { Ok(secret) } else { Err(gone()) }
}

/// Closes a client. When this returns, all that it was let do has ended (attack OAU-44).
pub(crate) async fn disable(ctx: &Ctx, actor: Actor<'_>, client: &ClientId) -> Result<(), Problem> {
    let (life, stamp) = (ctx.app.policy.longest_life(), ctx.stamp(actor));
    // Lost: it is closed already.
    apply(ctx, store::disable_batch(client, life, &stamp)).await?;
    // A grant whose birth began while it was open may have been written down after.
    while store::has_live_grants(&ctx.app.store, client).await? {
        apply(ctx, store::end_grants_batch(client, life, &stamp)).await?;
    }
    Ok(())
}

/// Whether the client is open still. A birth holds nothing of its client's row: what was born while an operator closed it ends
/// here (attack RACE-08).
pub(crate) async fn end_if_closed(ctx: &Ctx, client: &ClientId) -> Result<bool, Problem> {
    let app = &ctx.app;
    if app.store.client(client).await?.is_some_and(|stored| stored.client.is_open(ctx.now)) {
        return Ok(true);
    }
    apply(ctx, store::end_grants_batch(client, app.policy.longest_life(), &ctx.stamp(Actor::System))).await?;
    Ok(false)
}

/// Opens a closed client again.
pub(crate) async fn enable(ctx: &Ctx, actor: Actor<'_>, client: &Client) -> Result<(), Problem> {
    let machine = client.metadata.may_use(GrantType::ClientCredentials);
    let index = if machine { Some(ctx.app.lease_index(ctx).await?) } else { None };
    apply(ctx, store::enable_batch(&client.id, index, &ctx.stamp(actor))).await?;
    Ok(())
}

/// Deletes a client and all that it had.
pub(crate) async fn delete(ctx: &Ctx, actor: Actor<'_>, client: &ClientId) -> Result<(), Problem> {
    let mut attempts = ctx.attempts();
    loop {
        disable(ctx, actor, client).await?;
        let batch = store::delete_batch(client, &ctx.stamp(actor));
        if attempts.apply_to_client(batch).await? || ctx.app.store.client(client).await?.is_none() {
            return Ok(());
        }
    }
}

async fn apply(ctx: &Ctx, batch: Batch) -> Result<bool, db::Error> {
    Ok(ctx.app.store.apply_to_client(batch).await? == Outcome::Applied)
}

fn gone() -> Problem {
    Problem::new(Kind::NotFound).detail("There is no such client any more.")
}

/// 256 random bits, with a prefix by which scanners for leaked secrets know them.
fn text(app: &App, prefix: &str) -> Zeroizing<String> {
    Zeroizing::new(format!("{prefix}{}", Secret::new(app.random.as_ref()).reveal()))
}

/// What is kept of a secret: its hash, and the secret itself where it is the key of a MAC.
fn sealed(app: &App, client: &Client, secret: &str) -> NewSecret {
    let (random, bytes) = (app.random.as_ref(), secret.as_bytes());
    let is_key = client.metadata.token_endpoint_auth_method == AuthMethod::ClientSecretJwt;
    let kept = is_key.then(|| app.client_secrets.seal(bytes, client.id.as_str().as_bytes(), random));
    (random::bytes(random), sha256(bytes), kept)
}

/// The client whose registration this token is for (RFC 7592 section 2). One answer to whatever is wrong.
pub(crate) async fn managed(ctx: &Ctx, id: &ClientId, token: &str) -> Result<Option<Arc<Stored>>, Problem> {
    let store = &ctx.app.store;
    let kept = register_store::registration_hash(store, id).await?;
    let given = sha256(token.as_bytes());
    let nobodys = Hash::from_bytes([0; 32]);
    let fits = bool::from(kept.unwrap_or(nobodys).as_bytes().ct_eq(given.as_bytes()));
    if kept.is_none() || !fits {
        return Ok(None);
    }
    let stored = store.client(id).await?;
    Ok(stored.filter(|stored| stored.client.is_open(ctx.now)))
}

/// Ends the clients that nobody vouched for and nobody uses (attacks OAU-59, DOS-07); those that are used go on. A step of
/// the clean-up.
pub(crate) async fn end_unused(app: &App) -> Result<(), Problem> {
    let (ctx, unused) = (Ctx::operator(app), app.config.registration.unused);
    let stamp = ctx.stamp(Actor::System);
    // Before they end: one that is used must not be closed for a moment.
    let soon = ctx.now + Span::from_micros(unused.micros() / 2);
    while register_store::prolong_used(&app.store, soon, unused, &stamp).await? > 0 {}
    loop {
        let over = register_store::unused(&app.store, ctx.now, unused).await?;
        if over.is_empty() {
            return Ok(());
        }
        for client in &over {
            delete(&ctx, Actor::System, client).await?;
        }
    }
}
