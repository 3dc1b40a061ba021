//! `countersign doctor`: looks whether all is well, and says what to do where it is not. Where nothing is, it makes
//! nothing.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::bail;
use countersign::config::{Config, ConfigErrors};
use countersign_core::{Span, Time};
use countersign_server::admin::socket::NAME;
use countersign_server::admin::{Command, Finding, Level, Reply, execute};
use countersign_server::clock::{Clock as _, SystemClock};
use countersign_server::serve::Tls;
use countersign_store::db::StoreUrl;

use super::place::Place;
use super::{client, log, out, owner, runtime};

/// `countersign doctor`
pub(super) fn run(place: &Place) -> anyhow::Result<()> {
    let config = place.config();
    let data = place.data_folder(&config);
    log::start_quiet();
    let mut findings = configuration(&config);
    findings.extend(folder(&data));
    if let Ok(config) = &config {
        findings.push(master_key(config));
        findings.extend(certificate(config, SystemClock.now()));
        findings.extend(database_files(config));
    }
    findings.extend(runtime()?.block_on(service(config, &data)));
    for finding in &findings {
        let mark = match finding.level {
            Level::Fine => "ok     ",
            Level::Warning => "warning",
            Level::Broken => "BROKEN ",
        };
        out::line(&format!("{mark}  {:<13} {}", finding.what, finding.words));
    }
    match findings.iter().filter(|finding| finding.level == Level::Broken).count() {
        0 => Ok(()),
        1 => bail!("one thing is broken"),
        count => bail!("{count} things are broken"),
    }
}

fn configuration(config: &Result<Config, ConfigErrors>) -> Vec<Finding> {
    const WHAT: &str = "configuration";
    match config {
        Ok(config) if config.dev => {
            vec![Finding::new(WHAT, Level::Fine, "allows a start in development mode")]
        }
        Ok(_) => vec![Finding::new(WHAT, Level::Fine, "allows a start in production")],
        Err(errors) => {
            errors.0.iter().map(|error| Finding::new(WHAT, Level::Broken, error.to_string())).collect()
        }
    }
}

fn folder(data: &Path) -> Option<Finding> {
    let (what, shown) = ("data folder", data.display());
    let metadata = std::fs::metadata(data).ok()?;
    if metadata.mode() & 0o022 != 0 {
        let words = format!("others may write to {shown}: `chmod 700 {shown}`");
        return Some(Finding::new(what, Level::Broken, words));
    }
    Some(Finding::new(what, Level::Fine, shown.to_string()))
}

fn master_key(config: &Config) -> Finding {
    const WHAT: &str = "master key";
    if makes_key(config) {
        let key = config.master_key_file.display();
        return match &config.store {
            StoreUrl::Sqlite(path) if path.exists() => {
                let sealed = path.display();
                let words = format!(
                    "{key} is gone, and {sealed} is sealed under it: put it back, or begin anew with `countersign keys reseal \
                     --lost`"
                );
                Finding::new(WHAT, Level::Broken, words)
            }
            _ => Finding::new(WHAT, Level::Fine, "the first start makes it"),
        };
    }
    match config.master_key() {
        Ok(_) => Finding::new(WHAT, Level::Fine, config.master_key_file.display().to_string()),
        Err(errors) => {
            let words: Vec<_> = errors.0.into_iter().map(|error| error.problem).collect();
            Finding::new(WHAT, Level::Broken, words.join("; "))
        }
    }
}

/// Whether opening the service would make a master key: this command makes nothing.
fn makes_key(config: &Config) -> bool {
    config.dev && !config.master_key_file.exists()
}

fn certificate(config: &Config, now: Time) -> Option<Finding> {
    const WHAT: &str = "certificate";
    /// When whoever renews it by hand should begin, and whoever has it renewed should wonder.
    const SOON: Span = Span::days(30);
    let shown = match Tls::inspect(config.tls.as_ref()?, now) {
        Ok(shown) => shown,
        Err(error) => return Some(Finding::new(WHAT, Level::Broken, error.to_string())),
    };
    let host = config.public_url.host();
    let (level, words) = if !shown.covers(host) {
        (Level::Broken, format!("is for {}, not for {host}: browsers refuse it", shown.names.join(", ")))
    } else if shown.ends < now + SOON {
        (Level::Warning, format!("expires at {}: renew it, the server reads it again by itself", shown.ends))
    } else {
        (Level::Fine, format!("is for {} until {}", shown.names.join(", "), shown.ends))
    };
    Some(Finding::new(WHAT, level, words))
}

/// The database, and what the engine keeps beside it: hashes and sealed keys.
fn database_files(config: &Config) -> Option<Finding> {
    const WHAT: &str = "file modes";
    let StoreUrl::Sqlite(path) = &config.store else { return None };
    let names = ["", "-wal", "-shm"].map(|end| format!("{}{end}", path.display()));
    let modes = names.iter().filter_map(|name| Some((name, std::fs::metadata(name).ok()?.mode())));
    let open: Vec<_> = modes.filter(|(_, mode)| mode & 0o077 != 0).map(|(name, _)| name.as_str()).collect();
    if open.is_empty() {
        return Some(Finding::new(WHAT, Level::Fine, "the database is for its owner alone"));
    }
    let names = open.join(" ");
    Some(Finding::new(WHAT, Level::Broken, format!("{names}: others may read it: `chmod 600 {names}`")))
}

/// What only an open service knows: the one that runs, else one opened for the purpose.
async fn service(config: Result<Config, ConfigErrors>, data: &Path) -> Vec<Finding> {
    const WHAT: &str = "server";
    let path = data.join(NAME);
    let broken = |error: anyhow::Error| vec![Finding::new(WHAT, Level::Broken, format!("{error:#}"))];
    match client::ask_server(&path, &Command::Check).await {
        Ok(Some(Reply::Checked(found))) => {
            let words = format!("answers at {}", path.display());
            return [vec![Finding::new(WHAT, Level::Fine, words)], found].concat();
        }
        Ok(Some(_)) => return broken(client::strange()),
        Err(error) => return broken(error),
        Ok(None) => {}
    }
    let mut findings = vec![Finding::new(WHAT, Level::Fine, format!("none answers at {}", path.display()))];
    if let Ok(config) = config {
        findings.extend(opened(config).await);
    }
    findings
}

async fn opened(config: Config) -> Vec<Finding> {
    const WHAT: &str = "database";
    let missing = match &config.store {
        StoreUrl::Memory => Some("memory: is new at every start".to_owned()),
        StoreUrl::Sqlite(path) if !path.exists() => Some(format!("the first start makes {}", path.display())),
        StoreUrl::Sqlite(_) | StoreUrl::Postgres(_) => None,
    };
    if let Some(words) = missing {
        return vec![Finding::new(WHAT, Level::Fine, words)];
    }
    if makes_key(&config) {
        return vec![Finding::new(
            WHAT,
            Level::Warning,
            "not looked at: without the master key it cannot be opened",
        )];
    }
    if let Err(error) = owner::demand(&config) {
        return vec![Finding::new(WHAT, Level::Warning, format!("not looked at: {error}"))];
    }
    let app = match countersign::open(config).await {
        Ok(app) => app,
        Err(error) => return vec![Finding::new(WHAT, Level::Broken, error.to_string())],
    };
    let found = match execute(&app, Command::Check).await {
        Ok(Reply::Checked(found)) => found,
        Ok(_) => Vec::new(),
        Err(error) => vec![Finding::new(WHAT, Level::Broken, error.to_string())],
    };
    // Nothing was written.
    drop(app.close().await);
    found
}
