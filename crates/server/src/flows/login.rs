//! Logging in with a password, by page or API.

use std::sync::Arc;

use countersign_core::account::Identifier;
use countersign_core::audit::Actor;
use countersign_core::credential::Password;
use countersign_core::grant::{self, Grant, Salt};
use countersign_core::login::password::{Candidate, Decision, Facts, Proof, decide};
use countersign_core::secret::Secret;
use countersign_core::session::end::{self, Scope};
use countersign_core::session::open::Birth;
use countersign_core::session::{self, EndReason, Face, Session};
use countersign_core::throttle::Subject;
use countersign_core::throttle::known_device::Standing;
use countersign_core::url::ResourceId;
use countersign_core::{GrantId, SessionId, random};
use countersign_store::Batch;
use countersign_store::ephemeral::Reservation;
use countersign_store::live::LiveSession;
use countersign_store::login::{self as store, Upgrade};
use http::StatusCode;

use crate::ctx::Ctx;
use crate::hash_pool::Asker;
use crate::metrics::Login as Outcome;
use crate::respond::problem::{Kind, Problem};

use super::throttle::{self, About, standing};

/// A login attempt.
pub(crate) struct Attempt<'a> {
    /// What was typed as the identifier; what is none names no account.
    pub(crate) typed: &'a str,
    /// Likewise; nothing that is no password fits.
    pub(crate) password: Option<Arc<Password>>,
    /// "Keep me signed in".
    pub(crate) remember: bool,
    /// Cookie, or tokens and where they shall count.
    pub(crate) deliver: Deliver,
    /// The session that this browser has until now.
    pub(crate) replaces: Option<&'a LiveSession>,
    /// The session that stays if its own account proves itself.
    pub(crate) proves: Option<&'a LiveSession>,
}

/// How the login is to be proved from now on.
pub(crate) enum Deliver {
    /// By the session's cookie.
    Cookie,
    /// By tokens of a grant.
    Token(Option<ResourceId>),
}

/// What a login gives.
pub(crate) struct LoggedIn {
    pub(crate) session: Session,
    /// The cookie's secret, where one was asked for.
    pub(crate) secret: Option<Secret>,
    /// The grant, where tokens were asked for.
    pub(crate) grant: Option<Grant>,
    /// What the browser's device is known to from now on.
    pub(crate) standing: Standing,
}

/// Logs in. One answer for "no such account", "wrong password" and "may not log in" (I14).
pub(crate) async fn login(ctx: &Ctx, attempt: &Attempt<'_>) -> Result<LoggedIn, Problem> {
    let result = attempt_login(ctx, attempt).await;
    ctx.app.metrics.login(match &result {
        Ok(_) => Outcome::Ok,
        Err(problem) => match problem.kind.wire().0 {
            StatusCode::UNAUTHORIZED => Outcome::Invalid,
            StatusCode::TOO_MANY_REQUESTS => Outcome::Throttled,
            StatusCode::SERVICE_UNAVAILABLE => Outcome::Overloaded,
            _ => Outcome::Failed,
        },
    });
    result
}

async fn attempt_login(ctx: &Ctx, attempt: &Attempt<'_>) -> Result<LoggedIn, Problem> {
    let identifier = Identifier::parse(attempt.typed).ok();
    let mut attempts = ctx.attempts();
    let (mut compared, mut held) = (None, None);
    loop {
        let known = match &identifier {
            Some(identifier) => store::login_facts(&ctx.app.store, identifier).await?,
            None => None,
        };
        let (account, stored) = known.map_or((None, None), |(account, stored)| (Some(account), stored));
        // The password is compared once for each version of each account: a batch that was lost to anything but a
        // change of the account is decided again without another hash. An upgrade replaces what was compared, and
        // nothing that came since. Another account may have the identifier by now (attack SES-12).
        let version = account.map(|account| (account.id, account.version));
        let (stored, proof) = match compared.take() {
            Some((this, stored, proof)) if this == version => (stored, proof),
            _ => {
                let typed = Subject::of_typed(identifier.as_ref(), attempt.typed);
                let about = About::login(ctx, account, typed).await?;
                let asker = about.asker(ctx);
                let comparison = compare(ctx, attempt.password.clone(), stored.clone(), asker);
                // A guess that waits for those under way must not wait for its own first one.
                drop(held.take());
                let (proof, guess) = throttle::guess(ctx, about, comparison).await?;
                held = Some(guess);
                (stored, proof)
            }
        };
        compared = Some((version, stored.clone(), proof.clone()));
        let (batch, logged_in) = match decide(Facts { account, proof }) {
            Decision::Refuse { account, reason } => {
                (store::refuse_batch(account, reason, &ctx.stamp(Actor::Anonymous)), None)
            }
            Decision::Accept { account, upgrade } => {
                held.take().into_iter().for_each(Reservation::release);
                let upgrade =
                    stored.as_deref().zip(upgrade.as_deref()).map(|(old, new)| Upgrade { old, new });
                let (batch, logged_in) = accept(ctx, attempt, account, upgrade).await?;
                (batch, Some(logged_in))
            }
        };
        if attempts.apply(batch).await? {
            return logged_in.ok_or_else(refused);
        }
    }
}

