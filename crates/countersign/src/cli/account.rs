//! `countersign account …`

use clap::{Args, Subcommand};
use countersign_server::admin::{AccountEntry, Command, NewAccount, PAGE, Reply, SessionEntry};
use serde::Serialize;

use super::place::Place;
use super::{client, out, password};

/// Accounts.
#[derive(Subcommand)]
pub(super) enum Account {
    /// Make an account; you vouch for its address
    Create(Create),
    /// No more logins; every session, grant and token ends
    Disable(Named),
    /// Logins again; what ended stays ended
    Enable(Named),
    /// Delete for good; its address is free again
    Delete(Named),
    /// The account and where it is logged in
    Show(Named),
    /// All accounts, the oldest first
    List(Listed),
}

/// A new account.
#[derive(Args)]
pub(super) struct Create {
    /// Its address
    #[arg(long, value_name = "ADDRESS")]
    email: String,
    /// What it is called
    #[arg(long)]
    name: Option<String>,
    /// It runs this server
    #[arg(long)]
    admin: bool,
    /// Read the password from standard input instead of asking for it
    #[arg(long)]
    password_stdin: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// An account, and how to print it.
#[derive(Args)]
pub(super) struct Named {
    /// acc_…, address or username
    account: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How to print all of them.
#[derive(Args)]
pub(super) struct Listed {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `countersign account …`
pub(super) fn run(place: &Place, command: Account) -> anyhow::Result<()> {
    match command {
        Account::Create(create) => make(place, create),
        Account::Disable(Named { account, json }) => {
            changed(place, Command::AccountDisable { account }, json)
        }
        Account::Enable(Named { account, json }) => changed(place, Command::AccountEnable { account }, json),
        Account::Delete(Named { account, json }) => changed(place, Command::AccountDelete { account }, json),
        Account::Show(Named { account, json }) => show(place, account, json),
        Account::List(Listed { json }) => list(place, json),
    }
}

fn make(place: &Place, create: Create) -> anyhow::Result<()> {
    let Create { email, name, admin, password_stdin, json } = create;
    let password = password::read(password_stdin)?;
    changed(place, Command::AccountCreate(NewAccount { email, name, admin, password }), json)
}

fn changed(place: &Place, command: Command, json: bool) -> anyhow::Result<()> {
    let Reply::Account(account) = client::ask(place, command)? else { return Err(client::strange()) };
    if json {
        return out::json(&account);
    }
    out::line(&format!("{} {} is {}", account.id, name(&account), account.state));
    Ok(())
}

#[derive(Serialize)]
struct ShownEntry {
    account: AccountEntry,
    sessions: Vec<SessionEntry>,
}

fn show(place: &Place, account: String, json: bool) -> anyhow::Result<()> {
    let reply = client::ask(place, Command::AccountShow { account })?;
    let Reply::Shown { account, sessions } = reply else { return Err(client::strange()) };
    if json {
        return out::json(&ShownEntry { account, sessions });
    }
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let verified = if account.email_verified { "" } else { " (not verified)" };
    let roles = if account.roles.is_empty() { "-".to_owned() } else { account.roles.join(", ") };
    for (name, value) in [
        ("id", account.id.clone()),
        ("state", account.state.clone()),
        ("email", format!("{}{verified}", or_none(&account.email))),
        ("name", or_none(&account.name)),
        ("language", account.locale.clone()),
        ("roles", roles),
        ("created", account.created_at.clone()),
        ("sessions", sessions.len().to_string()),
    ] {
        out::line(&format!("{name:<9} {value}"));
    }
    if !sessions.is_empty() {
        out::line("");
        let rows: Vec<_> = sessions.iter().map(session_row).collect();
        out::table(&["SESSION", "FACE", "LAST SEEN", "ENDS", "WHERE"], &rows);
    }
    Ok(())
}

fn session_row(session: &SessionEntry) -> Vec<String> {
    let hints = [&session.browser, &session.system, &session.ip];
    let hints = hints.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(", ");
    vec![
        session.id.clone(),
        session.face.clone(),
        session.last_seen_at.clone(),
        session.expires_at.clone(),
        hints,
    ]
}

fn list(place: &Place, json: bool) -> anyhow::Result<()> {
    let mut accounts: Vec<AccountEntry> = Vec::new();
    loop {
        let after = accounts.last().map(|account| account.id.clone());
        let reply = client::ask(place, Command::AccountList { after, limit: PAGE })?;
        let Reply::Accounts(page) = reply else { return Err(client::strange()) };
        let last = page.len() < PAGE as usize;
        accounts.extend(page);
        if last {
            break;
        }
        out::note(&format!("{} accounts so far", accounts.len()));
    }
    if json {
        return out::json(&accounts);
    }
    let row = |account: &AccountEntry| {
        vec![
            account.id.clone(),
            account.state.clone(),
            name(account),
            account.roles.join(", "),
            account.created_at.clone(),
        ]
    };
    let rows: Vec<_> = accounts.iter().map(row).collect();
    out::table(&["ACCOUNT", "STATE", "EMAIL", "ROLES", "CREATED"], &rows);
    Ok(())
}

fn name(account: &AccountEntry) -> String {
    account.email.clone().unwrap_or_else(|| "-".to_owned())
}
