//! What the service counts, for Prometheus. docs/metrics.md explains each family; a test compares.
//!
//! Handles are made once and kept. A label is one of a few words of ours, never anything that a request brought (attack
//! DOS-04), and nothing here names an account.

pub mod listener;
mod process;

use std::net::SocketAddr;
use std::sync::{LazyLock, OnceLock};

use countersign_core::Time;
use countersign_core::audit::Kind as Event;
use countersign_core::session::backchannel::Verdict;
use countersign_store::meter::{Label, Meter};
use http::StatusCode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::hash_pool::HashPool;
use crate::middleware::Access;

use self::process::Process;

/// Lines that the log could not take. The log is the process's own, so it is counted once, whatever runs here.
pub static LOG_LINES_DROPPED: LazyLock<Counter> = LazyLock::new(Counter::default);

/// All families, and the handles of those that are counted outside the store.
pub struct Metrics {
    registry: Registry,
    requests: [[Counter; STATUSES.len()]; CLASSES.len()],
    logins: [Counter; LOGINS.len()],
    refreshes: [Counter; REFRESHES.len()],
    mails: [Counter; MAILS.len()],
    logouts: [Counter; LOGOUTS.len()],
    refusals: Family<Label, Counter>,
    pub(crate) tokens: Counter,
    pub(crate) panics: Counter,
    pub(crate) connections: Gauge,
    pub(crate) mail_waiting: Gauge,
    pub(crate) mail_oldest: Gauge,
    pub(crate) logouts_waiting: Gauge,
    pub(crate) key_since: Gauge,
    pub(crate) certificate_expires: Gauge,
    hash_waiting: Gauge,
    process: Process,
    listening: OnceLock<SocketAddr>,
}

/// What came of a login with a password.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Login {
    Ok,
    Invalid,
    Throttled,
    Overloaded,
    Failed,
}

/// What came of a refresh.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Refresh {
    Rotated,
    Repeated,
    Reused,
    Refused,
}

/// What came of a try to send a mail.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mail {
    Sent,
    Retried,
    Failed,
}

/// In the order of the enum of the same name.
const LOGINS: [&str; 5] = ["ok", "invalid", "throttled", "overloaded", "failed"];
const REFRESHES: [&str; 4] = ["rotated", "repeated", "reused", "refused"];
const MAILS: [&str; 3] = ["sent", "retried", "failed"];
const LOGOUTS: [Verdict; 4] = [Verdict::Told, Verdict::Refused, Verdict::GivenUp, Verdict::Again];
/// In the order of [`class`].
const CLASSES: [&str; 7] = ["memory", "page", "api", "oauth", "public", "static", "health"];
const MEMORY: usize = 0;
const STATUSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

