//! `countersign restore`: while no server runs.

use std::path::PathBuf;

use anyhow::{anyhow, bail};
use clap::Args;
use countersign_server::admin::socket::NAME;
use countersign_server::admin::{BackupEntry, Command};
use countersign_server::clock::{Clock as _, SystemClock};
use countersign_server::random::SystemRandom;
use countersign_server::restore::{Order, RestoreError, Restored, restore};
use countersign_store::Error;
use countersign_store::db::StoreUrl;
use countersign_store::db::snapshot::SnapshotError;

use super::place::Place;
use super::{backup, client, log, out, owner, progress, runtime};

/// What to put back.
#[derive(Args)]
pub(super) struct Restore {
    /// A file that `countersign backup` wrote; the present database stays beside it as countersign.db.replaced-…
    #[arg(required_unless_present = "in_place")]
    file: Option<PathBuf>,
    /// The database was put back by other means (PostgreSQL's own, an image of the disk): only end what must end
    #[arg(long, conflicts_with = "file")]
    in_place: bool,
    /// End everything that was ever issued: every session, grant, token and link; with new signing keys
    #[arg(long)]
    epoch_bump: bool,
}

/// `countersign restore`
pub(super) fn run(place: &Place, asked: Restore) -> anyhow::Result<()> {
    let config = place.config()?;
    if matches!(config.store, StoreUrl::Memory) {
        bail!("store.url is memory:, which is new at every start: there is nothing to restore");
    }
    let socket = config.data.join(NAME);
    log::start_quiet();
    owner::demand(&config)?;
    config.make_data_folder()?;
    let master = config.master_key()?;
    let order = Order { file: asked.file, epoch_bump: asked.epoch_bump };
    let restored = runtime()?.block_on(async {
        if client::ask_server(&socket, &Command::Ping).await?.is_some() {
            bail!("a server answers at {}: stop it first, then restore, then start it", socket.display());
        }
        let clock = (SystemClock.now(), &SystemRandom as _);
        let done = restore(&config, &master, &order, clock, &progress::watch()).await;
        done.map_err(explain)
    })?;
    tell(&order, &restored);
    Ok(())
}

fn explain(error: RestoreError) -> anyhow::Error {
    match error {
        RestoreError::Store(error @ Error::InUse(_))
        | RestoreError::Snapshot(SnapshotError::Store(error @ Error::InUse(_))) => {
            anyhow!("{error}: stop it first, then restore, then start it")
        }
        error => error.into(),
    }
}

fn tell(order: &Order, restored: &Restored) {
    if let (Some(file), Some(snapshot)) = (&order.file, &restored.snapshot) {
        out::line(&format!("restored  {}", file.display()));
        backup::contents(&BackupEntry::of(file.display().to_string(), snapshot));
        if let Some(replaced) = &restored.replaced {
            out::line(&format!("replaced  {}", replaced.display()));
        }
        out::line("");
    }
    for line in ended(restored) {
        out::line(&line);
    }
}

/// What ended, and what may have come back, in plain words.
fn ended(restored: &Restored) -> Vec<String> {
    let Restored { cookie_sessions, token_sessions, .. } = restored;
    let mut lines = vec![
        "Ended: every access and refresh token, every grant, every mailed link and code, every mail that waited.".to_owned(),
    ];
    if let Some(not_before) = restored.not_before {
        lines.push(format!(
            "Ended: every session (alive in the backup: {}). Everybody has to log in again.",
            cookie_sessions + token_sessions
        ));
        lines.push(format!("Nothing issued before {not_before} counts, and another key signs tokens."));
    } else {
        lines.push(format!(
            "Ended: sessions of tokens ({token_sessions}). Alive as at the time of the backup: sessions of browsers \
             ({cookie_sessions})."
        ));
        lines.push(
            "Back, if it ended since the backup: sessions that were logged out or revoked, signing keys that were revoked as \
             stolen. Where that may matter, restore again with --epoch-bump."
                .to_owned(),
        );
    }
    lines.push(
        "Back as at the time of the backup: passwords, and accounts that were disabled or deleted since. Gone: accounts made \
         since."
            .to_owned(),
    );
    lines
}
