//! The settings that the server runs on: they fit together, and they fit the mode.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use countersign_core::claims::CustomClaim;
use countersign_core::grant::Scopes;
use countersign_core::url::{PublicUrl, ResourceId};
use countersign_core::{Policy, Span, grant, key, session, token};
use countersign_jose::Alg;
use countersign_store::db::StoreUrl;
use ipnet::IpNet;

use super::error::ConfigErrors;
use super::findings::Findings;
use super::mailbox::Mailbox;
use super::otlp_endpoint::OtlpEndpoint;
use super::registration::Outbound;
use super::registration::{self, Registration};
use super::smtp_url::Credentials;
use super::{Hashing, Mode, hashing, listener, raw, text, throttle};
use crate::serve::certificate::Files;

/// A configuration that allows a start.
#[derive(Debug, Clone)]
pub struct Config {
    /// Dev mode.
    pub dev: bool,
    /// Where to listen; a loopback address in dev mode. Port 0 leaves the port to the system: see [`Config::bound_to`].
    pub listen: SocketAddr,
    /// What links, cookies and the issuer are made from.
    pub public_url: PublicUrl,
    /// Nobody set it: it is `http://localhost` and the port that is listened on.
    public_url_follows: bool,
    /// The folder beside the database.
    pub data: PathBuf,
    /// Where the master key lies.
    pub master_key_file: PathBuf,
    /// Who may say where a request came from.
    pub trusted_proxies: Vec<IpNet>,
    /// Connections that clients may have open at once.
    pub connections: usize,
    /// Of these, how many from one address.
    pub connections_per_address: usize,
    /// The certificate of TLS of our own; none: in clear.
    pub tls: Option<Files>,
    /// The database.
    pub store: StoreUrl,
    /// What access tokens are signed with.
    pub token_alg: Alg,
    /// Proofs need a nonce of ours (RFC 9449 section 8).
    pub dpop_nonce: bool,
    /// How passwords are hashed.
    pub password: Hashing,
    /// Where mails leave through; none: what needs mail is refused, but in dev mode.
    pub smtp: Option<Smtp>,
    /// Who may register clients.
    pub registration: Registration,
    /// Whom we may ask.
    pub outbound: Outbound,
    /// How to log.
    pub log: Log,
    /// Where metrics are served, if anywhere.
    pub metrics_listen: Option<SocketAddr>,
    /// Where traces are sent, if anywhere.
    pub otlp_endpoint: Option<OtlpEndpoint>,
    /// APIs that tokens may be asked for.
    pub resources: Vec<ResourceId>,
    /// Claims of the operator's own, and the scopes that give them.
    pub custom_claims: Vec<CustomClaim>,
    /// Scopes that clients may ask for beside the standard ones.
    pub scopes: Scopes,
    policy: Policy,
}

impl Config {
    /// The numbers that rules go by.
    pub const fn policy(&self) -> Policy {
        self.policy
    }

    /// The configuration of a server that listens on this address by now: where nobody set `server.public_url`, it has
    /// the port that the system chose.
    #[must_use]
    pub fn bound_to(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        if let Some(url) =
            listener::localhost(address.port(), self.tls.is_some()).filter(|_| self.public_url_follows)
        {
            self.public_url = url;
        }
        self
    }

    /// Whether the address is one of our own proxies, and may say where a request came from (invariant I15).
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted_proxies.iter().any(|net| net.contains(&address))
    }
}

/// A mail server.
#[derive(Debug, Clone)]
pub struct Smtp {
    /// A name or an address; IPv6 without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: SmtpTls,
    /// What it wants to see.
    pub credentials: Option<Credentials>,
    /// Who mails come from.
    pub from: Mailbox,
}

/// How the connection to the mail server is protected. Never "if the server offers it": whoever owns the network could
/// take the offer away (attack STO-19).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpTls {
    /// STARTTLS or nothing.
    Required,
    /// TLS from the first byte.
    Wrapper,
    /// In clear, on this machine only.
    None,
}

/// How to log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    /// How lines are written.
    pub format: LogFormat,
    /// The least that is logged.
    pub level: tracing::Level,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// Checks everything, whatever was found before, so that all of it is reported at once.
