//! `countersign backup`

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use countersign_server::admin::{BackupEntry, Command, Reply};

use super::place::Place;
use super::{client, out};

/// Where it goes.
#[derive(Args)]
pub(super) struct Backup {
    /// The file to write; it appears when it is whole, on disk and verified
    file: PathBuf,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `countersign backup`
pub(super) fn run(place: &Place, backup: &Backup) -> anyhow::Result<()> {
    let command = Command::Backup { file: absolute(&backup.file)?, force: backup.force };
    let Reply::BackedUp(made) = client::ask(place, command)? else { return Err(client::strange()) };
    if backup.json {
        return out::json(&made);
    }
    out::line(&made.file);
    contents(&made);
    Ok(())
}

/// The server has another working folder.
pub(super) fn absolute(file: &Path) -> anyhow::Result<String> {
    let path = std::path::absolute(file)?;
    path.into_os_string().into_string().ok().context("the name of the file is not UTF-8: choose another")
}

/// What is in a backup, a line each.
pub(super) fn contents(backup: &BackupEntry) {
    for (name, value) in [
        ("sha256", backup.sha256.clone()),
        ("bytes", backup.bytes.to_string()),
        ("schema", backup.schema.to_string()),
        ("accounts", backup.accounts.to_string()),
        ("sessions", backup.sessions.to_string()),
        ("audit", format!("{} lines", backup.events)),
    ] {
        out::line(&format!("{name:<9} {value}"));
    }
}
