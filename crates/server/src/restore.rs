//! Putting a database back, while no server runs on it (attack STO-16).
//!
//! The next database is prepared beside the present one: copied, verified, brought up to this release's schema, held
//! against the master key, rid of what it must forget. Only then they are swapped; whatever goes wrong before leaves
//! the present one as it was.

use std::path::{Path, PathBuf};

use countersign_core::audit::{Actor, Stamp};
use countersign_core::revocation::Epoch;
use countersign_core::seal::MasterKey;
use countersign_core::{Random, Time};
use countersign_store::db::snapshot::{Snapshot, SnapshotError, Watch};
use countersign_store::db::{self, Settings, Site, StoreUrl};
use countersign_store::restore::{Facts, Restore, restore_batch, restore_facts};
use countersign_store::{Outcome, Store};

use crate::config::Config;
use crate::keyring::{KeyringError, MadeKey, Sealers, prove};

/// What is to be put back.
#[derive(Debug, Clone)]
pub struct Order {
    /// The backup; none: the database was put back by other means already.
    pub file: Option<PathBuf>,
    /// Ends everything that was issued so far.
    pub epoch_bump: bool,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Restored {
    /// What was in the backup, as it was brought in.
    pub snapshot: Option<Snapshot>,
    /// Where the replaced database lies.
    pub replaced: Option<PathBuf>,
    /// Sessions of browsers that were alive at the time of the backup and not idle by now.
    pub cookie_sessions: u64,
    /// Sessions of tokens that were.
    pub token_sessions: u64,
    /// What was issued before counts no more: some seconds from now, and logins until then are dated past it.
    pub not_before: Option<Time>,
}

/// Why nothing was put back. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The file, or the place where it should go.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The database.
    #[error(transparent)]
    Store(#[from] db::Error),
    /// The backup's keys, most likely sealed under another master key (attack STO-18).
    #[error(transparent)]
    Keys(#[from] KeyringError),
    /// There is no file to be replaced.
    #[error(
        "store.url is {0}, which is no file: put its database back by its own means (for PostgreSQL `pg_restore`), then run \
         `countersign restore --in-place`"
    )]
    NotAFile(String),
    /// Another process writes to it.
    #[error("the database is being used: stop the server first")]
    Used,
}

/// Does it. No server may run on the database; the master key is the one that the backup was made under.
pub async fn restore(
    config: &Config,
    master: &MasterKey,
    order: &Order,
    (now, random): (Time, &dyn Random),
    watch: &Watch,
) -> Result<Restored, RestoreError> {
    let tools = Tools { config, sealers: Sealers::of(master), epoch_bump: order.epoch_bump, now, random };
    let Some(file) = &order.file else {
        return tools.forget(&config.store, "in place").await;
    };
    let StoreUrl::Sqlite(path) = &config.store else {
        return Err(RestoreError::NotAFile(config.store.to_string()));
    };
    let site = Site::hold(path)?;
    let (site, snapshot) = prepare(site, file, watch).await?;
    let draft = StoreUrl::Sqlite(site.draft());
    let forgot = tools.forget(&draft, &snapshot.sha256).await?;
    let replaced = site.replace(now)?;
    Ok(Restored { snapshot: Some(snapshot), replaced, ..forgot })
}

async fn prepare(site: Site, file: &Path, watch: &Watch) -> Result<(Site, Snapshot), SnapshotError> {
    let (file, watch) = (file.to_owned(), watch.clone());
    let prepare = move || site.prepare(&file, &watch).map(|snapshot| (site, snapshot));
    let prepared = tokio::task::spawn_blocking(prepare).await;
    prepared.map_err(|error| db::Error::Unavailable(error.to_string()))?
}

struct Tools<'a> {
    config: &'a Config,
    sealers: Sealers,
    epoch_bump: bool,
    now: Time,
    random: &'a dyn Random,
}

impl Tools<'_> {
    /// Opens the database, has it forget what it must, and lets it go.
    async fn forget(&self, url: &StoreUrl, backup: &str) -> Result<Restored, RestoreError> {
        let store = Store::open(url, &Settings::default(), self.now).await?;
        let forgot = self.forget_in(&store, backup).await;
        let closed = store.close(&self.stamp()).await;
        let restored = forgot?;
        closed?;
        Ok(restored)
    }

    async fn forget_in(&self, store: &Store, backup: &str) -> Result<Restored, RestoreError> {
        let stamp = self.stamp();
        store.tell_migrated(&stamp).await?;
        prove(store, &self.sealers).await?;
        let facts = restore_facts(store, self.now).await?;
        let refresh_key = self.sealers.new_refresh_key(facts.next_refresh_key, self.random);
        let bump = if self.epoch_bump { Some(self.bump(facts.epoch).await?) } else { None };
        let restore = Restore {
            refresh_key: &refresh_key,
            key: bump.as_ref().map(|(_, key)| key.as_new()),
            epoch: bump.as_ref().map(|(epoch, _)| *epoch),
        };
        let life = self.config.policy().longest_life();
        if store.apply(restore_batch(&facts, &restore, backup, life, &stamp)).await? == Outcome::Lost {
            return Err(RestoreError::Used);
        }
        let Facts { cookie_sessions, token_sessions, .. } = facts;
        let not_before = bump.map(|(epoch, _)| epoch.not_before());
        Ok(Restored { snapshot: None, replaced: None, cookie_sessions, token_sessions, not_before })
    }

    /// No other node is there whose clock could be ahead.
    /// The next epoch, which replaces one of a clock that was ahead: all that it ended ends here too, and nothing runs that
    /// would remember it.
    async fn bump(&self, present: Epoch) -> Result<(Epoch, MadeKey), KeyringError> {
        let key = self.sealers.new_signing_key(self.config.token_alg, self.random).await?;
        Ok((present.replaced(self.now, self.config.policy().leeway), key))
    }

    fn stamp(&self) -> Stamp<'_> {
        Stamp { at: self.now, random: self.random, actor: Actor::Operator, ip: None, request: None }
    }
}
