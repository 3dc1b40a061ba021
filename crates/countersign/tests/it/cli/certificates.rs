//! `tls.certificate` and `tls.key`: what is refused at the start, and what `doctor` says.

use countersign_testkit::tls::{issue, issue_with};
use rcgen::KeyPair;

use super::program::Place;

/// A folder with a pair, and the settings that name it.
fn place(certificate: &str, key: &str, mode: u32) -> anyhow::Result<Place> {
    let place = Place::new()?;
    let certificate = place.file("tls.crt", certificate, 0o644)?.display().to_string();
    let key = place.file("tls.key", key, mode)?.display().to_string();
    Ok(place.with("COUNTERSIGN_TLS_CERTIFICATE", certificate).with("COUNTERSIGN_TLS_KEY", key))
}

#[test]
fn i13_a_pair_that_cannot_be_shown_refuses_to_start_and_doctor_says_the_same() -> anyhow::Result<()> {
    let (good, other) = (issue(&["localhost"]), issue(&["localhost"]));
    let expired = issue_with(&["localhost"], &KeyPair::generate()?, |params| {
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    });
    for (certificate, key, mode, words) in [
        (&*good.certificate, &*good.key, 0o644, "is open to others: `chmod 600"),
        (&good.certificate, &other.key, 0o600, "is not the key of"),
        (&expired.certificate, &expired.key, 0o600, "expired at 2020-01-01"),
        ("nonsense", &good.key, 0o600, "holds no certificate in PEM"),
        (&good.certificate, "nonsense", 0o600, "holds no private key in PEM"),
    ] {
        let place = place(certificate, key, mode)?;
        let start = place.run(&["--listen", "127.0.0.1:0"])?;
        assert!(start.code == Some(1) && start.err.contains(words), "{words}: {start:?}");
        let doctor = place.run(&["doctor"])?;
        assert!(doctor.code == Some(1) && doctor.out.contains(words), "{words}: {doctor:?}");
    }
    Ok(())
}

#[test]
fn doctor_warns_before_a_certificate_expires_and_where_it_is_for_others() -> anyhow::Result<()> {
    let until = |year: i32| {
        issue_with(&["localhost"], &KeyPair::generate().unwrap(), |params| {
            params.not_after = rcgen::date_time_ymd(year, 1, 1);
        })
    };
    let soon = issue_with(&["localhost"], &KeyPair::generate()?, |params| {
        params.not_after = std::time::SystemTime::UNIX_EPOCH.into();
        params.not_after += std::time::Duration::from_secs(seconds_of_today() + 10 * 24 * 3600);
    });
    for (pair, mark, words) in [
        (until(4000), "ok", "is for localhost until 4000-01-01"),
        (soon, "warning", "renew it"),
        (issue(&["other.example"]), "BROKEN", "is for other.example, not for localhost"),
    ] {
        let doctor = place(&pair.certificate, &pair.key, 0o600)?.run(&["doctor"])?;
        let line = doctor.out.lines().find(|line| line.contains("certificate")).unwrap_or_default();
        assert!(line.starts_with(mark) && line.contains(words), "{line}");
    }
    Ok(())
}

/// Doctor goes by the machine's clock.
fn seconds_of_today() -> u64 {
    use countersign_server::clock::{Clock as _, SystemClock};
    u64::try_from(SystemClock.now().seconds()).unwrap_or(0)
}

#[tokio::test]
async fn a_server_with_tls_says_so_and_is_reached_by_https() -> anyhow::Result<()> {
    let pair = issue(&["localhost"]);
    let place = place(&pair.certificate, &pair.key, 0o600)?.with("COUNTERSIGN_LOG_LEVEL", "info");
    let server = place.start()?;
    assert!(server.url.starts_with("https://localhost:"), "{}", server.url);
    server.says("TLS with this certificate").await?;
    // SIGHUP, as many send it after a renewal, ends nothing.
    server.hang_up()?;
    server.says("asked to read the certificate again").await?;
    // One for another host is shown as well, and said to be so.
    let other = issue(&["other.example"]);
    place.file("tls.crt", &other.certificate, 0o644)?;
    place.file("tls.key", &other.key, 0o600)?;
    server.hang_up()?;
    server.says("the certificate is not for the host").await?;
    assert!(server.stop()?.success());
    Ok(())
}
