//! Every setting there is, in one table: the documentation, the names in the environment and the defaults come from it.

use toml::Value;

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// `section.key`; the section is one word.
    pub key: &'static str,
    /// What its value is.
    pub kind: Kind,
    /// What holds when nobody sets it.
    pub preset: Preset,
    /// What it is for, in Markdown.
    pub doc: &'static str,
}

/// What a value is, and how the text of an environment variable becomes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A text that nobody may see.
    Secret,
    /// The path of a file or folder.
    Path,
    /// A whole number and a unit: `90s`, `5m`, `2h`, `14d`.
    Span,
    /// A whole number.
    Count,
    /// `true` or `false`.
    Flag,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Texts; in the environment separated by commas.
    List,
}

/// The value of a setting that is not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// This one, as the environment would spell it.
    Is(&'static str),
    /// It follows from other settings, or there is none: in words, in Markdown.
    Follows(&'static str),
}

impl Setting {
    /// The setting of this key.
    pub fn find(key: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.key == key)
    }

    /// Section and key.
    pub fn parts(&self) -> (&'static str, &'static str) {
        self.key.split_once('.').unwrap_or((self.key, ""))
    }

    /// The preset as TOML.
    pub(super) fn preset_value(&self) -> Option<Value> {
        match self.preset {
            Preset::Is(text) => self.value(text).ok(),
            Preset::Follows(_) => None,
        }
    }

    /// A text of the environment as TOML.
    pub(super) fn value(&self, text: &str) -> Result<Value, &'static str> {
        match self.kind {
            Kind::Count => text.parse().map(Value::Integer).map_err(|_| "must be a whole number"),
            Kind::Flag => text.parse().map(Value::Boolean).map_err(|_| "must be true or false"),
            Kind::List => {
                let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
                Ok(Value::Array(entries.map(|entry| Value::String(entry.to_owned())).collect()))
            }
            Kind::Text | Kind::Secret | Kind::Path | Kind::Span | Kind::Word(_) => {
                Ok(Value::String(text.to_owned()))
            }
        }
    }
}

const fn setting(key: &'static str, kind: Kind, preset: Preset, doc: &'static str) -> Setting {
    Setting { key, kind, preset, doc }
}

use Kind::{Count, Flag, List, Path, Secret, Span, Text, Word};
use Preset::{Follows, Is};

