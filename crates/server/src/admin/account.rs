//! What an operator does to accounts.

use std::collections::BTreeMap;
use std::sync::Arc;

use countersign_core::Policy;
use countersign_core::account::change::{Change, Decision, decide};
use countersign_core::account::profile::{Field, Profile};
use countersign_core::account::{Account, DisplayName, Email, Identifier, Role, State};
use countersign_core::audit::Actor;
use countersign_core::credential::Password;
use countersign_core::credential::policy::Rejection;
use countersign_core::revocation::Ahead;
use countersign_core::session::EndReason;
use countersign_core::session::end::{self, Scope};
use countersign_core::{AccountId, CredentialId, Locale, SessionId};
use countersign_store::account::change::change_batch;
use countersign_store::account::verify::{self, create_direct_batch};
use countersign_store::account::{self as store, account_by_identifier};
use countersign_store::revocation::end_everything_batch;
use countersign_store::session::sessions_of;

use crate::ctx::Ctx;
use crate::flows::choose::{Owner, choose};
use crate::flows::end::end_by;
use crate::flows::profile::{self, Draft};
use crate::flows::throttle::stranger;
use crate::respond::id_token::told;

use super::command::{Changes, NewAccount, PAGE};
use super::{AccountEntry, AdminError, Reply, SessionEntry};

/// Makes an account. Its password is judged and hashed as everybody's is.
pub(super) async fn create(ctx: &Ctx, new: NewAccount) -> Result<Reply, AdminError> {
    let email = Email::parse(&new.email)?;
    let name = new.name.as_deref().map(DisplayName::parse).transpose()?;
    let password = Password::parse(new.password.reveal()).map(Arc::new).map_err(Rejection::from)?;
    let owner = Owner { email: Some(email.clone()), name: name.clone() };
    let hash = choose(ctx, &password, (owner, stranger(ctx))).await??;
    let random = ctx.app.random.as_ref();
    let account = verify::NewAccount {
        id: AccountId::new(ctx.now, random),
        credential: CredentialId::new(ctx.now, random),
        email: &email,
        name: name.as_ref(),
        locale: ctx.locale,
        password: &hash,
    };
    let roles: &[Role] = if new.admin { &[Role::Admin] } else { &[] };
    let named = Identifier::Email(email.clone());
    let mut attempts = ctx.attempts();
    loop {
        if account_by_identifier(&ctx.app.store, &named).await?.is_some() {
            return Err(AdminError::AddressTaken(email.display().to_owned()));
        }
        if attempts.apply(create_direct_batch(&account, roles, &ctx.stamp(Actor::Operator))).await? {
            return entry(ctx, account.id).await.map(Reply::Account);
        }
    }
}

/// Disables, enables or deletes an account. When this returns, what ends with it has ended (I1).
pub(super) async fn change(ctx: &Ctx, named: &str, change: Change) -> Result<Reply, AdminError> {
    let mut attempts = ctx.attempts();
    loop {
        let account = find(ctx, named).await?;
        let decision = decide(account.state, change);
        if decision == Decision::Refuse {
            return Err(AdminError::Deleted(named.to_owned()));
        }
        let stamp = ctx.stamp(Actor::Operator);
        let batch = change_batch(&decision, account.id, ctx.app.policy.longest_life(), &stamp);
        let done = match batch {
            Some(batch) => attempts.apply(batch).await?,
            None => true,
        };
        if done {
            return entry(ctx, account.id).await.map(Reply::Account);
        }
    }
}

/// An account and where it is logged in.
pub(super) async fn show(ctx: &Ctx, named: &str) -> Result<Reply, AdminError> {
    let account = find(ctx, named).await?;
    let sessions = sessions_of(&ctx.app.store, account.id, ctx.now).await?;
    let told = told(&ctx.app, account.id).await?;
    Ok(Reply::Shown {
        profile: shown(&told.profile),
        account: with_roles(ctx, &account).await?,
        sessions: sessions.iter().map(SessionEntry::of).collect(),
    })
}

/// Changes what an account tells of itself.
pub(super) async fn update(ctx: &Ctx, named: &str, changes: &Changes) -> Result<Reply, AdminError> {
    let account = find(ctx, named).await?;
    if account.state == State::Deleted {
        return Err(AdminError::Deleted(named.to_owned()));
    }
    profile::change(ctx, Actor::Operator, account.id, |before| edited(ctx, before, changes)).await?;
    entry(ctx, account.id).await.map(Reply::Account)
}

