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
use countersign_core::key::rotate::{Ask, Limits, Step, Want, decide};
use countersign_core::key::{Key, State};
use countersign_core::seal::Sealer;
use countersign_core::secret::MacKey;
use countersign_core::{Random, Time};
use countersign_jose::{Alg, Header, Jwk, JwkSet, KeySet, SigningKey, VerifyingKey};
use countersign_store::key as store;
use countersign_store::{Outcome, Store, db};
use serde::Serialize;

use crate::config::Config;
use crate::extract::access_token::Tokens;
use crate::respond::document::etag;

pub(crate) use self::sealed::{MadeKey, Sealers, prove};
use self::sealed::{make, make_refresh_key, open_refresh_key, open_signing_key};

/// All keys of this process.
pub struct Keyring {
    present: ArcSwap<Keys>,
    /// Whoever makes a key on demand writes it: a thousand clients that ask for the first one make one.
    making: tokio::sync::RwLock<()>,
    refresh: HashMap<u32, MacKey>,
    newest: u32,
    sealer: Sealer,
    alg: Alg,
    limits: Limits,
}

/// The signing keys at one moment.
pub struct Keys {
    /// Those of access tokens first.
    signing: Vec<SigningKey>,
    verifying: KeySet,
    hints: KeySet,
    algs: Vec<Alg>,
    jwks: Bytes,
    etag: String,
    tokens: Tokens,
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
                let making = tokio::sync::RwLock::default();
                return Ok(Self { present, making, refresh, newest, sealer: signing, alg, limits });
            }
            let step = Step::Create { alg, state: State::Active };
            // Lost: another process made it first, and the next round reads it.
            let _ = take(store, &signing, &step, &stamp).await?;
        }
        Err(KeyringError::Contended)
    }

    /// The same keys stay as they are, and with them the tokens that they verified.
    fn take_over(&self, keys: Keys) {
        let present = self.present.load();
        let signing = present.signing.iter().map(SigningKey::kid);
        if present.etag != keys.etag || !signing.eq(keys.signing.iter().map(SigningKey::kid)) {
            self.present.store(Arc::new(keys));
        }
    }

    /// The signing keys now.
    pub fn keys(&self) -> Arc<Keys> {
        self.present.load_full()
    }

    /// The keys to publish; none while one is being made. A reader that keeps what it read for good must not miss the key of
    /// the first ID token (I11).
    pub(crate) fn published(&self) -> Option<Arc<Keys>> {
        self.making.try_read().is_ok().then(|| self.keys())
    }

    /// Likewise, once it was made.
    pub(crate) async fn published_soon(&self) -> Arc<Keys> {
        let _made = self.making.read().await;
        self.keys()
    }

    /// The key that new refresh tokens are made with, and its number.
    pub fn refresh_key(&self) -> (u32, &MacKey) {
        (self.newest, &self.refresh[&self.newest])
    }

    /// The key of a refresh token.
    pub(crate) fn refresh_key_by(&self, number: u32) -> Option<&MacKey> {
        self.refresh.get(&number)
    }

    /// The keys, one among them that signs with `alg`. The first one of an algorithm is made now, and whoever asks waits:
    /// for RSA up to a second, on a thread of its own.
    pub async fn signing_with(
        &self,
        store: &Store,
        alg: Alg,
        stamp: &Stamp<'_>,
    ) -> Result<Arc<Keys>, KeyringError> {
        if self.keys().signs(alg) {
            return Ok(self.keys());
        }
        let _turn = self.making.write().await;
        if !self.keys().signs(alg) {
            self.advance(store, (&[alg], Ask::Schedule), stamp).await?;
        }
        Ok(self.keys())
    }

    /// Signs what one client reads, with a key of the algorithm that it registered for.
    pub(crate) async fn sign(
        &self,
        store: &Store,
        alg: Alg,
        (typ, claims): (&'static str, &impl Serialize),
        stamp: &Stamp<'_>,
    ) -> Result<String, KeyringError> {
        let keys = self.signing_with(store, alg, stamp).await?;
        let key = keys.signing_by(alg).ok_or(KeyringError::Broken("there is no key of this algorithm"))?;
        Ok(key.sign(&Header { typ }, claims)?)
    }

    /// Takes the steps that are due (I11) and returns them: of the algorithm of access tokens, and of all that sign.
    pub async fn rotate(
        &self,
        store: &Store,
        ask: Ask,
        stamp: &Stamp<'_>,
    ) -> Result<Vec<Step>, KeyringError> {
        self.advance(store, (&[], ask), stamp).await
    }

    async fn advance(
        &self,
        store: &Store,
        (new, ask): (&[Alg], Ask),
        stamp: &Stamp<'_>,
    ) -> Result<Vec<Step>, KeyringError> {
        let mut taken: Vec<Step> = Vec::new();
        let mut done: Vec<Alg> = Vec::new();
        for _ in 0..TRIES {
            let stored = store::keys(store).await?;
            let keys: Vec<Key> = stored.iter().map(|stored| stored.key.clone()).collect();
            // What was asked for is done once; what follows from it (a new next key) is the schedule's.
            let ask = |alg| if done.contains(&alg) { Ask::Schedule } else { ask };
            let steps = decide(&keys, &self.wanted(&keys, new, ask), (stamp.at, &self.limits));
            // Another process may have moved keys on since this one read them.
            if let Some(keys) = Keys::read(&stored, &self.sealer, self.alg)? {
                self.take_over(keys);
            }
            if steps.is_empty() {
                return Ok(taken);
            }
            for step in steps {
                if take(store, &self.sealer, &step, stamp).await? == Outcome::Lost {
                    continue;
                }
                if let Step::Replace { next, .. } | Step::Revoke { next, .. } | Step::Activate { next } =
                    &step
                {
                    done.extend(keys.iter().find(|key| key.kid == *next).map(|key| key.alg));
                }
                taken.push(step);
            }
        }
        Err(KeyringError::Contended)
    }

    /// The algorithm of access tokens, those that sign already, since clients may have registered for them, and new ones.
    fn wanted(&self, keys: &[Key], new: &[Alg], ask: impl Fn(Alg) -> Ask) -> Vec<Want> {
        let signs = |alg: Alg| keys.iter().any(|key| key.alg == alg && key.state == State::Active);
        let wanted = |alg: &Alg| *alg == self.alg || new.contains(alg) || signs(*alg);
        let want = |alg| Want { alg, ask: ask(alg), at_once: alg != self.alg };
        Alg::ALL.iter().copied().filter(wanted).map(want).collect()
    }
}