impl Metrics {
    pub(crate) fn new(store: &Meter, hashes: &HashPool, started: Time) -> Self {
        let mut registry = Registry::default();
        let process = Process::new(&mut registry, started);
        let it = registry.sub_registry_with_prefix("countersign");
        it.register("build", "The version that runs", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        let requests = requests(it);
        let logins = words(it, ("logins", "Logins with a password, by what came of them"), "outcome", LOGINS);
        let refreshes =
            words(it, ("refreshes", "Refresh tokens that came, by what came of them"), "outcome", REFRESHES);
        let mails = words(it, ("mails", "Tries to send a mail, by what came of them"), "outcome", MAILS);
        let told = "Tries to tell a client of a logout, by what came of them";
        let logouts = words(it, ("logouts", told), "outcome", LOGOUTS.map(Verdict::as_str));
        register_store(it, store);
        let (waits, took) = hashes.times();
        seconds(it, ("hash_wait", "Time that passwords waited to be hashed"), waits);
        seconds(it, ("hash_duration", "Time that hashing or judging a password took"), took);
        it.register("log_lines_dropped", "Log lines that nobody took", LOG_LINES_DROPPED.clone());
        Self {
            requests,
            logins,
            refreshes,
            mails,
            logouts,
            refusals: refusals(it),
            tokens: kept(it, "tokens_issued", "Access tokens that were signed"),
            panics: kept(it, "panics", "Requests that ended in a defect of ours: look into the log"),
            connections: kept(it, "connections_open", "Connections of clients that are open"),
            mail_waiting: kept(it, "mail_waiting", "Mails that wait in the outbox"),
            mail_oldest: time(it, "mail_oldest_age", "Age of the oldest mail that waits"),
            logouts_waiting: kept(it, "logouts_waiting", "Logouts that clients have yet to hear of"),
            key_since: time(it, "signing_key_since", "Since when, as a Unix time, the present key signs"),
            certificate_expires: time(
                it,
                "certificate_expires",
                "When, as a Unix time, the certificate that is shown ends",
            ),
            hash_waiting: kept(it, "hash_waiting", "Passwords that wait to be hashed"),
            process,
            listening: OnceLock::new(),
            registry,
        }
    }

    /// Everything as text, in the format of `OpenMetrics`.
    pub(crate) fn text(&self, hashes: &HashPool) -> String {
        self.hash_waiting.set(i64::try_from(hashes.waiting()).unwrap_or(i64::MAX));
        self.process.look();
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }

    /// Where they are served, if they are.
    pub(crate) fn listening(&self) -> Option<SocketAddr> {
        self.listening.get().copied()
    }

    /// A request that went through the gate was answered.
    pub(crate) fn answered(&self, access: Access, status: StatusCode) {
        self.count(class(access), status);
    }

    /// A request was answered from memory, before the router.
    pub(crate) fn answered_from_memory(&self, status: StatusCode) {
        self.count(MEMORY, status);
    }

    fn count(&self, class: usize, status: StatusCode) {
        let by_status = &self.requests[class];
        if let Some(counter) = by_status.get(usize::from(status.as_u16() / 100).wrapping_sub(1)) {
            counter.inc();
        }
    }

    pub(crate) fn login(&self, outcome: Login) {
        self.logins[outcome as usize].inc();
    }

    pub(crate) fn refresh(&self, outcome: Refresh) {
        self.refreshes[outcome as usize].inc();
    }

    pub(crate) fn mail(&self, outcome: Mail) {
        self.mails[outcome as usize].inc();
    }

    pub(crate) fn logout(&self, verdict: Verdict) {
        self.logouts[verdict as usize].inc();
    }

    /// A request was refused with this code.
    pub(crate) fn refused(&self, code: &'static str) {
        self.refusals.get_or_create(&[("code", code)]).inc();
    }

    /// A connection of a client, counted as long as what this returns is kept.
    pub(crate) fn connection(&self) -> OpenConnection {
        self.connections.inc();
        OpenConnection(self.connections.clone())
    }
}

/// Counts one connection until it is dropped.
pub(crate) struct OpenConnection(Gauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Which of [`CLASSES`] a route is of.
const fn class(access: Access) -> usize {
    match access {
        Access::STATIC => 5,
        Access::HEALTH => 6,
        Access::PUBLIC => 4,
        Access::OAUTH => 3,
        Access::PAGE => 1,
        _ => 2,
    }
}

fn register_store(it: &mut Registry, store: &Meter) {
    for kind in Event::ALL {
        // There from the start, so that the first one is an increase; a family without any is not even shown.
        drop(store.events.get_or_create(&[("kind", kind.as_str())]));
    }
    it.register(
        "events",
        "Events that were written into the audit log, by what happened",
        store.events.clone(),
    );
    it.register("revocations", "Entries of the revocation log", store.revocations.clone());
    seconds(it, ("store_read", "Time that reads by key took"), store.reads.clone());
    seconds(it, ("store_scan", "Time that reads of many rows took"), store.scans.clone());
    seconds(it, ("store_apply", "Time that changes took until they were durable"), store.batches.clone());
    it.register("store_lost", "Changes that another one forestalled: decided again", store.lost.clone());
    it.register("store_errors", "Reads and changes that the database did not do", store.errors.clone());
}

fn requests(it: &mut Registry) -> [[Counter; STATUSES.len()]; CLASSES.len()] {
    let family = Family::<[(&'static str, &'static str); 2], Counter>::default();
    let help = "Requests that were answered, by class of route and of status";
    it.register("http_requests", help, family.clone());
    CLASSES.map(|class| {
        STATUSES.map(|status| family.get_or_create_owned(&[("class", class), ("status", status)]))
    })
}

/// By code: most codes are there from their first time on.
fn refusals(it: &mut Registry) -> Family<Label, Counter> {
    let help = "Requests that were refused or put off, by the code of the answer";
    let family: Family<Label, Counter> = kept(it, "refusals", help);
    for code in ["internal", "overloaded"] {
        drop(family.get_or_create(&[("code", code)]));
    }
    family
}

/// A family of counters with one label that has these words, all of them there from the start.
fn words<const N: usize>(
    it: &mut Registry,
    (name, help): (&str, &str),
    label: &'static str,
    words: [&'static str; N],
) -> [Counter; N] {
    let family = Family::<Label, Counter>::default();
    it.register(name, help, family.clone());
    words.map(|word| family.get_or_create_owned(&[(label, word)]))
}

fn kept<M>(it: &mut Registry, name: &str, help: &str) -> M
where
    M: prometheus_client::registry::Metric + Clone + Default,
{
    let metric = M::default();
    it.register(name, help, metric.clone());
    metric
}

fn time(it: &mut Registry, name: &str, help: &str) -> Gauge {
    let gauge = Gauge::default();
    it.register_with_unit(name, help, Unit::Seconds, gauge.clone());
    gauge
}

fn seconds(it: &mut Registry, (name, help): (&str, &str), histogram: Histogram) {
    it.register_with_unit(name, help, Unit::Seconds, histogram);
}
