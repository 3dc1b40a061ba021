//! The settings as they hold, for `countersign config check`. No secret among them (invariant I16).

use std::path::PathBuf;

use countersign_core::Span;

use super::checked::{Config, LogFormat, Smtp, SmtpTls};
use super::setting::SETTINGS;

impl Config {
    /// Every setting in the order of the documentation, and its value as a configuration would spell it.
    pub fn effective(&self) -> Vec<(&'static str, String)> {
        SETTINGS.iter().map(|setting| (setting.key, self.value_of(setting.key))).collect()
    }

    fn value_of(&self, key: &str) -> String {
        let (section, _) = key.split_once('.').unwrap_or_default();
        match section {
            "session" | "token" | "grant" | "keys" | "account" | "audit" | "clock" | "throttle" => {
                self.limit(key)
            }
            "password" => self.hashing(key),
            "mail" => self.mail(key),
            "dpop" | "registration" | "outbound" | "scopes" | "claims" => self.clients(key),
            _ => self.place(key),
        }
    }

    fn place(&self, key: &str) -> String {
        let list = |entries: Vec<String>| entries.join(", ");
        match key {
            "server.listen" => self.listen.to_string(),
            "server.public_url" => self.public_url.to_string(),
            "server.data" => self.data.display().to_string(),
            "server.master_key_file" => self.master_key_file.display().to_string(),
            "server.trusted_proxies" => list(self.trusted_proxies.iter().map(ToString::to_string).collect()),
            "server.connections" => self.connections.to_string(),
            "server.connections_per_address" => self.connections_per_address.to_string(),
            "tls.certificate" => {
                self.tls.as_ref().map(|files| files.certificate.display().to_string()).unwrap_or_default()
            }
            "tls.key" => self.tls.as_ref().map(|files| files.key.display().to_string()).unwrap_or_default(),
            // Hosts and database, without user and password.
            "store.url" => self.store.to_string(),
            "ephemeral.url" => "memory:".to_owned(),
            "log.format" => match self.log.format {
                LogFormat::Text => "text".to_owned(),
                LogFormat::Json => "json".to_owned(),
            },
            "log.level" => self.log.level.to_string().to_ascii_lowercase(),
            "metrics.listen" => self.metrics_listen.map(|address| address.to_string()).unwrap_or_default(),
            "telemetry.otlp_endpoint" => {
                self.otlp_endpoint.as_ref().map(ToString::to_string).unwrap_or_default()
            }
            "resources.allowed" => list(self.resources.iter().map(ToString::to_string).collect()),
            _ => String::new(),
        }
    }

    fn limit(&self, key: &str) -> String {
        let policy = self.policy();
        match key {
            "session.idle" => span_text(policy.session.idle),
            "session.absolute" => span_text(policy.session.absolute),
            "session.remembered_idle" => span_text(policy.session.remembered_idle),
            "session.remembered_absolute" => span_text(policy.session.remembered_absolute),
            "session.concurrent" => policy.session.concurrent.unwrap_or(0).to_string(),
            "token.algorithm" => self.token_alg.as_str().to_owned(),
            "token.life" => span_text(policy.token.life),
            "grant.offline_idle" => span_text(policy.grant.offline_idle),
            "grant.offline_absolute" => span_text(policy.grant.offline_absolute),
            "token.refresh_grace" => span_text(policy.token.refresh_grace),
            "keys.active" => span_text(policy.key.active),
            "keys.published_before" => span_text(policy.key.published_before),
            "keys.retiring" => span_text(policy.key.retiring),
            "account.verification" => span_text(policy.verification),
            "account.reset" => span_text(policy.reset),
            "audit.kept" => span_text(policy.audit_kept),
            "throttle.enabled" => policy.capped.to_string(),
            "throttle.account" => policy.throttle.account.to_string(),
            "throttle.prefix" => policy.throttle.prefix.to_string(),
            "throttle.global" => policy.throttle.global.to_string(),
            "throttle.mails" => policy.throttle.mails.to_string(),
            "throttle.window" => span_text(policy.throttle.window),
            "clock.leeway" => span_text(policy.leeway),
            _ => String::new(),
        }
    }

    fn hashing(&self, key: &str) -> String {
        let hashing = &self.password;
        match key {
            "password.memory_kib" => hashing.params.memory_kib().to_string(),
            "password.iterations" => hashing.params.iterations().to_string(),
            "password.parallelism" => hashing.params.parallelism().to_string(),
            "password.workers" => hashing.workers.to_string(),
            "password.queue" => hashing.queue.to_string(),
            _ => String::new(),
        }
    }

