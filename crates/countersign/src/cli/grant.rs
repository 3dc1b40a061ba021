//! `countersign grant …`

use clap::{Args, Subcommand};
use countersign_server::admin::{Command, GrantEntry, PAGE, Reply};

use super::place::Place;
use super::{client, out};

/// What accounts let clients do.
#[derive(Subcommand)]
pub(super) enum Grant {
    /// Grants that were not ended, the oldest first
    List(Listed),
    /// End a grant with all its tokens
    Revoke(Revoke),
}

/// Which grants.
#[derive(Args)]
pub(super) struct Listed {
    /// Those of this account: acc_…, address or username
    #[arg(long, conflicts_with = "client")]
    account: Option<String>,
    /// Those of this client
    #[arg(long)]
    client: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A grant, and how to print it.
#[derive(Args)]
pub(super) struct Revoke {
    /// grt_…
    grant: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `countersign grant …`
pub(super) fn run(place: &Place, command: Grant) -> anyhow::Result<()> {
    let (grants, json) = match command {
        Grant::List(Listed { account, client, json }) => {
            (list(place, account.as_deref(), client.as_deref())?, json)
        }
        Grant::Revoke(Revoke { grant, json }) => (ask(place, Command::GrantRevoke { grant })?, json),
    };
    if json {
        return out::json(&grants);
    }
    let row = |grant: &GrantEntry| {
        vec![
            grant.id.clone(),
            grant.account.clone(),
            grant.client.clone(),
            grant.session.clone().unwrap_or_else(|| "-".to_owned()),
            grant.scope.clone(),
            grant.used_at.clone(),
        ]
    };
    let rows: Vec<_> = grants.iter().map(row).collect();
    out::table(&["GRANT", "ACCOUNT", "CLIENT", "SESSION", "SCOPE", "USED"], &rows);
    Ok(())
}

fn list(place: &Place, account: Option<&str>, named: Option<&str>) -> anyhow::Result<Vec<GrantEntry>> {
    let mut grants: Vec<GrantEntry> = Vec::new();
    loop {
        let after = grants.last().map(|grant| grant.id.clone());
        let (account, client) = (account.map(str::to_owned), named.map(str::to_owned));
        let page = ask(place, Command::GrantList { account, client, after, limit: PAGE })?;
        let last = page.len() < PAGE as usize;
        grants.extend(page);
        if last {
            return Ok(grants);
        }
    }
}

fn ask(place: &Place, command: Command) -> anyhow::Result<Vec<GrantEntry>> {
    match client::ask(place, command)? {
        Reply::Grants(grants) => Ok(grants),
        _ => Err(client::strange()),
    }
}
