//! `countersign migrate`: what every start does, without starting.

use countersign_core::audit::{Actor, Stamp};
use countersign_server::clock::{Clock as _, SystemClock};
use countersign_server::random::SystemRandom;
use countersign_store::db::{Settings, StoreUrl};
use countersign_store::{Error, Store};

use super::place::Place;
use super::{log, out, owner, runtime};

/// `countersign migrate`
pub(super) fn run(place: &Place) -> anyhow::Result<()> {
    let config = place.config()?;
    if matches!(config.store, StoreUrl::Memory) {
        anyhow::bail!("store.url is memory:, which is new at every start: there is nothing to migrate");
    }
    owner::demand(&config)?;
    log::start_quiet();
    config.make_data_folder()?;
    out::note(&format!("bringing {} up to date", config.store));
    let migrated = runtime()?.block_on(async {
        let store = Store::open(&config.store, &Settings::default(), SystemClock.now()).await?;
        let migrated = store.migrated().to_vec();
        let stamp = Stamp {
            at: SystemClock.now(),
            random: &SystemRandom,
            actor: Actor::Operator,
            ip: None,
            request: None,
        };
        store.tell_migrated(&stamp).await?;
        store.close(&stamp).await?;
        Ok(migrated)
    });
    let migrated = migrated.map_err(|error| match error {
        Error::InUse(_) => anyhow::anyhow!("{error}: a server that runs has migrated at its start"),
        error => error.into(),
    })?;
    for name in &migrated {
        out::line(name);
    }
    match migrated.len() {
        0 => out::note("nothing to do: the schema is this release's"),
        count => out::note(&format!("{count} done")),
    }
    Ok(())
}
