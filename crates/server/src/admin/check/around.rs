//! What lies around a service: its disk, its mail, its proxies, its metrics.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use countersign_core::{Span, Time};
use countersign_store::Error;
use countersign_store::db::StoreUrl;
use countersign_store::job::{self, Outbox};
use ipnet::IpNet;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::admin::{Finding, Level};
use crate::app::App;

/// A mail server that is away for a moment is no finding.
const STUCK: Span = Span::hours(1);
const MIB: u64 = 1024 * 1024;
/// Below the one, writes fail soon; below the other, somebody should look.
const NO_ROOM: u64 = 64 * MIB;
const LITTLE_ROOM: u64 = 1024 * MIB;
const ANSWER: Duration = Duration::from_secs(5);

/// All of it.
pub(super) async fn around(app: &App) -> Vec<Finding> {
    let mut found: Vec<_> = integrity(app).await.into_iter().collect();
    found.extend([disk(app), outbox(app).await, metrics(app).await, throttling(app)]);
    let config = &app.config;
    let needs_one = config.public_url.is_https() && config.tls.is_none();
    found.push(judge_proxies(&config.trusted_proxies, needs_one));
    found
}

/// SQLite reads its whole file for this; a database server looks after itself.
async fn integrity(app: &App) -> Option<Finding> {
    judge_integrity(app.store.faults().await)
}

/// Only what is damaged calls for a backup: a file that cannot be read now may be whole.
fn judge_integrity(faults: Result<Option<Vec<String>>, Error>) -> Option<Finding> {
    const WHAT: &str = "integrity";
    let broken = |words: String| {
        let remedy =
            "Stop the server, keep the file as it is, and put the last backup back: `countersign restore`";
        Some(Finding::new(WHAT, Level::Broken, format!("{words}. {remedy}")))
    };
    match faults {
        Ok(None) => None,
        Ok(Some(faults)) if faults.is_empty() => {
            Some(Finding::new(WHAT, Level::Fine, "the database's file has no fault"))
        }
        Ok(Some(faults)) => broken(faults.join("; ")),
        Err(error @ Error::Damaged(_)) => broken(error.to_string()),
        Err(error) => {
            let words = format!(
                "the database's file could not be read whole: {error}. Ask again; the disk or its folder may say why"
            );
            Some(Finding::new(WHAT, Level::Broken, words))
        }
    }
}

fn disk(app: &App) -> Finding {
    let folders = [Some(app.config.data.as_path()), database_folder(&app.config.store)];
    let rooms = folders.into_iter().flatten().filter_map(|folder| {
        let place = rustix::fs::statvfs(folder).ok()?;
        Some((place.f_bavail.saturating_mul(place.f_frsize), folder))
    });
    match rooms.min() {
        Some((room, folder)) => judge_disk(room, folder),
        None => {
            Finding::new("disk", Level::Warning, format!("{} cannot be looked at", app.config.data.display()))
        }
    }
}

fn database_folder(store: &StoreUrl) -> Option<&Path> {
    match store {
        StoreUrl::Sqlite(path) => path.parent().filter(|folder| !folder.as_os_str().is_empty()),
        StoreUrl::Memory | StoreUrl::Postgres(_) => None,
    }
}

fn judge_disk(room: u64, folder: &Path) -> Finding {
    let level = match room {
        ..NO_ROOM => Level::Broken,
        NO_ROOM..LITTLE_ROOM => Level::Warning,
        LITTLE_ROOM.. => Level::Fine,
    };
    let left = format!("{} MiB are left at {}", room / MIB, folder.display());
    let words = match level {
        Level::Fine => left,
        _ => format!("{left}: make room, or lower audit.kept. On a full disk nobody can log in or out"),
    };
    Finding::new("disk", level, words)
}

async fn outbox(app: &App) -> Finding {
    match job::outbox(&app.store).await {
        Ok(outbox) => judge_outbox(outbox, app.mailer.is_some(), app.clock.now()),
        Err(error) => Finding::new("outbox", Level::Broken, error.to_string()),
    }
}

fn judge_outbox(outbox: Outbox, leaves: bool, now: Time) -> Finding {
    let Outbox { waiting, oldest } = outbox;
    match oldest {
        Some(oldest) if leaves && now - oldest > STUCK => Finding::new(
            "outbox",
            Level::Warning,
            format!(
                "{waiting} mails wait, the oldest since {oldest}: the log says why (\"mail will be tried again\"). Look at \
                 mail.smtp_url; a mail is given up after about a day"
            ),
        ),
        _ => Finding::new("outbox", Level::Fine, format!("{waiting} mails wait")),
    }
}

async fn metrics(app: &App) -> Finding {
    const WHAT: &str = "metrics";
    let Some(set) = app.config.metrics_listen else {
        return Finding::new(WHAT, Level::Fine, "not served: metrics.listen is not set");
    };
    let Some(address) = app.metrics.listening() else {
        return Finding::new(WHAT, Level::Fine, format!("served at {set} while the server runs"));
    };
    match tokio::time::timeout(ANSWER, ask(address)).await {
        Ok(Ok(true)) => judge_metrics(address),
        _ => Finding::new(
            WHAT,
            Level::Broken,
            format!(
                "http://{address}/metrics does not answer: is something before it (a firewall)? Or restart the server"
            ),
        ),
    }
}