pub(super) fn check(mode: Mode, raw: raw::Config, mut findings: Findings) -> Result<Config, ConfigErrors> {
    let found = &mut findings;
    let public_url = listener::public_url(mode, &raw.server, raw.tls.certificate.is_some(), found);
    let master_key_file = master_key_file(mode, &raw.server, found);
    let tls = listener::check(mode, &raw.server, &raw.tls, public_url.as_ref(), found);
    metrics(mode, raw.metrics.listen, raw.server.listen, found);
    lives(&raw, found);
    keys(&raw, found);
    let policy = policy(&raw, throttle::limits(&raw.throttle, found));
    let password = hashing::check(mode, &raw.password, found);
    let store = raw.store.url.unwrap_or_else(|| StoreUrl::Sqlite(raw.server.data.join("countersign.db")));
    if !mode.is_dev() {
        production(&store, &raw.server, raw.throttle.enabled, found);
    }
    let smtp = smtp(raw.mail, found);
    let registration = registration::check(mode, raw.registration, found);
    let errors = findings.into_errors();
    match (errors, public_url, master_key_file, password) {
        (None, Some(public_url), Some(master_key_file), Some(password)) => Ok(Config {
            dev: mode.is_dev(),
            listen: raw.server.listen,
            public_url,
            public_url_follows: raw.server.public_url.is_none(),
            data: raw.server.data,
            master_key_file,
            trusted_proxies: raw.server.trusted_proxies,
            connections: size(raw.server.connections),
            connections_per_address: size(raw.server.connections_per_address),
            tls,
            store,
            policy,
            token_alg: raw.token.algorithm,
            dpop_nonce: raw.dpop.nonce,
            password,
            smtp,
            registration,
            outbound: Outbound { allow: raw.outbound.allow, ca_file: raw.outbound.ca_file },
            log: Log { format: raw.log.format, level: raw.log.level },
            metrics_listen: raw.metrics.listen,
            otlp_endpoint: raw.telemetry.otlp_endpoint,
            resources: raw.resources.allowed,
            scopes: offered(&raw.scopes.custom, &raw.claims.custom),
            custom_claims: raw.claims.custom,
        }),
        (errors, ..) => Err(errors.unwrap_or(ConfigErrors(Vec::new()))),
    }
}

/// The numbers that rules go by.
fn policy(raw: &raw::Config, throttle: countersign_core::throttle::Limits) -> Policy {
    Policy {
        session: session::Limits {
            idle: raw.session.idle,
            absolute: raw.session.absolute,
            remembered_idle: raw.session.remembered_idle,
            remembered_absolute: raw.session.remembered_absolute,
            concurrent: Some(raw.session.concurrent).filter(|limit| *limit > 0),
        },
        grant: grant::Limits {
            offline_idle: raw.grant.offline_idle,
            offline_absolute: raw.grant.offline_absolute,
        },
        token: token::access::Limits { life: raw.token.life, refresh_grace: raw.token.refresh_grace },
        key: key::rotate::Limits {
            active: raw.keys.active,
            published_before: raw.keys.published_before,
            retiring: raw.keys.retiring,
        },
        verification: raw.account.verification,
        reset: raw.account.reset,
        leeway: raw.clock.leeway,
        audit_kept: raw.audit.kept,
        throttle,
        capped: raw.throttle.enabled,
    }
}

/// Scopes of the operator's own: those that are named, and those that give claims.
fn offered(named: &[text::ScopeWord], claims: &[CustomClaim]) -> Scopes {
    let named = named.iter().map(|word| word.0.clone());
    named.chain(claims.iter().filter_map(CustomClaim::own_scope).map(str::to_owned)).collect()
}

fn master_key_file(mode: Mode, server: &raw::Server, found: &mut Findings) -> Option<PathBuf> {
    let path =
        server.master_key_file.clone().or_else(|| mode.is_dev().then(|| server.data.join("master.key")));
    let problem =
        "is required: make a key with `(umask 077; head -c 32 /dev/urandom > FILE)` and name FILE here";
    found.demand(&["server.master_key_file"], path.is_some(), problem);
    path
}

/// Metrics stand beside what the world reaches, never on it (attack ADM-18).
fn metrics(mode: Mode, listen: Option<SocketAddr>, main: SocketAddr, found: &mut Findings) {
    let Some(listen) = listen else { return };
    found.demand(
        &["metrics.listen", "server.listen"],
        listen.port() == 0 || listen.port() != main.port(),
        "metrics.listen must have another port than server.listen: what is counted is not for everybody",
    );
    found.demand(
        &["metrics.listen"],
        !mode.is_dev() || listen.ip().is_loopback(),
        "must be a loopback address in dev mode",
    );
}

/// What production refuses and dev mode takes (invariant I13).
fn production(store: &StoreUrl, server: &raw::Server, capped: bool, found: &mut Findings) {
    let forgets = matches!(store, StoreUrl::Memory);
    found.demand(
        &["store.url"],
        !forgets,
        "must keep what it is told: memory: is for dev mode, use sqlite:PATH or postgres://",
    );
    found.demand(
        &["throttle.enabled"],
        capped,
        "must be true outside dev mode: without limits passwords can be guessed",
    );
    let wide = |net: &IpNet| net.prefix_len() < if net.addr().is_ipv4() { 8 } else { 16 };
    let everybody = server.trusted_proxies.iter().any(wide);
    let problem =
        "must not be wider than /8, or /16 of IPv6: anyone could claim any address. Name your proxies";
    found.demand(&["server.trusted_proxies"], !everybody, problem);
}