    fn clients(&self, key: &str) -> String {
        let list = |entries: Vec<String>| entries.join(", ");
        let path =
            |path: &Option<PathBuf>| path.as_ref().map(|it| it.display().to_string()).unwrap_or_default();
        match key {
            "dpop.nonce" => self.dpop_nonce.to_string(),
            "registration.policy" => self.registration.policy.as_str().to_owned(),
            "registration.profile" => self.registration.profile.as_str().to_owned(),
            "registration.token_file" => path(&self.registration.token_file),
            "registration.per_address" => self.registration.per_address.to_string(),
            "registration.limit" => self.registration.limit.to_string(),
            "registration.unused" => span_text(self.registration.unused),
            "outbound.allow" => list(self.outbound.allow.iter().map(ToString::to_string).collect()),
            "outbound.ca_file" => path(&self.outbound.ca_file),
            "scopes.custom" => list(self.scopes.words().map(str::to_owned).collect()),
            "claims.custom" => list(self.custom_claims.iter().map(ToString::to_string).collect()),
            _ => String::new(),
        }
    }

    fn mail(&self, key: &str) -> String {
        let Some(smtp) = &self.smtp else { return String::new() };
        match key {
            "mail.smtp_url" => smtp_text(smtp),
            "mail.from" => smtp.from.to_string(),
            "mail.tls" => tls_text(smtp.tls).to_owned(),
            _ => String::new(),
        }
    }
}

fn smtp_text(smtp: &Smtp) -> String {
    let scheme = if smtp.tls == SmtpTls::Wrapper { "smtps" } else { "smtp" };
    let user = if smtp.credentials.is_some() { "…@" } else { "" };
    let bracket = smtp.host.contains(':');
    let (open, close) = if bracket { ("[", "]") } else { ("", "") };
    format!("{scheme}://{user}{open}{}{close}:{}", smtp.host, smtp.port)
}

const fn tls_text(tls: SmtpTls) -> &'static str {
    match tls {
        SmtpTls::Required => "required",
        SmtpTls::Wrapper => "wrapper",
        SmtpTls::None => "none",
    }
}

/// In the largest unit that tells it exactly.
fn span_text(span: Span) -> String {
    let seconds = span.as_seconds();
    let units = [(24 * 60 * 60, "d"), (60 * 60, "h"), (60, "m")];
    let whole = units.into_iter().find(|(size, _)| seconds != 0 && seconds % size == 0);
    whole.map_or_else(|| format!("{seconds}s"), |(size, unit)| format!("{}{unit}", seconds / size))
}

#[cfg(test)]
mod tests {
    use super::super::setting::{Kind, Preset};
    use super::super::{LoadArgs, Mode};
    use super::*;
    use std::collections::BTreeMap;

    fn effective(pairs: &[(&str, &str)]) -> BTreeMap<&'static str, String> {
        let env = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Config::load(Mode::Dev, LoadArgs::default(), &env).unwrap().effective().into_iter().collect()
    }

    #[test]
    fn what_nobody_set_is_the_preset_of_the_table() {
        let effective = effective(&[]);
        assert_eq!(effective.len(), SETTINGS.len());
        for setting in SETTINGS {
            let shown = &effective[setting.key];
            match setting.preset {
                // 24h is 1d and so on: the same span.
                Preset::Is(text) if setting.kind == Kind::Span => {
                    assert_eq!(super::super::span(shown), super::super::span(text), "{}", setting.key);
                }
                Preset::Is(text) => assert_eq!(shown, text, "{}", setting.key),
                Preset::Follows(_) => {}
            }
        }
        assert_eq!(effective["server.public_url"], "http://localhost:8080");
        assert_eq!(effective["store.url"], "sqlite:data/countersign.db");
    }

    #[test]
    fn i16_secrets_are_not_shown() {
        let effective = effective(&[
            ("COUNTERSIGN_STORE_URL", "postgres://ann:hunter2@localhost/auth"),
            ("COUNTERSIGN_MAIL_SMTP_URL", "smtp://ann:hunter2@mail.example.com"),
            ("COUNTERSIGN_MAIL_FROM", "Acme Login <login@example.com>"),
        ]);
        assert!(effective.values().all(|value| !value.contains("hunter2")), "{effective:?}");
        assert_eq!(effective["store.url"], "postgres://localhost/auth");
        assert_eq!(effective["mail.smtp_url"], "smtp://…@mail.example.com:587");
        assert_eq!(effective["mail.from"], "Acme Login <login@example.com>");
        assert_eq!(effective["mail.tls"], "required");
    }

    #[test]
    fn spans_are_written_in_the_largest_unit_that_fits() {
        let table = [(0, "0s"), (90, "90s"), (300, "5m"), (7200, "2h"), (86_400, "1d"), (90_000, "25h")];
        for (seconds, text) in table {
            assert_eq!(span_text(Span::seconds(seconds)), text);
        }
    }
}
