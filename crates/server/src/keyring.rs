//! The keys that sign and verify, as this process holds them.
//!
//! The store keeps private parts sealed; here they are open, parsed and ready. Readers take the present set without a
//! lock; a rotation puts another set in its place.

mod sealed;

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use countersign_core::audit::{Actor, Stamp};
use countersign_core::key::rotate::{Ask, Limits, Step, decide};
use countersign_core::key::{Key, State};
use countersign_core::seal::Sealer;
use countersign_core::secret::MacKey;
use countersign_core::{Random, Time};
use countersign_jose::{Alg, Jwk, JwkSet, KeySet, SigningKey, VerifyingKey};
use countersign_store::key as store;
use countersign_store::{Outcome, Store, db};

use crate::config::Config;
use crate::extract::bearer::Bearers;
use crate::respond::document::etag;

pub(crate) use self::sealed::{MadeKey, Sealers, prove};
use self::sealed::{make, make_refresh_key, open_refresh_key, open_signing_key};

/// All keys of this process.
pub struct Keyring {
    present: ArcSwap<Keys>,
    refresh: HashMap<u32, MacKey>,
    newest: u32,
    sealer: Sealer,
    alg: Alg,
    limits: Limits,
}

/// The signing keys at one moment.
pub struct Keys {
    signing: SigningKey,
    verifying: KeySet,
    algs: Vec<Alg>,
    jwks: Bytes,
    etag: String,
    bearers: Bearers,
}

/// Why there are no keys to work with.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The database.
    #[error(transparent)]
    Store(#[from] db::Error),
    /// A sealed key does not open: `server.master_key_file` is not the one that sealed it (attack STO-18).
    #[error(
        "a stored key does not open: server.master_key_file is not the file that this database was made with. Put that file \
         back; if it is lost for good, `countersign keys reseal --lost` begins anew under the present one"
    )]
    Sealed,
    /// A stored key is broken.
    #[error("a stored key cannot be read: {0}")]
    Broken(&'static str),
    /// Other processes kept changing the keys.
    #[error("the keys kept changing while they were read")]
    Contended,
}

impl From<countersign_jose::Error> for KeyringError {
    fn from(error: countersign_jose::Error) -> Self {
        Self::Broken(error.code())
    }
}

/// Losing so often to another process that makes keys at the same start is no accident.
const TRIES: usize = 20;

impl Keyring {
    /// Reads the keys, and makes those without which nothing can be signed.
    pub(crate) async fn open(
        store: &Store,
        Sealers { signing, refresh }: Sealers,
        config: &Config,
        (now, random): (Time, &dyn Random),
    ) -> Result<Self, KeyringError> {
        let stamp = system(now, random);
        let (alg, limits) = (config.token_alg, config.policy().key);
        let (refresh, newest) = refresh_keys(store, &refresh, &stamp).await?;
        for _ in 0..TRIES {
            let stored = store::keys(store).await?;
            if let Some(keys) = Keys::read(&stored, &signing, alg)? {
                let present = ArcSwap::from_pointee(keys);
                return Ok(Self { present, refresh, newest, sealer: signing, alg, limits });
            }
            let step = Step::Create { alg, state: State::Active };
            // Lost: another process made it first, and the next round reads it.
            let _ = take(store, &signing, &step, &stamp).await?;
        }
        Err(KeyringError::Contended)
    }

    /// The signing keys now.
    pub fn keys(&self) -> Arc<Keys> {
        self.present.load_full()
    }

    /// The key that new refresh tokens are made with, and its number.
    pub fn refresh_key(&self) -> (u32, &MacKey) {
        (self.newest, &self.refresh[&self.newest])
    }

    /// The key of a refresh token.
    pub(crate) fn refresh_key_by(&self, number: u32) -> Option<&MacKey> {
        self.refresh.get(&number)
    }

    /// Takes the steps that are due (I11) and returns them. Making an RSA key takes seconds: not on a request.
    pub async fn rotate(
        &self,
        store: &Store,
        ask: Ask,
        stamp: &Stamp<'_>,
    ) -> Result<Vec<Step>, KeyringError> {
        let mut taken = Vec::new();
        let mut ask = ask;
        for _ in 0..TRIES {
            let stored = store::keys(store).await?;
            let keys: Vec<Key> = stored.iter().map(|stored| stored.key.clone()).collect();
            let steps = decide(&keys, &[self.alg], ask, (stamp.at, &self.limits));
            // Another process may have moved keys on since this one read them.
            if let Some(keys) = Keys::read(&stored, &self.sealer, self.alg)? {
                self.present.store(Arc::new(keys));
            }
            if steps.is_empty() {
                return Ok(taken);
            }
            for step in steps {
                if take(store, &self.sealer, &step, stamp).await? == Outcome::Lost {
                    continue;
                }
                // What was asked for is done once; what follows from it (a new next key) is the schedule's.
                if matches!(step, Step::Replace { .. } | Step::Revoke { .. } | Step::Activate { .. }) {
                    ask = Ask::Schedule;
                }
                taken.push(step);
            }
        }
        Err(KeyringError::Contended)
    }
}

