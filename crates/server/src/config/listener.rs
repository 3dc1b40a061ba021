//! Where the server is reached, and what a listener allows.

use countersign_core::url::PublicUrl;

use super::findings::Findings;
use super::{Mode, raw};
use crate::serve::certificate::Files;

/// The origin that people reach the server at.
pub(super) fn public_url(
    mode: Mode,
    server: &raw::Server,
    tls: bool,
    found: &mut Findings,
) -> Option<PublicUrl> {
    const KEY: &[&str] = &["server.public_url"];
    let Some(given) = server.public_url.clone() else {
        let problem =
            "is required: the origin that people reach this server at, such as https://login.example.com";
        found.demand(KEY, mode.is_dev(), problem);
        // Port 0 becomes another one before anybody hears of it.
        return localhost(server.listen.port().max(1), tls).filter(|_| mode.is_dev());
    };
    let problem =
        "must be a loopback host in dev mode, which shows all mails to everybody: use `countersign serve`";
    found.demand(KEY, !mode.is_dev() || given.is_loopback(), problem);
    Some(given)
}

/// Where dev mode is reached.
pub(super) fn localhost(port: u16, tls: bool) -> Option<PublicUrl> {
    let scheme = if tls { "https" } else { "http" };
    PublicUrl::parse(&format!("{scheme}://localhost:{port}")).ok()
}

/// Checks the listener, and returns the files of its TLS.
pub(super) fn check(
    mode: Mode,
    server: &raw::Server,
    tls: &raw::Tls,
    public_url: Option<&PublicUrl>,
    found: &mut Findings,
) -> Option<Files> {
    let problem =
        "must be a loopback address in dev mode, which shows all mails to everybody: use `countersign serve`";
    found.demand(&["server.listen"], !mode.is_dev() || server.listen.ip().is_loopback(), problem);
    found.demand(
        &["server.connections"],
        (16..=1_000_000).contains(&server.connections),
        "must be from 16 to 1000000",
    );
    found.demand(
        &["server.connections_per_address"],
        server.connections_per_address > 0,
        "must be at least 1",
    );
    let both = tls.certificate.is_some() == tls.key.is_some();
    let problem =
        "tls.certificate and tls.key go together: set both, or none to speak in clear with a proxy before";
    found.demand(&["tls.certificate", "tls.key"], both, problem);
    let files = Files { certificate: tls.certificate.clone()?, key: tls.key.clone()? };
    let https = public_url.is_none_or(PublicUrl::is_https);
    let problem = "must begin with https:// where tls.certificate is set: browsers are sent there";
    found.demand(&["server.public_url"], https, problem);
    Some(files)
}

#[cfg(test)]
mod tests {
    use super::super::{Config, LoadArgs};
    use super::*;
    use std::collections::BTreeMap;

    fn load(mode: Mode, pairs: &[(&str, &str)]) -> Result<Config, String> {
        let mut env: BTreeMap<String, String> =
            pairs.iter().map(|(name, value)| (format!("COUNTERSIGN_{name}"), (*value).to_owned())).collect();
        env.entry("COUNTERSIGN_SERVER_MASTER_KEY_FILE".to_owned()).or_insert_with(|| "/etc/key".to_owned());
        Config::load(mode, LoadArgs::default(), &env).map_err(|errors| errors.to_string())
    }

    const PAIR: [(&str, &str); 2] = [("TLS_CERTIFICATE", "/etc/crt"), ("TLS_KEY", "/etc/tls.key")];

    #[test]
    fn tls_has_both_files_and_an_origin_that_says_so() {
        let url = ("SERVER_PUBLIC_URL", "https://id.example");
        let config = load(Mode::Production, &[&PAIR[..], &[url]].concat()).unwrap();
        assert_eq!(config.tls.unwrap().key.display().to_string(), "/etc/tls.key");
        assert_eq!(load(Mode::Production, &[url]).unwrap().tls, None);
        for half in PAIR {
            assert!(load(Mode::Production, &[half, url]).unwrap_err().contains("go together"), "{half:?}");
        }
        let clear = [&PAIR[..], &[("SERVER_PUBLIC_URL", "http://localhost:8080")]].concat();
        assert!(load(Mode::Production, &clear).unwrap_err().contains("must begin with https://"));
    }

    #[test]
    fn dev_mode_with_tls_is_reached_by_https() {
        let config = load(Mode::Dev, &PAIR).unwrap();
        assert_eq!(config.public_url.origin(), "https://localhost:8080");
        assert_eq!(
            config.bound_to("127.0.0.1:9".parse().unwrap()).public_url.origin(),
            "https://localhost:9"
        );
    }

    #[test]
    fn limits_that_would_let_nobody_in_are_refused() {
        for (name, value) in [
            ("SERVER_CONNECTIONS", "15"),
            ("SERVER_CONNECTIONS", "1000001"),
            ("SERVER_CONNECTIONS_PER_ADDRESS", "0"),
        ] {
            assert!(load(Mode::Dev, &[(name, value)]).unwrap_err().contains("must be"), "{name}={value}");
        }
    }
}
