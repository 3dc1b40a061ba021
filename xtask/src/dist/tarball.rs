//! The tarball for everything that is not Debian: the program, the unit for `/usr/local`, the guide.

use std::fs;
use std::path::Path;

use anyhow::Context;

use super::{Release, copy, empty, settle, write};
use crate::shell::{command, root, run};

/// File of the repository, and its name in the tarball.
const FILES: &[(&str, &str)] = &[
    ("packaging/countersign.toml", "countersign.toml"),
    ("packaging/systemd/countersign-backup.timer", "systemd/countersign-backup.timer"),
    ("packaging/systemd/countersign.sysusers", "systemd/sysusers.conf"),
    ("packaging/systemd/countersign.tmpfiles", "systemd/tmpfiles.conf"),
    ("packaging/systemd/low-ports.conf", "systemd/low-ports.conf"),
    ("packaging/countersign.1", "countersign.1"),
    ("README.md", "README.md"),
    ("CHANGELOG.md", "CHANGELOG.md"),
    ("LICENSE", "LICENSE"),
    ("LICENSE-APACHE", "LICENSE-APACHE"),
    ("LICENSE-MIT", "LICENSE-MIT"),
    ("docs/operate.md", "docs/operate.md"),
    ("docs/config.md", "docs/config.md"),
    ("docs/metrics.md", "docs/metrics.md"),
];
const UNITS: &[&str] = &["countersign.service", "countersign-backup.service"];

/// Packs, and returns the tarball's file name.
pub(super) fn pack(release: &Release, out: &Path) -> anyhow::Result<String> {
    let name = format!("countersign-{}-{}-linux", release.version, std::env::consts::ARCH);
    let parent = out.join("tar");
    let tree = parent.join(&name);
    empty(&parent)?;
    for (from, to) in FILES {
        copy(from, &tree.join(to))?;
    }
    write(&tree.join("countersign"), fs::read(&release.program).context("the program")?)?;
    write(&tree.join("third-party.txt"), &release.notices)?;
    for name in UNITS {
        let unit = fs::read_to_string(root().join("packaging/systemd").join(name))?;
        let unit = unit.replace("/usr/bin/countersign", "/usr/local/bin/countersign");
        write(&tree.join("systemd").join(name), unit)?;
    }
    settle(&tree, &["countersign"])?;
    let file = format!("{name}.tar.gz");
    let dated = format!("--mtime=@{}", release.epoch);
    let mut tar =
        command("tar", &["--create", "--sort=name", "--owner=0", "--group=0", "--numeric-owner", &dated]);
    tar.args(["--format=ustar", "--use-compress-program=gzip -9n", "--file"]).arg(out.join(&file));
    run(tar.arg(&name).current_dir(&parent))?;
    fs::remove_dir_all(&parent)?;
    Ok(file)
}