/// Whoever reaches them may read, and a firewall may be all that keeps the world from it (attack ADM-18).
fn judge_metrics(address: SocketAddr) -> Finding {
    const WHAT: &str = "metrics";
    if !address.ip().is_unspecified() {
        return Finding::new(WHAT, Level::Fine, format!("http://{address}/metrics answers"));
    }
    let words = format!(
        "http://{address}/metrics answers at every address of this machine: set metrics.listen to a loopback or private one, \
         unless a firewall or the container's network keeps others out"
    );
    Finding::new(WHAT, Level::Warning, words)
}

async fn ask(mut address: SocketAddr) -> std::io::Result<bool> {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => IpAddr::from([127, 0, 0, 1]),
            IpAddr::V6(_) => IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
        });
    }
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"HEAD /metrics HTTP/1.1\r\nHost: metrics\r\n\r\n").await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer.starts_with(b"HTTP/1.1 200"))
}

fn throttling(app: &App) -> Finding {
    if app.policy.capped {
        return Finding::new("throttling", Level::Fine, "on");
    }
    let words = "off (throttle.enabled = false): passwords can be guessed without a limit. That is for load tests alone";
    Finding::new("throttling", Level::Warning, words)
}

/// Production refuses what is as wide as the world; what is merely wide and public is worth a look. So is nobody at all, where
/// something before us must do the TLS.
fn judge_proxies(nets: &[IpNet], needs_one: bool) -> Finding {
    const WHAT: &str = "proxies";
    if nets.is_empty() && needs_one {
        let words = "none is trusted, and another program does the TLS: name its address in server.trusted_proxies, else all \
                     the world shares one address, and its limits";
        return Finding::new(WHAT, Level::Warning, words);
    }
    let wide: Vec<_> = nets.iter().filter(|net| is_wide(net)).map(ToString::to_string).collect();
    if wide.is_empty() {
        let are = if nets.len() == 1 { "is" } else { "are" };
        return Finding::new(WHAT, Level::Fine, format!("{} {are} trusted", nets.len()));
    }
    Finding::new(
        WHAT,
        Level::Warning,
        format!(
            "server.trusted_proxies has {}: whoever is in there can say that a request came from anywhere. Name the proxies \
             one by one",
            wide.join(", ")
        ),
    )
}

fn is_wide(net: &IpNet) -> bool {
    match net {
        IpNet::V4(net) => net.prefix_len() < 16 && !(net.addr().is_private() && net.prefix_len() >= 8),
        IpNet::V6(net) => net.prefix_len() < 48 && !(net.addr().is_unique_local() && net.prefix_len() >= 7),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_micros(1_800_000_000_000_000);

    #[test]
    fn adm_18_metrics_that_the_world_may_reach_are_warned_of() {
        let level = |address: &str| judge_metrics(address.parse().unwrap()).level;
        for (address, expected) in [
            ("127.0.0.1:9464", Level::Fine),
            ("10.0.0.5:9464", Level::Fine),
            ("0.0.0.0:9464", Level::Warning),
            ("[::]:9464", Level::Warning),
        ] {
            assert_eq!(level(address), expected, "{address}");
        }
    }

    #[test]
    fn mails_that_wait_too_long_are_found_where_mail_leaves_at_all() {
        let waits = |age| Outbox { waiting: 3, oldest: Some(NOW - age) };
        let table = [
            (Outbox { waiting: 0, oldest: None }, true, Level::Fine),
            (waits(Span::minutes(59)), true, Level::Fine),
            (waits(Span::minutes(61)), true, Level::Warning),
            (waits(Span::days(9)), false, Level::Fine),
        ];
        for (outbox, leaves, level) in table {
            assert_eq!(judge_outbox(outbox, leaves, NOW).level, level, "{outbox:?}");
        }
    }

    #[test]
    fn sto_17_only_a_damaged_file_calls_for_a_backup() {
        let judged =
            |faults| judge_integrity(faults).map(|found| (found.level, found.words.contains("restore")));
        assert_eq!(judged(Ok(None)), None);
        assert_eq!(judged(Ok(Some(Vec::new()))), Some((Level::Fine, false)));
        assert_eq!(judged(Ok(Some(vec!["page 7".to_owned()]))), Some((Level::Broken, true)));
        assert_eq!(judged(Err(Error::Damaged("malformed".to_owned()))), Some((Level::Broken, true)));
        assert_eq!(judged(Err(Error::Unavailable("it is closed".to_owned()))), Some((Level::Broken, false)));
    }

    #[test]
    fn a_disk_that_fills_is_found_before_it_is_full() {
        for (room, level) in [(0, Level::Broken), (100, Level::Warning), (5000, Level::Fine)] {
            assert_eq!(judge_disk(room * MIB, Path::new("data")).level, level, "{room}");
        }
    }

    #[test]
    fn networks_that_hold_strangers_are_found() {
        let table = [
            ("127.0.0.1/32", Level::Fine),
            ("10.0.0.0/8", Level::Fine),
            ("172.16.0.0/12", Level::Fine),
            ("fd00::/8", Level::Fine),
            ("203.0.0.0/16", Level::Fine),
            ("203.0.0.0/12", Level::Warning),
            ("0.0.0.0/0", Level::Warning),
            ("10.0.0.0/7", Level::Warning),
            ("::/0", Level::Warning),
            ("2001:db8::/32", Level::Warning),
        ];
        for (net, level) in table {
            assert_eq!(judge_proxies(&[net.parse().unwrap()], true).level, level, "{net}");
        }
    }

    #[test]
    fn a_proxy_that_nobody_named_is_found() {
        assert_eq!(judge_proxies(&[], true).level, Level::Warning);
        assert_eq!(judge_proxies(&[], false).level, Level::Fine, "TLS is done here, or not at all");
    }
}
