//! Values that are written as texts, each with what to say when it is none. No message repeats what was written: some
//! of it is secret.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use countersign_core::Span;
use countersign_core::authorize::scope::STANDARD;
use countersign_core::claims::CustomClaim;
use countersign_core::client::Profile;
use countersign_core::grant::Scopes;
use countersign_core::grant::scope::ACCOUNT;
use countersign_core::outbound::Exception;
use countersign_core::url::{PublicUrl, ResourceId};
use countersign_jose::Alg;
use countersign_store::db::StoreUrl;
use ipnet::IpNet;
use serde::{Deserialize as _, Deserializer, de::Error as _};

use super::checked::{LogFormat, SmtpTls};
use super::registration::RegistrationPolicy;

/// A value that has a text.
pub(super) trait Written: Sized {
    /// Reads the text; the error says what it must be.
    fn read(text: &str) -> Result<Self, String>;
}

/// For serde: a text that must be there.
pub(super) fn text<'de, T: Written, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    T::read(&text).map_err(D::Error::custom)
}

/// For serde: a text that may be there.
pub(super) fn optional<'de, T: Written, D: Deserializer<'de>>(d: D) -> Result<Option<T>, D::Error> {
    text(d).map(Some)
}

/// For serde: any number of texts.
pub(super) fn list<'de, T: Written, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let read = |(at, text): (usize, &String)| T::read(text).map_err(|problem| (at + 1, problem));
    let entries: Result<Vec<T>, _> = texts.iter().enumerate().map(read).collect();
    entries.map_err(|(number, problem)| D::Error::custom(format!("entry {number} {problem}")))
}

/// `memory:`: the one kind of ephemeral store that is built.
pub(super) struct Ephemeral;

/// A scope of the operator's own.
#[derive(Debug)]
pub(super) struct ScopeWord(pub(super) String);

impl Written for Ephemeral {
    fn read(text: &str) -> Result<Self, String> {
        let planned = ["sql:", "redis://", "redis-cluster://"].iter().any(|scheme| text.starts_with(scheme));
        match text {
            "memory:" => Ok(Self),
            _ if planned => Err("is not built yet: only memory: is".to_owned()),
            _ => Err("must be memory:".to_owned()),
        }
    }
}

/// No span of a configuration is longer.
const LONGEST: Span = Span::days(3650);

impl Written for Span {
    fn read(text: &str) -> Result<Self, String> {
        let problem =
            || "must be a whole number and a unit, such as 90s, 5m, 2h or 14d, up to 3650d".to_owned();
        let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(problem)?;
        let is_plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let number = number.parse().ok().filter(|_| is_plain).ok_or_else(problem)?;
        let span = match unit {
            "s" => Self::seconds(number),
            "m" => Self::minutes(number),
            "h" => Self::hours(number),
            "d" => Self::days(number),
            _ => return Err(problem()),
        };
        if span <= LONGEST { Ok(span) } else { Err(problem()) }
    }
}

impl Written for SocketAddr {
    fn read(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|_| "must be an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080".to_owned())
    }
}

impl Written for IpNet {
    fn read(text: &str) -> Result<Self, String> {
        let problem = || "must be an IP address or a network, such as 10.0.0.0/8".to_owned();
        let net = match text.parse::<IpAddr>() {
            Ok(address) => Self::from(address),
            Err(_) => text.parse().map_err(|_| problem())?,
        };
        if net != net.trunc() {
            return Err(format!("must be the network itself: {}", net.trunc()));
        }
        // Addresses are compared as what they are, and so are networks: one of IPv4 in the dress of IPv6 would never match.
        let mapped = match net {
            Self::V6(net) => net.addr().to_ipv4_mapped().zip(net.prefix_len().checked_sub(96)),
            Self::V4(_) => None,
        };
        let unmapped = mapped.map(|(address, length)| Self::new(address.into(), length));
        unmapped.map_or(Ok(net), |net| net.map_err(|_| problem()))
    }
}

impl Written for PathBuf {
    fn read(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("must be a path".to_owned()) } else { Ok(text.into()) }
    }
}

impl Written for PublicUrl {
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|error| error.to_string())
    }
}

impl Written for ResourceId {
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|error| error.to_string())
    }
}

impl Written for Profile {
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text).ok_or_else(|| "must be oauth21, oidc or fapi2".to_owned())
    }
}

impl Written for RegistrationPolicy {
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "open" => Ok(Self::Open),
            "token" => Ok(Self::Token),
            "closed" => Ok(Self::Closed),
            _ => Err("must be open, token or closed".to_owned()),
        }
    }
}

impl Written for Exception {
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|error| error.to_string())
    }
}