impl Keys {
    /// The set that these stored keys make; none where no key is active. One of another algorithm signs until the wanted
    /// one was published for long enough.
    fn read(stored: &[store::Stored], cipher: &Sealer, alg: Alg) -> Result<Option<Self>, KeyringError> {
        let active = || stored.iter().filter(|stored| stored.key.state == State::Active);
        let wanted = active().find(|stored| stored.key.alg == alg);
        let Some(active) = wanted.or_else(|| active().next()) else { return Ok(None) };
        let sealed =
            active.sealed.as_deref().ok_or(KeyringError::Broken("an active key without a private part"))?;
        let private = open_signing_key(cipher, &active.key.kid, sealed)?;
        let signing = SigningKey::from_pkcs8(active.key.alg, &private)?;
        let published = stored.iter().filter(|stored| stored.key.state.published());
        let jwks =
            published.map(|stored| Jwk::parse(stored.public.as_bytes())).collect::<Result<Vec<_>, _>>()?;
        let verifying = jwks.iter().map(VerifyingKey::new).collect::<Result<Vec<_>, _>>()?;
        let mut algs: Vec<Alg> = jwks.iter().map(Jwk::alg).collect();
        algs.dedup();
        let json =
            serde_json::to_vec(&JwkSet::new(jwks)?).map_err(|_| KeyringError::Broken("a public key"))?;
        let (verifying, etag) = (KeySet::new(verifying)?, etag(&json));
        Ok(Some(Self {
            signing,
            verifying,
            algs,
            jwks: Bytes::from(json),
            etag,
            bearers: Bearers::default(),
        }))
    }

    /// The key that signs.
    pub fn signing(&self) -> &SigningKey {
        &self.signing
    }

    /// The keys that verify: all that are published.
    pub fn verifying(&self) -> &KeySet {
        &self.verifying
    }

    /// The algorithms of the keys that verify.
    pub fn algs(&self) -> &[Alg] {
        &self.algs
    }

    /// The tokens that these keys verified. They go with the keys.
    pub(crate) fn bearers(&self) -> &Bearers {
        &self.bearers
    }

    /// `jwks.json`, and its entity tag.
    pub fn jwks(&self) -> (Bytes, &str) {
        (self.jwks.clone(), &self.etag)
    }
}

async fn take(
    store: &Store,
    cipher: &Sealer,
    step: &Step,
    stamp: &Stamp<'_>,
) -> Result<Outcome, KeyringError> {
    let batch = match step {
        Step::Create { alg, state } => {
            let made = make(cipher, *alg, stamp.random).await?;
            store::create_batch(&made.as_new(), *state, stamp)
        }
        Step::Replace { active, next } => store::replace_batch(active, next, stamp),
        Step::Revoke { active, next } => store::revoke_batch(active, next, stamp),
        Step::Activate { next } => store::activate_batch(next, stamp),
        Step::Withdraw { kid } => store::withdraw_batch(kid, stamp),
        Step::Retire { kid } => store::retire_batch(kid, stamp),
        Step::Redate { kid } => store::redate_batch(kid, stamp),
    };
    Ok(store.apply(batch).await?)
}

/// The keys of refresh tokens; the first one is made at the first start.
async fn refresh_keys(
    store: &Store,
    cipher: &Sealer,
    stamp: &Stamp<'_>,
) -> Result<(HashMap<u32, MacKey>, u32), KeyringError> {
    for _ in 0..TRIES {
        let mut keys = HashMap::new();
        for stored in store::refresh_keys(store).await? {
            let bytes = open_refresh_key(cipher, &stored)?;
            let bytes = bytes.as_slice().try_into().map_err(|_| KeyringError::Broken("a refresh key"))?;
            keys.insert(stored.number, MacKey::new(bytes));
        }
        if let Some(newest) = keys.keys().max().copied() {
            return Ok((keys, newest));
        }
        let sealed = make_refresh_key(cipher, 1, stamp.random);
        // Lost: another process made it first, and its key counts.
        let _ = store.apply(store::insert_refresh_key_batch(1, &sealed, stamp)).await?;
    }
    Err(KeyringError::Contended)
}

/// What the server does on its own account.
pub(crate) fn system(now: Time, random: &dyn Random) -> Stamp<'_> {
    Stamp { at: now, random, actor: Actor::System, ip: None, request: None }
}
