//! The settings as they were written: each well-formed by itself, nothing said about whether they fit together.

use std::net::SocketAddr;
use std::path::PathBuf;

use countersign_core::Span;
use countersign_core::claims::CustomClaim;
use countersign_core::client::Profile;
use countersign_core::outbound::Exception;
use countersign_core::url::{PublicUrl, ResourceId};
use countersign_jose::Alg;
use countersign_store::db::StoreUrl;
use ipnet::IpNet;
use serde::Deserialize;

use super::checked::{LogFormat, SmtpTls};
use super::mailbox::Mailbox;
use super::otlp_endpoint::OtlpEndpoint;
use super::registration::RegistrationPolicy;
use super::smtp_url::SmtpUrl;
use super::text::{Ephemeral, ScopeWord, list, optional, text};

/// All sections. What has no default is an `Option`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    pub(super) server: Server,
    #[serde(default)]
    pub(super) tls: Tls,
    #[serde(default)]
    pub(super) store: Store,
    #[serde(rename = "ephemeral")]
    _ephemeral: EphemeralStore,
    pub(super) session: Session,
    pub(super) token: Token,
    pub(super) grant: Grant,
    pub(super) dpop: Dpop,
    pub(super) keys: Keys,
    pub(super) password: Password,
    pub(super) account: Account,
    #[serde(default)]
    pub(super) mail: Mail,
    pub(super) registration: Registration,
    pub(super) outbound: Outbound,
    pub(super) audit: Audit,
    pub(super) throttle: Throttle,
    pub(super) log: Log,
    #[serde(default)]
    pub(super) metrics: Metrics,
    #[serde(default)]
    pub(super) telemetry: Telemetry,
    pub(super) clock: Clock,
    pub(super) scopes: Scopes,
    pub(super) resources: Resources,
    pub(super) claims: Claims,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Server {
    #[serde(deserialize_with = "text")]
    pub(super) listen: SocketAddr,
    #[serde(default, deserialize_with = "optional")]
    pub(super) public_url: Option<PublicUrl>,
    #[serde(deserialize_with = "text")]
    pub(super) data: PathBuf,
    #[serde(default, deserialize_with = "optional")]
    pub(super) master_key_file: Option<PathBuf>,
    #[serde(deserialize_with = "list")]
    pub(super) trusted_proxies: Vec<IpNet>,
    pub(super) connections: u32,
    pub(super) connections_per_address: u32,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    #[serde(default, deserialize_with = "optional")]
    pub(super) certificate: Option<PathBuf>,
    #[serde(default, deserialize_with = "optional")]
    pub(super) key: Option<PathBuf>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Store {
    #[serde(default, deserialize_with = "optional")]
    pub(super) url: Option<StoreUrl>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EphemeralStore {
    #[serde(rename = "url", deserialize_with = "text")]
    _url: Ephemeral,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Session {
    #[serde(deserialize_with = "text")]
    pub(super) idle: Span,
    #[serde(deserialize_with = "text")]
    pub(super) absolute: Span,
    #[serde(deserialize_with = "text")]
    pub(super) remembered_idle: Span,
    #[serde(deserialize_with = "text")]
    pub(super) remembered_absolute: Span,
    pub(super) concurrent: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Token {
    #[serde(deserialize_with = "text")]
    pub(super) algorithm: Alg,
    #[serde(deserialize_with = "text")]
    pub(super) life: Span,
    #[serde(deserialize_with = "text")]
    pub(super) refresh_grace: Span,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Grant {
    #[serde(deserialize_with = "text")]
    pub(super) offline_idle: Span,
    #[serde(deserialize_with = "text")]
    pub(super) offline_absolute: Span,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dpop {
    pub(super) nonce: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Keys {
    #[serde(deserialize_with = "text")]
    pub(super) active: Span,
    #[serde(deserialize_with = "text")]
    pub(super) published_before: Span,
    #[serde(deserialize_with = "text")]
    pub(super) retiring: Span,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Password {
    pub(super) memory_kib: u32,
    pub(super) iterations: u32,
    pub(super) parallelism: u32,
    pub(super) workers: u32,
    pub(super) queue: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Account {
    #[serde(deserialize_with = "text")]
    pub(super) verification: Span,
    #[serde(deserialize_with = "text")]
    pub(super) reset: Span,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mail {
    #[serde(default, deserialize_with = "optional")]
    pub(super) smtp_url: Option<SmtpUrl>,
    #[serde(default, deserialize_with = "optional")]
    pub(super) from: Option<Mailbox>,
    #[serde(default, deserialize_with = "optional")]
    pub(super) tls: Option<SmtpTls>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Registration {
    #[serde(default, deserialize_with = "optional")]
    pub(super) policy: Option<RegistrationPolicy>,
    #[serde(deserialize_with = "text")]
    pub(super) profile: Profile,
    #[serde(default, deserialize_with = "optional")]
    pub(super) token_file: Option<PathBuf>,
    pub(super) per_address: u32,
    pub(super) limit: u32,
    #[serde(deserialize_with = "text")]
    pub(super) unused: Span,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Outbound {
    #[serde(deserialize_with = "list")]
    pub(super) allow: Vec<Exception>,
    #[serde(default, deserialize_with = "optional")]
    pub(super) ca_file: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Audit {
    #[serde(deserialize_with = "text")]
    pub(super) kept: Span,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Throttle {
    pub(super) enabled: bool,
    pub(super) account: u32,
    pub(super) prefix: u32,
    pub(super) global: u32,
    pub(super) mails: u32,
    #[serde(deserialize_with = "text")]
    pub(super) window: Span,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Log {
    #[serde(deserialize_with = "text")]
    pub(super) format: LogFormat,
    #[serde(deserialize_with = "text")]
    pub(super) level: tracing::Level,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Metrics {
    #[serde(default, deserialize_with = "optional")]
    pub(super) listen: Option<SocketAddr>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Telemetry {
    #[serde(default, deserialize_with = "optional")]
    pub(super) otlp_endpoint: Option<OtlpEndpoint>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Clock {
    #[serde(deserialize_with = "text")]
    pub(super) leeway: Span,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scopes {
    #[serde(deserialize_with = "list")]
    pub(super) custom: Vec<ScopeWord>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Resources {
    #[serde(deserialize_with = "list")]
    pub(super) allowed: Vec<ResourceId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Claims {
    #[serde(deserialize_with = "list")]
    pub(super) custom: Vec<CustomClaim>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::setting::SETTINGS;
    use std::collections::BTreeSet;
    use toml::{Table, Value};

    /// What serde says of an unknown field names the known ones.
    fn fields_of<T: serde::de::DeserializeOwned>(name: &str) -> BTreeSet<String> {
        let table = Table::from_iter([("?".to_owned(), Value::Boolean(true))]);
        let message = Value::Table(table).try_into::<T>().err().unwrap().message().to_owned();
        let words = message.split('`').skip(1).step_by(2).filter(|word| *word != "?");
        words.map(|field| format!("{name}{field}")).collect()
    }

    #[test]
    fn the_table_of_settings_is_the_raw_configuration() {
        let sections = [
            fields_of::<Server>("server."),
            fields_of::<Tls>("tls."),
            fields_of::<Store>("store."),
            fields_of::<EphemeralStore>("ephemeral."),
            fields_of::<Session>("session."),
            fields_of::<Token>("token."),
            fields_of::<Grant>("grant."),
            fields_of::<Dpop>("dpop."),
            fields_of::<Keys>("keys."),
            fields_of::<Password>("password."),
            fields_of::<Account>("account."),
            fields_of::<Mail>("mail."),
            fields_of::<Registration>("registration."),
            fields_of::<Outbound>("outbound."),
            fields_of::<Audit>("audit."),
            fields_of::<Throttle>("throttle."),
            fields_of::<Log>("log."),
            fields_of::<Metrics>("metrics."),
            fields_of::<Telemetry>("telemetry."),
            fields_of::<Clock>("clock."),
            fields_of::<Scopes>("scopes."),
            fields_of::<Resources>("resources."),
            fields_of::<Claims>("claims."),
        ];
        let known: BTreeSet<String> = SETTINGS.iter().map(|setting| setting.key.to_owned()).collect();
        assert_eq!(sections.into_iter().flatten().collect::<BTreeSet<_>>(), known);
        let sections: BTreeSet<_> = SETTINGS.iter().map(|setting| setting.parts().0.to_owned()).collect();
        assert_eq!(fields_of::<Config>(""), sections);
    }
}
