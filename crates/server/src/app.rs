//! What all requests share.

use std::ops::Deref;
use std::sync::Arc;

use countersign_core::grant::refresh::Target;
use countersign_core::revocation::StatusIndex;
use countersign_core::seal::{MasterKey, Purpose, Sealer, WeakKey};
use countersign_core::secret::MacKey;
use countersign_core::url::{ResourceId, is_loopback_url};
use countersign_core::{Policy, Random, Time};
use countersign_store::ephemeral::{Requests, Throttles};
use countersign_store::{Store, db};

use crate::client_keys::ClientKeys;
use crate::clock::Clock;
use crate::config::Config;
use crate::ctx::{Ctx, RequestIds};
use crate::extract::room::Room;
use crate::flows::document::Documents;
use crate::hash_pool::HashPool;
use crate::invitations::{Invitations, TokenFileError};
use crate::jobs::clock::ClockWatch;
use crate::keyring::{Keyring, KeyringError, Sealers, system};
use crate::mailer::Mailer;
use crate::metrics::Metrics;
use crate::outbound::{Outbound, TrustError};
use crate::readiness::Readiness;
use crate::respond::discovery::Discovery;
use crate::respond::status_list::SignedLists;

/// The running service: cheap to clone, the same for everybody.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// What pages and mails call this service.
pub(crate) const PUBLIC_NAME: &str = "Countersign";

/// The parts of an [`App`].
pub struct Inner {
    /// The checked settings.
    pub config: Config,
    /// The numbers that rules go by.
    pub policy: Policy,
    /// Facts and batches.
    pub store: Store,
    /// Where `now` comes from.
    pub clock: Arc<dyn Clock>,
    /// Where secrets come from.
    pub random: Arc<dyn Random>,
    /// The keys that sign and verify.
    pub keyring: Keyring,
    /// What is counted.
    pub metrics: Metrics,
    pub(crate) hashes: HashPool,
    pub(crate) outbox: Sealer,
    pub(crate) codes: MacKey,
    pub(crate) user_codes: MacKey,
    /// Seals secrets of clients that are the key of a MAC, each for its client's id.
    pub client_secrets: Sealer,
    pub(crate) nonces: MacKey,
    pub(crate) session_names: MacKey,
    pub(crate) subjects: MacKey,
    pub(crate) devices: MacKey,
    pub(crate) throttles: Arc<Throttles>,
    pub(crate) sealed_requests: Sealer,
    pub(crate) request_names: MacKey,
    pub(crate) long_requests: Requests,
    pub(crate) pushed_requests: Requests,
    pub(crate) mailer: Option<Mailer>,
    /// Requests to others.
    pub outbound: Outbound,
    pub(crate) mail_bell: tokio::sync::Notify,
    pub(crate) status_lists: SignedLists,
    pub(crate) discovery: Discovery,
    pub(crate) requests: RequestIds,
    pub(crate) clock_watch: ClockWatch,
    pub(crate) readiness: Readiness,
    pub(crate) invitations: Invitations,
    pub(crate) documents: Documents,
    /// Held by whoever makes a client that nobody vouched for.
    pub(crate) unvouched: tokio::sync::Mutex<()>,
    pub(crate) client_keys: ClientKeys,
    pub(crate) bodies: Room,
}

