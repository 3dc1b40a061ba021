//! Another master key (attack STO-18): what lies sealed is sealed anew, or, where the key is lost for good, given up and
//! begun anew. No server may run meanwhile: it would go on sealing under the key that it was started with.

use countersign_core::audit::{Actor, Stamp};
use countersign_core::seal::{MasterKey, Purpose, Sealer};
use countersign_core::{Random, Time};
use countersign_store::db::{Settings, Upgrade};
use countersign_store::reseal::{Item, Place, items, reseal_batch};
use countersign_store::restore::{Restore, begin_anew_batch, restore_facts};
use countersign_store::{Outcome, Store};

use crate::config::Config;
use crate::keyring::{KeyringError, Sealers};
use crate::restore::RestoreError;

/// What to do.
#[derive(Debug, Clone, Copy)]
pub enum Order<'a> {
    /// Open under the first key, seal under the second.
    Change(&'a MasterKey, &'a MasterKey),
    /// The key before is lost: new keys under this one. Whoever holds tokens has to log in again.
    Lost(&'a MasterKey),
}

/// Does it, in one transaction. How many things were sealed.
pub async fn reseal(
    config: &Config,
    order: Order<'_>,
    (now, random): (Time, &dyn Random),
) -> Result<usize, RestoreError> {
    let stamp = Stamp { at: now, random, actor: Actor::Operator, ip: None, request: None };
    let settings = Settings { upgrade: Upgrade::Refused, ..Settings::default() };
    let store = Store::open(&config.store, &settings, now).await?;
    let sealed = match order {
        Order::Change(old, new) => change(&store, (old, new), &stamp).await,
        Order::Lost(new) => begin_anew(&store, config, new, &stamp).await,
    };
    let closed = store.close(&stamp).await;
    let sealed = sealed?;
    closed?;
    Ok(sealed)
}

async fn change(
    store: &Store,
    (old, new): (&MasterKey, &MasterKey),
    stamp: &Stamp<'_>,
) -> Result<usize, RestoreError> {
    let (from, to) = (Seals::of(old), Seals::of(new));
    let mut anew = Vec::new();
    for item in items(store).await? {
        let (present, place) = from.at(&item);
        match present.open(&item.sealed, &place) {
            Ok(plain) => {
                let sealed = to.at(&item).0.seal(&plain, &place, stamp.random);
                anew.push((item, sealed));
            }
            // A broken mail is given up when its time comes; a key that does not open is another matter.
            Err(_) if matches!(item.place, Place::Job(_)) => {}
            Err(_) => return Err(KeyringError::Sealed.into()),
        }
    }
    if store.apply(reseal_batch(&anew, stamp)).await? == Outcome::Lost {
        return Err(RestoreError::Used);
    }
    Ok(anew.len())
}

async fn begin_anew(
    store: &Store,
    config: &Config,
    new: &MasterKey,
    stamp: &Stamp<'_>,
) -> Result<usize, RestoreError> {
    let sealers = Sealers::of(new);
    let facts = restore_facts(store, stamp.at).await?;
    let refresh_key = sealers.new_refresh_key(facts.next_refresh_key, stamp.random);
    let key = sealers.new_signing_key(config.token_alg, stamp.random).await?;
    let anew = Restore { refresh_key: &refresh_key, key: Some(key.as_new()), epoch: None };
    let life = config.policy().longest_life();
    if store.apply(begin_anew_batch(&facts, &anew, life, stamp)).await? == Outcome::Lost {
        return Err(RestoreError::Used);
    }
    Ok(2)
}

/// The sealers of one master key for all that lies sealed.
struct Seals {
    keys: Sealers,
    client_secrets: Sealer,
    outbox: Sealer,
}

impl Seals {
    fn of(master: &MasterKey) -> Self {
        Self {
            keys: Sealers::of(master),
            client_secrets: master.sealer(Purpose::ClientSecrets),
            outbox: master.sealer(Purpose::Outbox),
        }
    }

    /// The sealer of an item, and the place that it is sealed for.
    fn at(&self, item: &Item) -> (&Sealer, Vec<u8>) {
        match &item.place {
            Place::Key(kid) => (&self.keys.signing, kid.as_bytes().to_vec()),
            Place::RefreshKey(number) => (&self.keys.refresh, number.to_be_bytes().to_vec()),
            Place::ClientSecret(_, client) => (&self.client_secrets, client.as_str().as_bytes().to_vec()),
            Place::Job(id) => (&self.outbox, id.bytes().to_vec()),
        }
    }
}
