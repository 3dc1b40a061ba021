//! Settings under fuzzing: whatever is written, either a server starts that is sound, or the reasons are told.

use std::collections::BTreeMap;
use std::path::Path;

use countersign_core::Span;

use super::checked::{self, SmtpTls};
use super::layers::Layers;
use super::mailbox::Mailbox;
use super::setting::Setting;
use super::smtp_url::SmtpUrl;
use super::text::Written as _;
use super::{Config, ConfigErrors, LoadArgs, Mode};

fn text(input: &[u8]) -> &str {
    str::from_utf8(input).unwrap_or_default()
}

/// The whole of a configuration file.
pub(crate) fn file(input: &[u8]) {
    let text = text(input);
    for mode in [Mode::Dev, Mode::Production] {
        let mut layers = Layers::defaults();
        layers.lay_text(Path::new("countersign.toml"), text);
        let loaded = layers.read().and_then(|(raw, findings)| checked::check(mode, raw, findings));
        judge(mode, &loaded);
        // Unknown keys refuse to start, so whatever was accepted is known.
        if loaded.is_ok() {
            let table: toml::Table = text.parse().unwrap_or_default();
            let keys = table.iter().flat_map(|(section, inside)| {
                inside
                    .as_table()
                    .into_iter()
                    .flat_map(move |inside| inside.keys().map(move |key| format!("{section}.{key}")))
            });
            keys.for_each(|key| assert!(Setting::find(&key).is_some(), "{key} was taken"));
        }
    }
}

/// One variable a line: `COUNTERSIGN_` is put before its name.
pub(crate) fn environment(input: &[u8]) {
    let pairs = text(input).lines().filter_map(|line| line.split_once('='));
    let named = |(name, value): (&str, &str)| (format!("COUNTERSIGN_{name}"), value.to_owned());
    let env: BTreeMap<String, String> = pairs.map(named).collect();
    for mode in [Mode::Dev, Mode::Production] {
        let loaded = Config::load(mode, LoadArgs::default(), &env);
        judge(mode, &loaded);
        let known = |name: &String| {
            super::setting::SETTINGS.iter().any(|setting| super::env::name(setting.key) == *name)
        };
        assert!(loaded.is_err() || env.keys().all(known), "an unknown variable was taken");
    }
}

/// What holds of every configuration that allows a start (invariant I13).
fn judge(mode: Mode, loaded: &Result<Config, ConfigErrors>) {
    let config = match loaded {
        Ok(config) => config,
        Err(errors) => {
            assert!(!errors.0.is_empty() && errors.0.iter().all(|error| !error.problem.is_empty()));
            return;
        }
    };
    let policy = config.policy();
    assert_eq!(config.dev, mode.is_dev());
    assert!(config.public_url.is_https() || config.public_url.is_loopback());
    assert!(config.listen.ip().is_loopback() || !mode.is_dev(), "dev mode stays on this machine");
    assert!(policy.session.idle > Span::ZERO && policy.session.idle <= policy.session.absolute);
    assert!(policy.session.remembered_idle <= policy.session.remembered_absolute);
    assert!(policy.token.life > Span::ZERO && policy.token.life <= Span::hours(1));
    assert!(policy.leeway >= Span::ZERO && policy.leeway <= Span::minutes(1));
    assert!(policy.capped || mode.is_dev(), "nothing lifts the limits in production");
    let wide = |net: &ipnet::IpNet| net.prefix_len() < 8;
    assert!(mode.is_dev() || !config.trusted_proxies.iter().any(wide), "the world is no proxy");
    let in_clear = config.smtp.as_ref().filter(|smtp| smtp.tls == SmtpTls::None);
    assert!(in_clear.is_none_or(|smtp| {
        smtp.host == "localhost" || smtp.host.parse().is_ok_and(|host: std::net::IpAddr| host.is_loopback())
    }));
}

/// `mail.smtp_url` and `mail.from`.
pub(crate) fn mail(input: &[u8]) {
    let text = text(input);
    let is_password = crate::fuzz::has_password(text);
    match SmtpUrl::read(text) {
        Ok(url) => {
            assert!(!url.host.is_empty() && url.port != Some(0));
            assert!(!url.host.contains(|c: char| c.is_control() || c.is_whitespace() || "[]%@/".contains(c)));
            assert!(!is_password || !format!("{:?}", url.credentials).contains("hunter2"));
        }
        Err(problem) => assert!(!problem.contains("hunter2")),
    }
    if let Ok(mailbox) = Mailbox::read(text) {
        let written = mailbox.to_string();
        assert!(!written.contains(char::is_control), "one line of a header (attack REC-12)");
        assert_eq!(Mailbox::read(&written).as_ref(), Ok(&mailbox));
    }
}

/// A number and a unit.
pub(crate) fn span(input: &[u8]) {
    let text = text(input);
    let Ok(span) = Span::read(text) else { return };
    assert!(span >= Span::ZERO && span <= Span::days(3650));
    assert_eq!(Span::read(&format!("{}s", span.as_seconds())), Ok(span));
    assert!(text.is_ascii() && text.len() >= 2);
}
