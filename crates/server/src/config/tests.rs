use super::*;

use countersign_core::{Policy, Span};
use countersign_jose::Alg;
use countersign_store::db::StoreUrl;
use std::fs;
use tempfile::TempDir;

const PRODUCTION: &str = "[server]\npublic_url = 'https://login.example.com'\nmaster_key_file = '/etc/key'\n";

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| (env::name(key), (*value).to_owned())).collect()
}

fn load(mode: Mode, toml: &str, pairs: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("c.toml");
    fs::write(&file, toml).unwrap();
    Config::load(mode, LoadArgs { file: Some(file), ..LoadArgs::default() }, &env(pairs))
}

/// What is refused, without the folder of the file.
fn refusals(mode: Mode, toml: &str, pairs: &[(&str, &str)]) -> Vec<String> {
    let errors = load(mode, toml, pairs).map(|_| ()).err().map(|errors| errors.0).unwrap_or_default();
    errors
        .into_iter()
        .map(|error| error.to_string().split_once("c.toml").map_or(error.to_string(), |(_, s)| s.to_owned()))
        .collect()
}

#[test]
fn dev_mode_needs_nothing() {
    let config = Config::load(Mode::Dev, LoadArgs::default(), &BTreeMap::new()).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.public_url.origin(), "http://localhost:8080");
    assert_eq!(config.store.to_string(), "sqlite:data/countersign.db");
    assert_eq!(config.master_key_file, PathBuf::from("data/master.key"));
    assert_eq!(config.token_alg, Alg::Es256);
    assert!(config.smtp.is_none() && config.resources.is_empty() && config.trusted_proxies.is_empty());
    let params = config.password.params;
    assert_eq!((params.memory_kib(), params.iterations(), params.parallelism()), (19_456, 2, 1));
    assert_eq!((config.password.workers, config.password.queue), (0, 64));
    assert_eq!(config.log, Log { format: LogFormat::Text, level: tracing::Level::INFO });
}

#[test]
fn the_defaults_of_the_table_are_those_of_the_rules() {
    let config = load(Mode::Production, PRODUCTION, &[]).unwrap();
    assert_eq!(config.policy(), Policy::default());
}

#[test]
fn the_environment_beats_the_file_and_the_command_line_beats_both() {
    let toml = "[server]\nlisten = '127.0.0.1:1'\n[token]\nlife = '1m'\nalgorithm = 'RS256'\n";
    let pairs = [
        ("server.listen", "127.0.0.1:2"),
        ("token.life", "2m"),
        ("resources.allowed", "https://a, https://b"),
        ("scopes.custom", "notes.read, notes.write"),
    ];
    let config = load(Mode::Dev, toml, &pairs).unwrap();
    assert_eq!(config.listen.port(), 2);
    assert_eq!((config.policy().token.life, config.token_alg), (Span::minutes(2), Alg::Rs256));
    assert_eq!(config.resources.len(), 2);
    assert_eq!(config.scopes.to_string(), "notes.read notes.write");
    let args =
        LoadArgs { listen: Some("127.0.0.1:3".parse().unwrap()), data: Some("/srv/cs".into()), file: None };
    let config = Config::load(Mode::Dev, args, &env(&pairs)).unwrap();
    assert_eq!((config.listen.port(), config.public_url.origin()), (3, "http://localhost:3"));
    assert_eq!(config.store.to_string(), "sqlite:/srv/cs/countersign.db");
}

#[test]
fn unknown_names_refuse_to_start_and_name_the_nearest() {
    let toml = "[sesion]\nidle = '2h'\n\n[token]\nlive = '1m'\n";
    let mut errors = refusals(Mode::Dev, toml, &[("token.lyfe", "1m")]);
    errors.sort();
    assert_eq!(
        errors,
        [
            ":2: there is no setting sesion.idle; the nearest is session.idle",
            ":5: there is no setting token.live; the nearest is token.life",
            "COUNTERSIGN_TOKEN_LYFE: no setting has this variable; the nearest is COUNTERSIGN_TOKEN_LIFE",
        ]
    );
    assert_eq!(refusals(Mode::Dev, "token = 3\n", &[]), [":1: token is a section: write [token]"]);
    assert_eq!(refusals(Mode::Dev, "[server]\n[nonsense]\n", &[]).len(), 1);
    let top = refusals(Mode::Dev, "listen = '127.0.0.1:8080'\n", &[]);
    assert_eq!(top, [":1: there is no setting listen; the nearest is server.listen"]);
}

