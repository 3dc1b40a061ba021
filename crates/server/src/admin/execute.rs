//! Does what an operator asks for.

use std::sync::Arc;

use countersign_core::account::change::Change;
use countersign_core::audit::{Actor, Kind};
use countersign_core::key::State;
use countersign_core::key::rotate::Ask;
use countersign_core::{AuditId, Span, Time};
use countersign_store::audit::{Filter, events};
use countersign_store::db::snapshot::Watch;
use countersign_store::key as keys;

use crate::app::App;
use crate::ctx::Ctx;

use super::command::{ClientCommand, PAGE};
use super::{
    AdminError, AuditEntry, AuditQuery, Command, KeyEntry, KeyStep, Reply, account, backup, check, client,
    grant, resource,
};

/// Does it. What a command ended has ended when this returns.
pub async fn execute(app: &App, command: Command) -> Result<Reply, AdminError> {
    execute_watched(app, command, Arc::new(|_| true)).await
}

/// Likewise, with somebody who hears how far it is where it takes long, and may stop it.
pub async fn execute_watched(app: &App, command: Command, watch: Watch) -> Result<Reply, AdminError> {
    let ctx = Ctx::operator(app);
    match command {
        Command::Ping => Ok(pong(app)),
        Command::Ready => {
            app.readiness.ask(app).await.map_err(|why| AdminError::Failed(why.to_string()))?;
            Ok(pong(app))
        }
        Command::AccountCreate(new) => account::create(&ctx, new).await,
        Command::AccountDisable { account } => account::change(&ctx, &account, Change::Disable).await,
        Command::AccountEnable { account } => account::change(&ctx, &account, Change::Enable).await,
        Command::AccountDelete { account } => account::change(&ctx, &account, Change::Delete).await,
        Command::AccountShow { account } => account::show(&ctx, &account).await,
        Command::AccountUpdate { account, changes } => account::update(&ctx, &account, &changes).await,
        Command::AccountList { after, limit } => account::list(&ctx, after.as_deref(), limit).await,
        Command::KeysList => key_entries(app).await.map(Reply::Keys),
        Command::KeysRotate { now } => rotate(&ctx, now).await,
        Command::RevokeSession { session } => account::revoke_session(&ctx, &session).await,
        Command::RevokeAccount { account } => account::revoke(&ctx, &account).await,
        Command::RevokeEverything => account::revoke_everything(&ctx).await,
        Command::Audit(query) => audit(&ctx, &query).await,
        Command::Client(command) => clients(&ctx, command).await,
        Command::GrantList { account, client, after, limit } => {
            let (account, client, after) = (account.as_deref(), client.as_deref(), after.as_deref());
            grant::list(&ctx, grant::Asked { account, client, after, limit }).await.map(Reply::Grants)
        }
        Command::GrantRevoke { grant } => {
            grant::revoke(&ctx, Actor::Operator, &grant).await.map(|grant| Reply::Grants(vec![grant]))
        }
        Command::ResourceAdd { resource } => {
            resource::add(&ctx, Actor::Operator, &resource).await.map(Reply::Resources)
        }
        Command::ResourceList => resource::list(app).await.map(Reply::Resources),
        Command::Check => Ok(Reply::Checked(check::check(app).await)),
        Command::Backup { file, force } => backup::back_up(&ctx, file, force, watch).await,
    }
}

async fn clients(ctx: &Ctx, command: ClientCommand) -> Result<Reply, AdminError> {
    const BY: Actor<'static> = Actor::Operator;
    match command {
        ClientCommand::Create(new) => client::create(ctx, BY, &new).await.map(Reply::Client),
        ClientCommand::Update { client, new } => {
            client::update(ctx, BY, &client, &new).await.map(Reply::Client)
        }
        ClientCommand::List { after, limit } => {
            client::list(ctx, after.as_deref(), limit).await.map(Reply::Clients)
        }
        ClientCommand::Show { client } => client::show(ctx, &client).await.map(Reply::Client),
        ClientCommand::RotateSecret { client, window } => {
            client::rotate(ctx, BY, &client, Span::seconds(window)).await.map(Reply::Client)
        }
        ClientCommand::Disable { client } => client::disable(ctx, BY, &client).await.map(Reply::Client),
        ClientCommand::Enable { client } => client::enable(ctx, BY, &client).await.map(Reply::Client),
        ClientCommand::Delete { client } => {
            client::delete(ctx, BY, &client).await.map(|()| Reply::ClientDeleted { client })
        }
        ClientCommand::Check { client } => match client {
            Some(client) => client::check(ctx, &client).await.map(Reply::Linted),
            None => client::check_all(ctx).await.map(Reply::Linted),
        },
        ClientCommand::Invite { life } => client::invite(ctx, Span::seconds(life)),
    }
}

fn pong(app: &App) -> Reply {
    Reply::Pong {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        origin: app.config.public_url.origin().to_owned(),
    }
}

async fn key_entries(app: &App) -> Result<Vec<KeyEntry>, AdminError> {
    Ok(keys::keys(&app.store).await?.iter().map(|stored| KeyEntry::of(&stored.key)).collect())
}

async fn rotate(ctx: &Ctx, now: bool) -> Result<Reply, AdminError> {
    let ask = if now { Ask::RotateNow } else { Ask::Rotate };
    let stamp = ctx.stamp(Actor::Operator);
    let steps = ctx.app.keyring.rotate(&ctx.app.store, ask, &stamp).await?;
    let stored = keys::keys(&ctx.app.store).await?;
    let wanted = ctx.app.config.token_alg;
    let next = stored.iter().find(|stored| stored.key.alg == wanted && stored.key.state == State::Next);
    let ready_at = next.map(|next| next.key.created_at + ctx.app.policy.key.published_before);
    Ok(Reply::Rotated {
        steps: steps.into_iter().map(KeyStep::from).collect(),
        keys: stored.iter().map(|stored| KeyEntry::of(&stored.key)).collect(),
        ready_at: ready_at.map(Time::rfc3339),
    })
}

async fn audit(ctx: &Ctx, query: &AuditQuery) -> Result<Reply, AdminError> {
    let account = match &query.account {
        Some(named) => Some(account::find(ctx, named).await?.id),
        None => None,
    };
    let kind = query.kind.as_deref().map(kind).transpose()?;
    let before = query.before.as_deref().map(AuditId::parse).transpose();
    let filter = Filter {
        account,
        kind,
        since: query.since.map(Time::from_micros),
        before: before.map_err(|_| AdminError::invalid("before", &"must be evt_…"))?,
        limit: query.limit.min(PAGE),
    };
    let lines = events(&ctx.app.store, &filter).await?;
    Ok(Reply::Audit(lines.into_iter().map(AuditEntry::from).collect()))
}

fn kind(word: &str) -> Result<Kind, AdminError> {
    Kind::parse(word).ok_or_else(|| {
        let words: Vec<_> = Kind::ALL.into_iter().map(Kind::as_str).collect();
        AdminError::invalid("--kind", &format!("must be one of {}", words.join(", ")))
    })
}