fn edited(ctx: &Ctx, before: Draft, changes: &Changes) -> Result<Draft, AdminError> {
    let Draft { mut name, mut locale, mut profile } = before;
    if let Some(text) = &changes.name {
        name = if text.trim().is_empty() { None } else { Some(DisplayName::parse(text)?) };
    }
    if let Some(text) = &changes.locale {
        locale = Locale::parse(text).ok_or_else(|| AdminError::invalid("--locale", &"must be en or ko"))?;
    }
    for (name, text) in &changes.fields {
        let field = Field::parse(name).ok_or_else(|| AdminError::invalid(name, &"is no field"))?;
        profile = profile.with(field, text).map_err(|error| AdminError::invalid(name, &error.problem()))?;
    }
    if let Some(verified) = changes.phone_number_verified {
        profile = profile.with_phone_verified(verified);
    }
    for (name, text) in &changes.claims {
        if ctx.app.config.custom_claims.iter().all(|claim| claim.name() != name) {
            return Err(AdminError::invalid(name, &"is no claim of claims.custom: add it there first"));
        }
        let line = || AdminError::invalid(name, &"must be one line of at most 100 characters");
        profile = profile.with_custom(name, text).ok_or_else(line)?;
    }
    Ok(Draft { name, locale, profile })
}

fn shown(profile: &Profile) -> BTreeMap<String, String> {
    let fields = Field::ALL.into_iter().filter_map(|field| Some((field.as_str(), profile.get(field)?)));
    let mut shown: BTreeMap<_, _> =
        fields.chain(profile.customs()).map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
    if profile.phone_number_verified() {
        shown.insert("phone_number_verified".to_owned(), "true".to_owned());
    }
    shown
}

/// A page of accounts.
pub(super) async fn list(ctx: &Ctx, after: Option<&str>, limit: u32) -> Result<Reply, AdminError> {
    let after = after
        .map(AccountId::parse)
        .transpose()
        .map_err(|_| AdminError::invalid("after", &"must be acc_…"))?;
    let mut entries = Vec::new();
    for account in store::accounts(&ctx.app.store, after, limit.min(PAGE)).await? {
        entries.push(with_roles(ctx, &account).await?);
    }
    Ok(Reply::Accounts(entries))
}

/// Ends all that an account has.
pub(super) async fn revoke(ctx: &Ctx, named: &str) -> Result<Reply, AdminError> {
    let account = find(ctx, named).await?.id;
    let live = sessions_of(&ctx.app.store, account, ctx.now).await?;
    end_by(ctx, Actor::Operator, &end::decide(account, Scope::All, EndReason::Revoked)).await?;
    let sessions = live.iter().map(|session| session.id.to_string()).collect();
    Ok(Reply::Revoked { account: account.to_string(), sessions })
}

/// Ends all that was ever issued, to whomever: nothing that is being made right now escapes. Whoever logs in after it is
/// let in.
pub(super) async fn revoke_everything(ctx: &Ctx) -> Result<Reply, AdminError> {
    let Policy { leeway, .. } = ctx.app.policy;
    let mut attempts = ctx.attempts();
    loop {
        let present = ctx.app.store.epoch().await?;
        let epoch = present.next(ctx.app.clock.now(), leeway)?;
        let stamp = ctx.stamp(Actor::Operator);
        let batch = end_everything_batch(present, epoch, ctx.app.policy.longest_life(), &stamp);
        if attempts.apply(batch).await? {
            return Ok(Reply::EverythingRevoked { not_before: epoch.not_before().rfc3339() });
        }
    }
}

impl From<Ahead> for AdminError {
    fn from(Ahead(epoch): Ahead) -> Self {
        Self::EpochAhead(epoch.not_before().rfc3339())
    }
}

/// Ends one session, whoever's it is.
pub(super) async fn revoke_session(ctx: &Ctx, id: &str) -> Result<Reply, AdminError> {
    let unknown = || AdminError::NoSession(id.to_owned());
    let session = SessionId::parse(id).map_err(|_| unknown())?;
    let found = ctx.app.store.session_by_id(session).await?.ok_or_else(unknown)?;
    let account = found.session.account;
    let lives = found.check(ctx.app.store.live(), ctx.now).is_ok();
    end_by(ctx, Actor::Operator, &end::decide(account, Scope::One(session), EndReason::Revoked)).await?;
    let sessions = lives.then(|| session.to_string()).into_iter().collect();
    Ok(Reply::Revoked { account: account.to_string(), sessions })
}

/// The account of this id, address or username.
pub(super) async fn find(ctx: &Ctx, named: &str) -> Result<Account, AdminError> {
    let found = match (AccountId::parse(named), Identifier::parse(named)) {
        (Ok(id), _) => store::account(&ctx.app.store, id).await?,
        (Err(_), Ok(identifier)) => account_by_identifier(&ctx.app.store, &identifier).await?,
        (Err(_), Err(_)) => None,
    };
    found.ok_or_else(|| AdminError::NoAccount(named.to_owned()))
}

async fn entry(ctx: &Ctx, id: AccountId) -> Result<AccountEntry, AdminError> {
    let account = store::account(&ctx.app.store, id).await?;
    with_roles(ctx, &account.ok_or_else(|| AdminError::NoAccount(id.to_string()))?).await
}

async fn with_roles(ctx: &Ctx, account: &Account) -> Result<AccountEntry, AdminError> {
    Ok(AccountEntry::of(account, &store::roles(&ctx.app.store, account.id).await?))
}
