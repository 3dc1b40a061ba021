//! `countersign keys reseal`: while no server runs.

use std::path::PathBuf;

use anyhow::{anyhow, bail};
use clap::Args;
use countersign_server::admin::Command;
use countersign_server::admin::socket::NAME;
use countersign_server::clock::{Clock as _, SystemClock};
use countersign_server::random::SystemRandom;
use countersign_server::reseal::{Order, reseal};
use countersign_server::restore::RestoreError;
use countersign_store::Error;

use super::place::Place;
use super::{client, log, out, owner, runtime};

/// The other key.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(super) struct Reseal {
    /// The next master key: everything is opened under the present one and sealed under this one
    #[arg(long, value_name = "FILE")]
    new_master_key_file: Option<PathBuf>,
    /// The key that the database was made with is gone: begin anew under the one that is set. Whoever holds tokens has
    /// to log in again
    #[arg(long)]
    lost: bool,
}

/// `countersign keys reseal`
pub(super) fn run(place: &Place, asked: &Reseal) -> anyhow::Result<()> {
    let config = place.config()?;
    let socket = config.data.join(NAME);
    owner::demand(&config)?;
    log::start_quiet();
    let present = config.master_key()?;
    let next = asked.new_master_key_file.as_ref().map(|file| {
        let mut config = config.clone();
        config.master_key_file.clone_from(file);
        config.master_key()
    });
    let next = next.transpose()?;
    let order = next.as_ref().map_or(Order::Lost(&present), |next| Order::Change(&present, next));
    let sealed = runtime()?.block_on(async {
        if client::ask_server(&socket, &Command::Ping).await?.is_some() {
            bail!("a server answers at {}: stop it first", socket.display());
        }
        let clock = (SystemClock.now(), &SystemRandom as _);
        reseal(&config, order, clock).await.map_err(explain)
    })?;
    if let Some(file) = &asked.new_master_key_file {
        out::line(&format!("sealed {sealed} values under {}", file.display()));
        out::line(
            "Now set server.master_key_file to it, or put it in that file's place, and start the server.",
        );
        out::line("Codes that were mailed before do not work any more; their links do.");
    } else {
        out::line("What lay sealed is given up: new keys lie under the present server.master_key_file.");
        out::line(
            "Ended: every access and refresh token, every mailed link and code, every mail that waited.",
        );
    }
    Ok(())
}

fn explain(error: RestoreError) -> anyhow::Error {
    match error {
        RestoreError::Store(error @ Error::InUse(_)) => anyhow!("{error}: stop it first"),
        error => error.into(),
    }
}