fn lives(raw: &raw::Config, found: &mut Findings) {
    let (session, token, account) = (&raw.session, &raw.token, &raw.account);
    let at_least_a_second = [
        ("session.idle", session.idle),
        ("session.absolute", session.absolute),
        ("session.remembered_idle", session.remembered_idle),
        ("session.remembered_absolute", session.remembered_absolute),
        ("token.life", token.life),
        ("grant.offline_idle", raw.grant.offline_idle),
        ("grant.offline_absolute", raw.grant.offline_absolute),
        ("account.verification", account.verification),
        ("account.reset", account.reset),
        ("audit.kept", raw.audit.kept),
        ("keys.active", raw.keys.active),
    ];
    for (key, span) in at_least_a_second {
        found.demand(&[key], span >= Span::seconds(1), "must be at least 1s");
    }
    let ends = [
        (["session.idle", "session.absolute"], session.idle, session.absolute),
        (
            ["session.remembered_idle", "session.remembered_absolute"],
            session.remembered_idle,
            session.remembered_absolute,
        ),
        (
            ["grant.offline_idle", "grant.offline_absolute"],
            raw.grant.offline_idle,
            raw.grant.offline_absolute,
        ),
    ];
    for (keys, idle, absolute) in ends {
        let [idle_key, absolute_key] = keys;
        let problem = format!("{idle_key} must be at most {absolute_key}: lower the one or raise the other");
        found.demand(&keys, idle <= absolute, problem);
    }
    most(raw, found);
}

fn most(raw: &raw::Config, found: &mut Findings) {
    let (token, account) = (&raw.token, &raw.account);
    let at_most = [
        ("token.life", token.life, Span::hours(1), "1h: longer ones are what refresh tokens are for"),
        (
            "token.refresh_grace",
            token.refresh_grace,
            Span::minutes(5),
            "5m: within it a stolen token goes unnoticed",
        ),
        (
            "grant.offline_absolute",
            raw.grant.offline_absolute,
            Span::days(400),
            "400d: ask for consent again",
        ),
        ("clock.leeway", raw.clock.leeway, Span::seconds(60), "60s: set the clocks instead"),
        ("account.verification", account.verification, Span::days(7), "7d"),
        (
            "account.reset",
            account.reset,
            Span::hours(24),
            "24h: whoever reads the mail later gets the account",
        ),
    ];
    for (key, span, most, words) in at_most {
        found.demand(&[key], span <= most, format!("must be at most {words}"));
    }
}

/// Invariant I11: no verification fails because a key moved on.
fn keys(raw: &raw::Config, found: &mut Findings) {
    let (keys, cached) = (&raw.keys, Span::minutes(10));
    found.demand(
        &["keys.published_before"],
        keys.published_before >= cached,
        "must be at least 10m: verifiers cache keys for so long",
    );
    found.demand(
        &["keys.retiring", "token.life"],
        keys.retiring >= raw.token.life + cached,
        "keys.retiring must be at least token.life and 10m, so that every token can be verified to its end: raise it",
    );
    found.demand(
        &["keys.active", "keys.published_before"],
        keys.active >= keys.published_before,
        "keys.active must be at least keys.published_before, else no key is ever ready: raise it",
    );
}

pub(super) fn size(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn smtp(mail: raw::Mail, found: &mut Findings) -> Option<Smtp> {
    let url = mail.smtp_url?;
    let tls = mail.tls.unwrap_or(if url.wrapped { SmtpTls::Wrapper } else { SmtpTls::Required });
    let contradict = url.wrapped != (tls == SmtpTls::Wrapper);
    found.demand(
        &["mail.tls", "mail.smtp_url"],
        !contradict,
        "contradicts mail.smtp_url: smtps:// is wrapper, smtp:// is required (or none). Leave mail.tls out",
    );
    found.demand(
        &["mail.tls"],
        tls != SmtpTls::None || url.is_loopback(),
        "none is for a mail server on this machine only: mails hold links that open accounts",
    );
    let problem =
        "is required with mail.smtp_url: who mails come from, such as Acme Login <login@example.com>";
    found.demand(&["mail.from"], mail.from.is_some(), problem);
    let usual_port = match tls {
        SmtpTls::Required => 587,
        SmtpTls::Wrapper => 465,
        SmtpTls::None => 25,
    };
    let (host, port) = (url.host, url.port.unwrap_or(usual_port));
    Some(Smtp { host, port, tls, credentials: url.credentials, from: mail.from? })
}