#[test]
fn adm_17_the_master_key_is_never_given_inline() {
    let secret = "k3y-that-nobody-may-see-0123456789";
    let file = refusals(Mode::Production, &format!("{PRODUCTION}master_key = '{secret}'\n"), &[]);
    let env = refusals(Mode::Production, PRODUCTION, &[("server.master_key", secret)]);
    for errors in [file, env] {
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].contains("server.master_key_file") && !errors[0].contains(secret), "{errors:?}");
    }
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let toml = "[session]\nidle = 'soon'\nconcurrent = -1\n\n[server]\ntrusted_proxies = ['10.0.0.1', 'proxy']\n[nonsense]\nx = 1\n";
    let errors = refusals(Mode::Production, toml, &[("throttle.enabled", "maybe"), ("clock.leeway", "5m")]);
    assert_eq!(errors.len(), 8, "{errors:#?}");
    for part in [
        ":2: session.idle: must be a whole number and a unit",
        ":3: session.concurrent: ",
        ":6: server.trusted_proxies: entry 2 must be an IP address",
        ":8: there is no setting nonsense.x",
        "COUNTERSIGN_THROTTLE_ENABLED: throttle.enabled: must be true or false",
        "COUNTERSIGN_CLOCK_LEEWAY: clock.leeway: must be at most 60s",
        "server.public_url (COUNTERSIGN_SERVER_PUBLIC_URL): is required",
        "server.master_key_file (COUNTERSIGN_SERVER_MASTER_KEY_FILE): is required",
    ] {
        assert!(errors.iter().any(|error| error.starts_with(part)), "{part}: {errors:#?}");
    }
}

#[test]
fn values_of_another_type_are_refused_by_their_line() {
    let table = [
        ("[session]\nidle = 7200\n", ":2: session.idle: "),
        ("[session]\nidle.x = '2h'\n", ":2: session.idle: "),
        ("[password]\nqueue = '64'\n", ":2: password.queue: "),
        ("[password]\nqueue = 64.5\n", ":2: password.queue: "),
        ("[throttle]\nenabled = 1\n", ":2: throttle.enabled: "),
        ("[resources]\nallowed = 'https://a'\n", ":2: resources.allowed: "),
        ("resources.allowed = ['https://a', 3]\n", ":1: resources.allowed: "),
        ("[mail]\nfrom = ['a@example.com']\n", ":2: mail.from: "),
    ];
    for (toml, start) in table {
        let errors = refusals(Mode::Dev, toml, &[]);
        assert!(errors.len() == 1 && errors[0].starts_with(start), "{toml}: {errors:?}");
    }
}

#[test]
fn a_file_that_is_no_toml_is_refused_without_quoting_it() {
    let errors = refusals(Mode::Dev, "[mail]\nsmtp_url = smtp://u:hunter2@mail.example.com\n", &[]);
    assert!(!errors.is_empty() && errors[0].starts_with(":2: is not TOML: "), "{errors:?}");
    assert!(errors.iter().all(|error| !error.contains("hunter2")), "{errors:?}");
    let args = LoadArgs { file: Some("/nowhere/c.toml".into()), ..LoadArgs::default() };
    let errors = Config::load(Mode::Production, args, &BTreeMap::new()).unwrap_err();
    assert_eq!(errors.0.len(), 1, "nothing is missing that the file may say: {errors}");
    assert!(errors.to_string().contains("/nowhere/c.toml: cannot be read"), "{errors}");
}

#[test]
fn i16_no_error_and_no_debug_output_shows_a_secret() {
    let secrets = [
        ("mail.smtp_url", "smtp://u:hunter2@"),
        ("mail.smtp_url", "hunter2"),
        ("store.url", "postgres://u:hunter2@host:port/x"),
        ("store.url", "mysql://u:hunter2@host/x"),
    ];
    for pair in secrets {
        let errors = load(Mode::Dev, "", &[pair]).map(|_| ()).unwrap_err();
        assert!(!format!("{errors} {errors:?}").contains("hunter2"), "{errors}");
    }
    let pairs = [
        ("mail.smtp_url", "smtp://u:hunter2@mail.example.com"),
        ("mail.from", "login@example.com"),
        ("store.url", "postgres://u:hunter2@localhost/x"),
    ];
    let config = load(Mode::Dev, "", &pairs).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
    assert!(matches!(config.store, StoreUrl::Postgres(_)));
}