/// All settings, in the order of the documentation: sections together.
#[rustfmt::skip]
pub const SETTINGS: &[Setting] = &[
    setting("server.listen", Text, Is("127.0.0.1:8080"),
        "Address and port to listen on. Dev mode refuses what is not a loopback address."),
    setting("server.public_url", Text, Follows("dev mode: `http://localhost:<port>`; else required"),
        "The origin that people and applications reach this server at: scheme, host and at most a port. Links, cookies \
         and the issuer of tokens are made from it, never from what a request says. `https://`, or `http://` for a \
         loopback host."),
    setting("server.data", Path, Is("data"),
        "Folder for what the server keeps beside its database; made when it is not there."),
    setting("server.master_key_file", Path, Follows("dev mode: `<data>/master.key`, made when it is not there; else required"),
        "File with 32 or more random bytes, readable by its owner alone. Signing keys and mails that wait are sealed \
         with it: a copy belongs where backups of the database do not lie. `(umask 077; head -c 32 /dev/urandom > FILE)` \
         makes one."),
    setting("server.trusted_proxies", List, Is(""),
        "Addresses and networks of your own proxies (`10.0.0.0/8`). Only they may say, in `X-Forwarded-For`, where a \
         request came from."),
    setting("server.connections", Count, Is("10000"),
        "Connections that clients may have open at once. The limit on open files must allow as many and 128 more."),
    setting("server.connections_per_address", Count, Is("1000"),
        "Of these, how many may come from one address; of IPv6, from one /64, twice as many from a /56, four times from a \
         /48. Not for `server.trusted_proxies`."),
    setting("tls.certificate", Path, Follows("none: in clear, for a proxy on the same machine or network"),
        "PEM file with the server's certificate and those that lead to its root. With it and `tls.key` the server speaks \
         TLS 1.3 and 1.2, and HTTP/2. Both files are read again when they change; what cannot be used is logged, and the \
         old certificate stays."),
    setting("tls.key", Path, Follows("none; required with `tls.certificate`"),
        "PEM file with the certificate's private key, not encrypted, readable by its owner (or group) alone."),
    setting("store.url", Secret, Follows("`sqlite:<data>/countersign.db`"),
        "The database: `sqlite:PATH`, `postgres://USER:PASSWORD@HOST/DATABASE`, or `memory:`, which forgets everything \
         and is for dev mode. A PostgreSQL on another machine is reached by verified TLS unless `?sslmode=disable` says \
         otherwise."),
    setting("ephemeral.url", Text, Is("memory:"),
        "Where that lies which costs no more than a new try when it is lost: `memory:`."),
    setting("session.idle", Span, Is("2h"), "A session that nobody uses ends after so long."),
    setting("session.absolute", Span, Is("24h"), "A session ends after so long however much it is used."),
    setting("session.remembered_idle", Span, Is("14d"), "`session.idle` for those who chose to stay signed in."),
    setting("session.remembered_absolute", Span, Is("60d"),
        "`session.absolute` for those who chose to stay signed in."),
    setting("session.concurrent", Count, Is("0"),
        "Sessions that an account may have at once; one more ends the oldest. `0`: any number."),
    setting("token.algorithm", Word(&["ES256", "EdDSA", "RS256"]), Is("ES256"), "What access tokens are signed with."),
    setting("token.life", Span, Is("5m"),
        "An access token lives so long, at most `1h`, and never longer than its session."),
    setting("token.refresh_grace", Span, Is("30s"),
        "A refresh token that was just replaced gets its successor once more for so long, at most `5m`: for lost answers \
         and second tabs. Later use of it ends the grant."),
    setting("grant.offline_idle", Span, Is("30d"),
        "A grant that outlives its login (`offline_access`) ends when it is not used for so long."),
    setting("grant.offline_absolute", Span, Is("90d"),
        "It ends after so long in any case, at most `400d`."),
    setting("dpop.nonce", Flag, Is("false"),
        "`true` asks every DPoP proof for a nonce of this server (RFC 9449 section 8): a proof that somebody made ahead is \
         then worth nothing."),
    setting("keys.active", Span, Is("90d"), "A key signs for so long before the next one takes over."),
    setting("keys.published_before", Span, Is("24h"),
        "A key is published so long before it signs: longer than verifiers cache keys, at least `10m`."),
    setting("keys.retiring", Span, Is("48h"),
        "A replaced key stays published for so long: at least `token.life` and 10 minutes."),
    setting("password.memory_kib", Count, Is("19456"),
        "Memory that hashing one password takes (Argon2id), in KiB. Outside dev mode not less than the pairs of memory \
         and iterations that OWASP names: 47104 and 1, 19456 and 2, 12288 and 3, 9216 and 4, 7168 and 5. Hashes made \
         with other parameters are made anew at the next login."),
    setting("password.iterations", Count, Is("2"), "Passes over that memory."),
    setting("password.parallelism", Count, Is("1"), "Lanes of Argon2id; they are computed one after the other."),
    setting("password.workers", Count, Is("0"), "Threads that hash passwords, never more than cores. `0`: one a core."),
    setting("password.queue", Count, Is("64"),
        "Logins that may wait for each of these threads; the next one is answered 503. A quarter more may wait from \
         browsers that have logged in to the account before."),
    setting("account.verification", Span, Is("24h"), "The mailed proof of an email address works so long."),
    setting("account.reset", Span, Is("30m"), "The mailed link to set a new password works so long."),
    setting("mail.smtp_url", Secret, Follows("none: what needs mail is refused; in dev mode all mail is at `/dev/inbox`"),
        "The server that mails leave through: `smtp://USER:PASSWORD@HOST:587` (STARTTLS, demanded) or \
         `smtps://USER:PASSWORD@HOST:465`. Its certificate is verified."),
    setting("mail.from", Text, Follows("none; required with `mail.smtp_url`"),
        "Who mails come from: `Acme Login <login@example.com>`."),
    setting("mail.tls", Word(&["required", "wrapper", "none"]), Follows("`required` for `smtp://`, `wrapper` for `smtps://`"),
        "`required`: STARTTLS or no mail; `wrapper`: TLS from the first byte; `none`: in clear, to a relay on this \
         machine only."),
    setting("registration.policy", Word(&["open", "token", "closed"]), Follows("dev mode: `open`; else `closed`"),
        "Who may register clients at `/oauth2/register`: everybody, whoever has an initial access token, or nobody. Where it is \
         `open`, a client may also be known by the URL of a document that describes it."),
    setting("registration.profile", Word(&["oauth21", "oidc", "fapi2"]), Is("oauth21"),
        "How strict the server is with clients that registered themselves."),
    setting("registration.token_file", Path, Follows("none: those that `countersign client registration-token` makes"),
        "File with initial access tokens, one a line, each of 32 or more characters; readable by its owner alone."),
    setting("registration.per_address", Count, Is("100"),
        "Clients that one address (IPv6: one /64 network) may register within `throttle.window`."),
    setting("registration.limit", Count, Is("10000"),
        "Clients that may stand at once without anybody having vouched for them by a token."),
    setting("registration.unused", Span, Is("30d"),
        "A client that nobody vouched for ends after so long if no account lets it do anything."),
    setting("outbound.allow", List, Is(""),
        "Hosts of your own that may be asked for keys, documents and told of logouts though they are internal or at an \
         unusual port, each as `host:port`; those on this machine also by `http://`. Everything else must be public, \
         `https://` and at port 443 or 8443. What clients say that registered themselves leads there in dev mode only."),
    setting("outbound.ca_file", Path, Follows("none: the certificates that this machine trusts"),
        "PEM file with certificates of authorities that such hosts may also be vouched for by."),
    setting("audit.kept", Span, Is("400d"), "Audit events are kept so long."),
    setting("throttle.enabled", Flag, Is("true"),
        "`false` lifts every limit on rates and mails, for load tests. Dev mode only."),
    setting("throttle.account", Count, Is("10"),
        "Wrong guesses at one account within the window, over all its identifiers and paths; more are refused unheard, \
         answered 429. A browser that has logged in to the account since its password was chosen has as many of its own, \
         all of them together five times as many, whoever else guesses. Right ones do not count."),
    setting("throttle.prefix", Count, Is("100"),
        "Wrong guesses from one address (IPv6: one /64 network) within the window. A /56 network has twice as many, a \
         /48 four times."),
    setting("throttle.global", Count, Is("1000"),
        "Wrong guesses from anywhere within the window beyond which an attack is assumed: until it is over, an address \
         has a tenth of `throttle.prefix`, but for browsers that have logged in to the account before."),
    setting("throttle.mails", Count, Is("100"),
        "Different people that one address (IPv6: one /64 network; a /56 twice as many, a /48 four times) may ask for mails \
         to within the window: registrations, codes, reset links. It may ask ten times as often in all; how many a person gets is limited apart from it."),
    setting("throttle.window", Span, Is("15m"),
        "What is counted is forgotten after so long, and up to a fifteenth more; from `1m` to `24h`."),
    setting("log.format", Word(&["text", "json"]), Is("text"), "How log lines are written."),
    setting("log.level", Word(&["error", "warn", "info", "debug", "trace"]), Is("info"), "The least that is logged."),
    setting("metrics.listen", Text, Follows("none: no metrics are served"),
        "Address and port for `GET /metrics` (docs/metrics.md), and for nothing else. Whoever reaches it may read: \
         use a loopback or private address. Never the port of `server.listen`."),
    setting("telemetry.otlp_endpoint", Text, Follows("none: no traces are sent"),
        "Where traces go by OTLP over HTTP, such as `http://127.0.0.1:4318`: a collector on this machine or network. Only for \
         a program that was built with `--features otel`; any other one refuses to start."),
    setting("clock.leeway", Span, Is("30s"), "Clocks of others may differ by so much, at most `60s`."),
    setting("scopes.custom", List, Is(""),
        "Scopes of your own APIs that clients may ask for, beside the standard ones (`notes.read`). A client that registered a \
         list of scopes gets those on it alone."),
    setting("resources.allowed", List, Is(""),
        "APIs that tokens may be asked for, by the exact identifier (`https://api.example.com`). Dev mode also allows \
         every loopback URL."),
    setting("claims.custom", List, Is(""),
        "Claims of your own about accounts, each with the scope that gives it: `department=profile`, `team=staff`. Their \
         values are lines that you write: `countersign account update ACCOUNT --claim team=blue`. Scopes that are not \
         standard ones are offered to clients like those."),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_key_is_there_once_in_a_section_of_one_word() {
        let keys: BTreeSet<_> = SETTINGS.iter().map(|setting| setting.key).collect();
        assert_eq!(keys.len(), SETTINGS.len());
        for setting in SETTINGS {
            let (section, key) = setting.parts();
            assert!(
                !section.is_empty() && section.bytes().all(|b| b.is_ascii_lowercase()),
                "{}",
                setting.key
            );
            assert!(
                !key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
                "{}",
                setting.key
            );
        }
    }

    #[test]
    fn sections_stand_together() {
        let sections: Vec<_> = SETTINGS.iter().map(|setting| setting.parts().0).collect();
        let mut runs = sections.clone();
        runs.dedup();
        assert_eq!(runs.len(), sections.into_iter().collect::<BTreeSet<_>>().len());
    }

    #[test]
    fn every_preset_is_a_value_of_its_kind() {
        for setting in SETTINGS {
            let Preset::Is(text) = setting.preset else { continue };
            assert!(setting.value(text).is_ok(), "{}", setting.key);
            if let Kind::Word(words) = setting.kind {
                assert!(words.contains(&text), "{}", setting.key);
            }
        }
    }
}
