//! `countersign revoke`

use clap::Args;
use countersign_server::admin::{Command, Reply};

use super::place::Place;
use super::{client, out};

/// What to end.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(super) struct Revoke {
    /// This session, with its grants and their tokens
    #[arg(long, value_name = "ses_…")]
    session: Option<String>,
    /// All that this account has, offline grants too
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// Everything that was ever issued, to everybody: for a stolen database or a stolen key
    #[arg(long)]
    everything: bool,
}

/// `countersign revoke`
pub(super) fn run(place: &Place, revoke: Revoke) -> anyhow::Result<()> {
    let command = match revoke {
        Revoke { everything: true, .. } => return run_everything(place),
        Revoke { session: Some(session), .. } => Command::RevokeSession { session },
        Revoke { account, .. } => Command::RevokeAccount { account: account.unwrap_or_default() },
    };
    let Reply::Revoked { account, sessions } = client::ask(place, command)? else {
        return Err(client::strange());
    };
    for session in &sessions {
        out::line(session);
    }
    out::note(&match sessions.len() {
        0 => format!("no session of {account} was alive; there is none now"),
        1 => format!("one session of {account} ended"),
        count => format!("{count} sessions of {account} ended"),
    });
    Ok(())
}

fn run_everything(place: &Place) -> anyhow::Result<()> {
    let Reply::EverythingRevoked { not_before } = client::ask(place, Command::RevokeEverything)? else {
        return Err(client::strange());
    };
    out::note(&format!(
        "everything that was issued before {not_before} has ended; whoever logs in from now on is let in"
    ));
    Ok(())
}