#[test]
fn i13_production_refuses_what_dev_mode_takes() {
    let table: [(&[(&str, &str)], &str); 8] = [
        (&[("store.url", "memory:")], "store.url"),
        (&[("throttle.enabled", "false")], "throttle.enabled"),
        (&[("password.memory_kib", "64")], "password.memory_kib"),
        (&[("password.iterations", "1")], "password.iterations"),
        (&[("password.memory_kib", "9216"), ("password.iterations", "3")], "password.memory_kib"),
        (&[("server.trusted_proxies", "10.0.0.0/8,0.0.0.0/0")], "server.trusted_proxies"),
        (&[("server.trusted_proxies", "::/0")], "server.trusted_proxies"),
        (&[("server.trusted_proxies", "::ffff:0.0.0.0/96")], "server.trusted_proxies"),
    ];
    for (pairs, key) in table {
        assert_eq!(refusals(Mode::Dev, "", pairs), Vec::<String>::new());
        let errors = refusals(Mode::Production, PRODUCTION, pairs);
        assert!(errors.len() == 1 && errors[0].contains(key), "{errors:?}");
    }
    assert!(load(Mode::Production, PRODUCTION, &[("server.listen", "0.0.0.0:443")]).is_ok());
    let plain = refusals(Mode::Production, PRODUCTION, &[("server.public_url", "http://login.example.com")]);
    assert!(plain.len() == 1 && plain[0].contains("loopback"), "{plain:?}");
    assert!(load(Mode::Production, PRODUCTION, &[("server.public_url", "http://localhost:8080")]).is_ok());
}

#[test]
fn dev_mode_stays_on_this_machine() {
    for listen in ["0.0.0.0:8080", "[::]:8080", "192.0.2.1:8080"] {
        let errors = refusals(Mode::Dev, "", &[("server.listen", listen)]);
        assert!(errors.len() == 1 && errors[0].contains("countersign serve"), "{errors:?}");
    }
    let errors = refusals(Mode::Dev, "", &[("server.public_url", "https://login.example.com")]);
    assert!(errors.len() == 1 && errors[0].contains("countersign serve"), "{errors:?}");
}

#[test]
fn the_public_url_follows_the_port_that_the_system_chose_unless_it_was_set() {
    let bound = |pairs: &[(&str, &str)]| {
        let config = load(Mode::Dev, "", pairs).unwrap().bound_to("127.0.0.1:4321".parse().unwrap());
        (config.listen.port(), config.public_url.origin().to_owned())
    };
    let any_port = ("server.listen", "127.0.0.1:0");
    assert_eq!(bound(&[any_port]), (4321, "http://localhost:4321".to_owned()));
    let own = ("server.public_url", "http://localhost:9999");
    assert_eq!(bound(&[any_port, own]), (4321, "http://localhost:9999".to_owned()));
}

#[test]
fn settings_that_do_not_fit_together_are_refused() {
    let table: [(&[(&str, &str)], &str); 19] = [
        (&[("session.idle", "25h")], "session.idle must be at most session.absolute"),
        (&[("session.absolute", "1h")], "session.idle must be at most session.absolute"),
        (&[("session.remembered_idle", "61d")], "session.remembered_idle must be at most"),
        (&[("session.idle", "0s")], "at least 1s"),
        (&[("token.life", "61m")], "at most 1h"),
        (&[("token.life", "0s")], "at least 1s"),
        (&[("token.refresh_grace", "301s")], "at most 5m"),
        (&[("clock.leeway", "61s")], "at most 60s"),
        (&[("account.reset", "25h")], "at most 24h"),
        (&[("account.verification", "8d")], "at most 7d"),
        (&[("keys.retiring", "14m")], "at least token.life and 10m"),
        (&[("keys.published_before", "9m")], "at least 10m"),
        (&[("keys.active", "23h")], "at least keys.published_before"),
        (&[("password.memory_kib", "7")], "8 KiB"),
        (&[("password.iterations", "21")], "from 1 to 20"),
        (&[("password.queue", "0")], "from 1 to 65536"),
        (&[("ephemeral.url", "redis://localhost")], "not built yet"),
        (&[("token.algorithm", "HS256")], "ES256, EdDSA or RS256"),
        (&[("session.concurrent", "4294967296")], "session.concurrent"),
    ];
    for (pairs, problem) in table {
        let errors = refusals(Mode::Dev, "", pairs);
        assert!(errors.len() == 1 && errors[0].contains(problem), "{pairs:?}: {errors:?}");
    }
    let limit = load(Mode::Dev, "", &[("session.concurrent", "3")]).unwrap().policy().session.concurrent;
    assert_eq!(limit, Some(3));
}