impl Written for CustomClaim {
    fn read(text: &str) -> Result<Self, String> {
        let problem =
            "must be NAME=SCOPE, such as department=profile, and NAME none that OpenID Connect uses";
        Self::parse(text).ok_or_else(|| problem.to_owned())
    }
}

impl Written for ScopeWord {
    fn read(text: &str) -> Result<Self, String> {
        let own = |text: &str| !STANDARD.contains(&text) && text != ACCOUNT && !text.contains(' ');
        let word =
            Some(text).filter(|text| own(text)).and_then(Scopes::parse).filter(|scopes| !scopes.is_empty());
        word.map(|_| Self(text.to_owned()))
            .ok_or_else(|| "must be a word that is no standard scope".to_owned())
    }
}

impl Written for StoreUrl {
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|error| error.to_string())
    }
}

impl Written for Alg {
    fn read(text: &str) -> Result<Self, String> {
        let offered = [Self::Es256, Self::EdDsa, Self::Rs256];
        let found = Self::parse(text).filter(|alg| offered.contains(alg));
        found.ok_or_else(|| "must be ES256, EdDSA or RS256".to_owned())
    }
}

impl Written for SmtpTls {
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "required" => Ok(Self::Required),
            "wrapper" => Ok(Self::Wrapper),
            "none" => Ok(Self::None),
            _ => Err("must be required, wrapper or none".to_owned()),
        }
    }
}

impl Written for LogFormat {
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("must be text or json".to_owned()),
        }
    }
}

impl Written for tracing::Level {
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "error" => Ok(Self::ERROR),
            "warn" => Ok(Self::WARN),
            "info" => Ok(Self::INFO),
            "debug" => Ok(Self::DEBUG),
            "trace" => Ok(Self::TRACE),
            _ => Err("must be error, warn, info, debug or trace".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::setting::{Kind, SETTINGS};

    #[test]
    fn spans_are_a_number_and_a_unit() {
        let table = [
            ("0s", Some(Span::ZERO)),
            ("90s", Some(Span::seconds(90))),
            ("5m", Some(Span::minutes(5))),
            ("2h", Some(Span::hours(2))),
            ("3650d", Some(Span::days(3650))),
            ("3651d", None),
            ("", None),
            ("s", None),
            ("5", None),
            ("5 m", None),
            ("+5m", None),
            ("-5m", None),
            ("1.5h", None),
            ("5M", None),
            ("5µ", None),
            ("9223372036854775807d", None),
            ("99999999999999999999s", None),
        ];
        for (text, span) in table {
            assert_eq!(Span::read(text).ok(), span, "{text:?}");
        }
    }

    #[test]
    fn networks_are_written_by_their_first_address() {
        for text in ["10.0.0.0/8", "192.0.2.7", "::1", "2001:db8::/32"] {
            assert!(IpNet::read(text).is_ok(), "{text}");
        }
        for text in ["10.1.0.0/8", "10.0.0.0/33", "10.0.0", "localhost", ""] {
            assert!(IpNet::read(text).is_err(), "{text}");
        }
        for (mapped, plain) in [("::ffff:10.0.0.1", "10.0.0.1/32"), ("::ffff:10.0.0.0/104", "10.0.0.0/8")] {
            assert_eq!(IpNet::read(mapped).unwrap().to_string(), plain);
        }
        assert_eq!(IpNet::read("10.1.2.3/8"), Err("must be the network itself: 10.0.0.0/8".to_owned()));
    }

    #[test]
    fn every_word_that_the_documentation_names_is_read() {
        for setting in SETTINGS {
            let Kind::Word(words) = setting.kind else { continue };
            for word in words {
                let read = match setting.key {
                    "token.algorithm" => Alg::read(word).err(),
                    "mail.tls" => SmtpTls::read(word).err(),
                    "log.format" => LogFormat::read(word).err(),
                    "log.level" => tracing::Level::read(word).err(),
                    "registration.policy" => RegistrationPolicy::read(word).err(),
                    "registration.profile" => Profile::read(word).err(),
                    other => panic!("{other} has words that this test does not know"),
                };
                assert_eq!(read, None, "{} = {word}", setting.key);
            }
        }
        assert!(Alg::read("PS256").is_err());
        assert!(Alg::read("none").is_err());
    }

    #[test]
    fn only_memory_holds_what_is_ephemeral() {
        let problem = |text| Ephemeral::read(text).err().unwrap_or_default();
        assert_eq!(problem("memory:"), "");
        assert_eq!(problem("redis://localhost"), "is not built yet: only memory: is");
        assert_eq!(problem("sql:"), "is not built yet: only memory: is");
        assert_eq!(problem("mongo:"), "must be memory:");
    }
}
