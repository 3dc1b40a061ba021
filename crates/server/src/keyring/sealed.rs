//! Keys as they lie sealed in the store: made, opened, and proved to open.

use countersign_core::Random;
use countersign_core::random;
use countersign_core::seal::{MasterKey, Purpose, Sealer};
use countersign_jose::{Alg, SigningKey};
use countersign_store::Store;
use countersign_store::key::{self as store, NewKey, RefreshKey};
use zeroize::Zeroizing;

use super::KeyringError;

/// What opens and seals the keys of a store.
pub(crate) struct Sealers {
    pub(crate) signing: Sealer,
    pub(crate) refresh: Sealer,
}

/// A signing key just made.
pub(crate) struct MadeKey {
    pub(crate) kid: String,
    pub(crate) alg: Alg,
    /// A JWK as JSON.
    pub(crate) public: String,
    pub(crate) sealed: Vec<u8>,
}

impl MadeKey {
    /// As the store takes it.
    pub(crate) fn as_new(&self) -> NewKey<'_> {
        NewKey { kid: &self.kid, alg: self.alg, public: &self.public, sealed: &self.sealed }
    }
}

impl Sealers {
    /// Those of a master key.
    pub(crate) fn of(master: &MasterKey) -> Self {
        Self { signing: master.sealer(Purpose::SigningKeys), refresh: master.sealer(Purpose::RefreshKeys) }
    }

    /// Makes a signing key. An RSA key takes seconds.
    pub(crate) async fn new_signing_key(
        &self,
        alg: Alg,
        random: &dyn Random,
    ) -> Result<MadeKey, KeyringError> {
        make(&self.signing, alg, random).await
    }

    /// Makes a key of refresh tokens, sealed for its number.
    pub(crate) fn new_refresh_key(&self, number: u32, random: &dyn Random) -> Vec<u8> {
        make_refresh_key(&self.refresh, number, random)
    }
}

/// Opens every key of the store once: the master key is the one that sealed them, all of them (attack STO-18).
pub(crate) async fn prove(store: &Store, sealers: &Sealers) -> Result<(), KeyringError> {
    for stored in store::keys(store).await? {
        if let Some(sealed) = &stored.sealed {
            open_signing_key(&sealers.signing, &stored.key.kid, sealed)?;
        }
    }
    for stored in store::refresh_keys(store).await? {
        open_refresh_key(&sealers.refresh, &stored)?;
    }
    Ok(())
}

pub(super) fn open_signing_key(
    cipher: &Sealer,
    kid: &str,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
    cipher.open(sealed, kid.as_bytes()).map_err(|_| KeyringError::Sealed)
}

pub(super) fn open_refresh_key(
    cipher: &Sealer,
    stored: &RefreshKey,
) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
    cipher.open(&stored.sealed, &stored.number.to_be_bytes()).map_err(|_| KeyringError::Sealed)
}

pub(super) async fn make(cipher: &Sealer, alg: Alg, random: &dyn Random) -> Result<MadeKey, KeyringError> {
    let made = tokio::task::spawn_blocking(move || SigningKey::generate(alg)).await;
    let (key, private) = made.map_err(|_| KeyringError::Broken("key generation panicked"))??;
    let public = serde_json::to_string(key.public()).map_err(|_| KeyringError::Broken("a public key"))?;
    let sealed = cipher.seal(private.as_bytes(), key.kid().as_bytes(), random);
    Ok(MadeKey { kid: key.kid().to_owned(), alg, public, sealed })
}

pub(super) fn make_refresh_key(cipher: &Sealer, number: u32, random: &dyn Random) -> Vec<u8> {
    let bytes: Zeroizing<[u8; 32]> = Zeroizing::new(random::bytes(random));
    cipher.seal(&*bytes, &number.to_be_bytes(), random)
}