#[test]
fn sto_19_mail_is_encrypted_unless_it_stays_on_this_machine() {
    let from = ("mail.from", "login@example.com");
    let smtp = |url, tls: &[(&'static str, &'static str)]| {
        let pairs = [&[("mail.smtp_url", url), from], tls].concat();
        load(Mode::Dev, "", &pairs).map(|config| config.smtp.map(|smtp| (smtp.tls, smtp.port)))
    };
    let none = [("mail.tls", "none")];
    assert_eq!(smtp("smtp://mail.example.com", &[]), Ok(Some((SmtpTls::Required, 587))));
    assert_eq!(smtp("smtps://mail.example.com", &[]), Ok(Some((SmtpTls::Wrapper, 465))));
    assert_eq!(smtp("smtp://mail.example.com:2525", &[]), Ok(Some((SmtpTls::Required, 2525))));
    assert_eq!(smtp("smtp://localhost", &none), Ok(Some((SmtpTls::None, 25))));
    for (url, tls) in [
        ("smtp://mail.example.com", &none),
        ("smtp://localhost.example.com", &none),
        ("smtps://localhost", &none),
        ("smtps://mail.example.com", &[("mail.tls", "required")]),
        ("smtp://mail.example.com", &[("mail.tls", "wrapper")]),
    ] {
        assert_eq!(smtp(url, tls).map_err(|errors| errors.0.len()), Err(1), "{url} {tls:?}");
    }
    let errors = refusals(Mode::Production, PRODUCTION, &[("mail.smtp_url", "smtp://mail.example.com")]);
    assert!(errors.len() == 1 && errors[0].starts_with("mail.from"), "{errors:?}");
}

#[test]
fn http_10_only_configured_proxies_are_believed() {
    let config = load(Mode::Dev, "", &[("server.trusted_proxies", "10.0.0.0/8, 2001:db8::1")]).unwrap();
    let table = [
        ("10.1.2.3", true),
        ("::ffff:10.1.2.3", true),
        ("11.1.2.3", false),
        ("2001:db8::1", true),
        ("2001:db8::2", false),
        ("127.0.0.1", false),
    ];
    for (address, trusted) in table {
        assert_eq!(config.trusts(address.parse().unwrap()), trusted, "{address}");
    }
}

#[test]
fn adm_18_metrics_never_share_the_main_port() {
    let production = |pairs: &[(&str, &str)]| refusals(Mode::Production, PRODUCTION, pairs);
    for listen in ["127.0.0.1:8080", "0.0.0.0:8080", "[::1]:8080"] {
        let errors = production(&[("metrics.listen", listen)]);
        assert!(errors.len() == 1 && errors[0].contains("another port than server.listen"), "{errors:?}");
    }
    assert_eq!(production(&[("metrics.listen", "10.0.0.5:9090")]), Vec::<String>::new());
    assert!(load(Mode::Production, PRODUCTION, &[]).unwrap().metrics_listen.is_none());
    let errors = refusals(Mode::Dev, "", &[("metrics.listen", "10.0.0.5:9090")]);
    assert!(errors.len() == 1 && errors[0].contains("loopback"), "{errors:?}");
}

#[test]
fn limits_on_guesses_hold_somebody_back_and_not_everybody() {
    let table = [
        ("throttle.account", "0"),
        ("throttle.account", "101"),
        ("throttle.prefix", "9"),
        ("throttle.prefix", "1001"),
        ("throttle.global", "99"),
        ("throttle.mails", "0"),
        ("throttle.window", "59s"),
        ("throttle.window", "25h"),
    ];
    for (key, value) in table {
        let errors = refusals(Mode::Production, PRODUCTION, &[(key, value)]);
        assert!(errors.len() == 1 && errors[0].contains(key), "{key} = {value}: {errors:?}");
    }
    let limits = load(Mode::Production, PRODUCTION, &[("throttle.account", "5")]).unwrap().policy().throttle;
    assert_eq!((limits.account, limits.prefix, limits.window), (5, 100, countersign_core::Span::minutes(15)));
}