impl Keys {
    /// The set that these stored keys make; none where no key is active. Access tokens are signed with another algorithm
    /// until the wanted one was published for long enough.
    fn read(stored: &[store::Stored], cipher: &Sealer, alg: Alg) -> Result<Option<Self>, KeyringError> {
        let mut active: Vec<_> = stored.iter().filter(|stored| stored.key.state == State::Active).collect();
        active.sort_by_key(|stored| stored.key.alg != alg);
        if active.is_empty() {
            return Ok(None);
        }
        let signing = active.iter().map(|stored| signing_key(cipher, stored)).collect::<Result<_, _>>()?;
        let public = |stored: &store::Stored| Jwk::parse(stored.public.as_bytes());
        let trusted = stored.iter().filter(|stored| stored.key.state != State::Revoked);
        let hints = trusted.map(|stored| VerifyingKey::new(&public(stored)?));
        let hints = KeySet::new(hints.collect::<Result<Vec<_>, _>>()?)?;
        let published = stored.iter().filter(|stored| stored.key.state.published());
        let jwks = published.map(public).collect::<Result<Vec<_>, _>>()?;
        let verifying = jwks.iter().map(VerifyingKey::new).collect::<Result<Vec<_>, _>>()?;
        let algs = Alg::ALL.iter().copied().filter(|alg| jwks.iter().any(|key| key.alg() == *alg)).collect();
        let json =
            serde_json::to_vec(&JwkSet::new(jwks)?).map_err(|_| KeyringError::Broken("a public key"))?;
        let (verifying, etag) = (KeySet::new(verifying)?, etag(&json));
        Ok(Some(Self {
            signing,
            verifying,
            hints,
            algs,
            jwks: Bytes::from(json),
            etag,
            tokens: Tokens::default(),
        }))
    }

    /// The key that signs access tokens, and everything else of ours that has one reader for all.
    pub fn signing(&self) -> &SigningKey {
        // invariant: a set has an active key.
        &self.signing[0]
    }

    /// The key that signs with this algorithm: there is one after [`Keyring::signing_with`].
    pub fn signing_by(&self, alg: Alg) -> Option<&SigningKey> {
        self.signing.iter().find(|key| key.alg() == alg)
    }

    fn signs(&self, alg: Alg) -> bool {
        self.signing_by(alg).is_some()
    }

    /// The keys that verify: all that are published.
    pub fn verifying(&self) -> &KeySet {
        &self.verifying
    }

    /// Every key there ever was but those that were stolen: a hint is an old token, and names who may not even be here (I11).
    pub fn hints(&self) -> &KeySet {
        &self.hints
    }

    /// The algorithms of the keys that verify.
    pub fn algs(&self) -> &[Alg] {
        &self.algs
    }

    /// The tokens that these keys verified. They go with the keys.
    pub(crate) fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// `jwks.json`, and its entity tag.
    pub fn jwks(&self) -> (Bytes, &str) {
        (self.jwks.clone(), &self.etag)
    }
}

fn signing_key(cipher: &Sealer, stored: &store::Stored) -> Result<SigningKey, KeyringError> {
    let sealed = stored.sealed.as_deref();
    let sealed = sealed.ok_or(KeyringError::Broken("an active key without a private part"))?;
    let private = open_signing_key(cipher, &stored.key.kid, sealed)?;
    Ok(SigningKey::from_pkcs8(stored.key.alg, &private)?)
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
pub fn system(now: Time, random: &dyn Random) -> Stamp<'_> {
    Stamp { at: now, random, actor: Actor::System, ip: None, request: None }
}
