//! The settings that packages and images bring.

use anyhow::ensure;

use super::program::Place;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../packaging");

/// A settings file with every example in it switched on, for a folder of its own.
fn switched_on(place: &Place, file: &str) -> anyhow::Result<String> {
    place.file("master.key", *b"an orderly key 0123456789 abcdef", 0o600)?;
    let text = std::fs::read_to_string(format!("{ROOT}/{file}"))?;
    let example = |line: &str| {
        line.strip_prefix('#')
            .filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
            .map(str::to_owned)
    };
    let lines: Vec<String> =
        text.lines().map(|line| example(line).unwrap_or_else(|| line.to_owned())).collect();
    let folder = place.path("").display().to_string();
    let here = |path: &str| format!("{folder}/{path}");
    Ok(lines
        .join("\n")
        .replace("/etc/countersign/master.key", &here("master.key"))
        .replace("/run/secrets/master_key", &here("master.key"))
        .replace("/var/lib/countersign", &here("data")))
}

#[test]
fn every_setting_of_the_packages_is_one_and_allows_a_start() -> anyhow::Result<()> {
    let url = "https://login.example.com";
    for (file, sets) in
        [("countersign.toml", "mail.from = Acme"), ("container/countersign.toml", "0.0.0.0:8080")]
    {
        let place = Place::new()?;
        let text = switched_on(&place, file)?;
        place.file("settings.toml", text, 0o600)?;
        let place = place.with("COUNTERSIGN_SERVER_PUBLIC_URL", url);
        let ran = place.run(&["--config", "settings.toml", "config", "check"])?;
        ensure!(ran.code == Some(0) && ran.out.contains(url) && ran.out.contains(sets), "{file}: {ran:?}");
    }
    Ok(())
}

#[test]
fn the_nightly_backup_leaves_a_postgresql_alone_and_goes_before_the_package_does() -> anyhow::Result<()> {
    let unit = std::fs::read_to_string(format!("{ROOT}/systemd/countersign-backup.service"))?;
    // What the unit looks for is what the program says.
    ensure!(unit.contains("config check") && unit.contains("\"^store.url = postgres\""), "{unit}");
    for (url, found) in
        [("postgres://db.example.com/countersign", true), ("sqlite:data/countersign.db", false)]
    {
        let place = Place::new()?.with("COUNTERSIGN_STORE_URL", url);
        let ran = place.run(&["config", "check"])?;
        ensure!(ran.code == Some(0), "{ran:?}");
        ensure!(ran.out.lines().any(|line| line.starts_with("store.url = postgres")) == found, "{ran:?}");
    }
    ensure!(unit.contains("\nReadWritePaths=-/var/lib/countersign -/var/backups/countersign\n"), "{unit}");
    let prerm = std::fs::read_to_string(format!("{ROOT}/debian/prerm"))?;
    ensure!(prerm.contains("countersign-backup.service"), "{prerm}");
    Ok(())
}