impl Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("App")
    }
}

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database.
    #[error("store: {0}")]
    Store(#[from] db::Error),
    /// The signing keys.
    #[error("keys: {0}")]
    Keys(#[from] KeyringError),
    /// The master key.
    #[error("server.master_key_file: {0}")]
    MasterKey(#[from] WeakKey),
    /// Who may register clients.
    #[error("registration.token_file: {0}")]
    Invitations(#[from] TokenFileError),
    /// Asking others.
    #[error("outbound.ca_file: {0}")]
    Outbound(#[from] TrustError),
    /// Sending mail.
    #[error("mail.smtp_url: {0}")]
    Mail(String),
}

impl App {
    /// Opens the store, makes sure of the keys and starts the hash workers. Nothing listens yet.
    pub async fn start(
        config: Config,
        master: &MasterKey,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, StartError> {
        Self::start_on(&db::Settings::default(), config, master, (clock, random)).await
    }

    /// Likewise, with these settings of the database.
    pub async fn start_on(
        settings: &db::Settings,
        config: Config,
        master: &MasterKey,
        (clock, random): (Arc<dyn Clock>, Arc<dyn Random>),
    ) -> Result<Self, StartError> {
        let policy = config.policy();
        let store = Store::open(&config.store, settings, clock.now()).await?;
        store.tell_migrated(&system(clock.now(), random.as_ref())).await?;
        let clock_watch = ClockWatch::begin(&store, clock.as_ref()).await?;
        let time = (clock.now(), random.as_ref());
        let keyring = Keyring::open(&store, Sealers::of(master), &config, time).await?;
        let mailer = Mailer::new(&config).map_err(|error| StartError::Mail(error.to_string()))?;
        let outbound = Outbound::new(&config)?;
        let file = config.registration.token_file.as_deref();
        let invitations = Invitations::new(master.mac_key(Purpose::Invitations), file)?;
        let hashes = HashPool::start(&config.password, Arc::clone(&random));
        let inner = Inner {
            metrics: Metrics::new(store.meter(), &hashes, clock.now()),
            hashes,
            outbox: master.sealer(Purpose::Outbox),
            codes: master.mac_key(Purpose::Codes),
            user_codes: master.mac_key(Purpose::UserCodes),
            client_secrets: master.sealer(Purpose::ClientSecrets),
            nonces: master.mac_key(Purpose::Nonces),
            session_names: master.mac_key(Purpose::SessionNames),
            subjects: master.mac_key(Purpose::Subjects),
            devices: master.mac_key(Purpose::Devices),
            throttles: Arc::new(Throttles::new(master.mac_key(Purpose::Throttles))),
            sealed_requests: master.sealer(Purpose::Requests),
            request_names: master.mac_key(Purpose::RequestNames),
            long_requests: Requests::default(),
            pushed_requests: Requests::default(),
            requests: RequestIds::new(random.as_ref()),
            clock_watch,
            readiness: Readiness::default(),
            mail_bell: tokio::sync::Notify::new(),
            status_lists: SignedLists::default(),
            discovery: Discovery::of(&config),
            config,
            policy,
            store,
            clock,
            random,
            keyring,
            mailer,
            outbound,
            invitations,
            documents: Documents::default(),
            unvouched: tokio::sync::Mutex::default(),
            client_keys: ClientKeys::default(),
            bodies: Room::default(),
        };
        Ok(Self(Arc::new(inner)))
    }

    /// Says at `/readyz` that nothing new should come: the first thing that is done when a stop is asked for.
    pub fn drain(&self) {
        self.readiness.drain();
    }

    /// The time that a request happens at: the clock's, or the moment from which things count, where everything was ended
    /// some seconds ago (attack STO-16).
    pub(crate) fn now(&self) -> Time {
        self.store.live().epoch().stamp(self.clock.now())
    }

    /// The time that throttling counts by: nobody sets it, so a wall clock that is put right neither opens a limit nor
    /// keeps one shut (attack STO-13). What is counted dies with the process, as this does.
    pub(crate) fn uptime(&self) -> Time {
        Time::from_micros(self.clock.passed().micros())
    }

    /// Writes what is written behind and lets the database go: the last thing that is done.
    pub async fn close(&self) -> Result<(), db::Error> {
        self.store.close(&system(self.clock.now(), self.random.as_ref())).await
    }

    /// A place in a status list for a session or grant about to be born.
    pub(crate) async fn lease_index(&self, ctx: &Ctx) -> Result<StatusIndex, db::Error> {
        self.store.lease_index(self.policy.longest_life(), &system(ctx.now, self.random.as_ref())).await
    }

    /// Whether tokens are made for the place that a request names, if it names one beside the issuer.
    pub(crate) async fn target_known(&self, target: Option<&Target>) -> Result<bool, db::Error> {
        match target.and_then(Target::resource) {
            Some(resource) => self.resource_known(resource).await,
            None => Ok(true),
        }
    }

    /// Whether tokens are made for a resource: one of the settings, one that an operator added, or in dev mode any on
    /// this machine.
    pub(crate) async fn resource_known(&self, resource: &ResourceId) -> Result<bool, db::Error> {
        let loopback = self.config.dev && is_loopback_url(resource.as_str());
        if loopback || self.config.resources.contains(resource) {
            return Ok(true);
        }
        countersign_store::resource::resource_known(&self.store, resource).await
    }
}