/// The account's own session is proved anew where one shall be; else a new one opens.
async fn accept(
    ctx: &Ctx,
    attempt: &Attempt<'_>,
    account: Candidate,
    upgrade: Option<Upgrade<'_>>,
) -> Result<(Batch, LoggedIn), Problem> {
    let stamp = ctx.stamp(Actor::Account(account.id));
    let life = ctx.app.policy.longest_life();
    let present = attempt.proves.filter(|live| live.check(ctx.app.store.live(), ctx.now).is_ok());
    let present = present.and_then(|live| live.secret().map(|old| (&live.session, old)));
    let secret = Secret::new(ctx.app.random.as_ref());
    let proof = present
        .and_then(|(session, old)| session::prove::decide(account, session, (old, secret.hash()), ctx.now));
    if let Some(proof) = proof {
        let batch = store::prove_batch(&proof, upgrade, life, &stamp);
        let standing = standing(ctx, &account).await?;
        return Ok((batch, LoggedIn { session: proof.session, secret: Some(secret), grant: None, standing }));
    }
    let (logged_in, open) = open(ctx, attempt, account).await?;
    Ok((store::open_batch(&open, logged_in.grant.as_ref(), upgrade, life, &stamp), logged_in))
}

async fn compare(
    ctx: &Ctx,
    password: Option<Arc<Password>>,
    stored: Option<String>,
    asker: Asker,
) -> Result<Proof, Problem> {
    // What is no password is hashed all the same, so that it takes as long.
    let (password, stored) = match password {
        Some(password) => (password, stored),
        None => (Arc::new(Password::parse("-").map_err(|_| Problem::new(Kind::Internal))?), None),
    };
    Ok(ctx.app.hashes.verify(password, stored, asker).await?)
}

async fn open(
    ctx: &Ctx,
    attempt: &Attempt<'_>,
    account: Candidate,
) -> Result<(LoggedIn, session::open::Open), Problem> {
    let (app, random) = (&ctx.app, ctx.app.random.as_ref());
    let secret = matches!(attempt.deliver, Deliver::Cookie).then(|| Secret::new(random));
    let birth = Birth {
        id: SessionId::new(ctx.now, random),
        index: app.lease_index(ctx).await?,
        face: if secret.is_some() { Face::Cookie } else { Face::Token },
        remember: attempt.remember,
        device: ctx.device,
        ip: ctx.ip,
        replaces: attempt
            .replaces
            .map(|live| end::decide(live.session.account, Scope::One(live.session.id), EndReason::Replaced)),
    };
    let hash = secret.as_ref().map(Secret::hash);
    let open = session::open::decide(account, birth, hash, &app.policy.session, ctx.now);
    let grant = match &attempt.deliver {
        Deliver::Cookie => None,
        Deliver::Token(resource) => {
            let birth = grant::open::Birth {
                id: GrantId::new(ctx.now, random),
                index: app.lease_index(ctx).await?,
                salt: Salt(random::bytes(random)),
                resource: resource.clone(),
            };
            Some(grant::open::decide(&open.session, birth, ctx.now))
        }
    };
    let standing = standing(ctx, &account).await?;
    Ok((LoggedIn { session: open.session.clone(), secret, grant, standing }, open))
}

fn refused() -> Problem {
    Problem::new(Kind::InvalidCredentials)
        .detail("Check the identifier and the password, or reset the password.")
}
