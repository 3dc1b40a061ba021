//! The Debian package, by `dpkg-deb` alone.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::Context;

use super::{Release, copy, empty, settle, write};
use crate::shell::{command, output, root, run};

const DOC: &str = "usr/share/doc/countersign";
const CONFFILE: &str = "etc/countersign/countersign.toml";

/// File of the repository, and where it is installed.
const FILES: &[(&str, &str)] = &[
    ("packaging/countersign.toml", CONFFILE),
    ("packaging/systemd/countersign.service", "usr/lib/systemd/system/countersign.service"),
    ("packaging/systemd/countersign-backup.service", "usr/lib/systemd/system/countersign-backup.service"),
    ("packaging/systemd/countersign-backup.timer", "usr/lib/systemd/system/countersign-backup.timer"),
    ("packaging/systemd/countersign.sysusers", "usr/lib/sysusers.d/countersign.conf"),
    ("packaging/systemd/countersign.tmpfiles", "usr/lib/tmpfiles.d/countersign.conf"),
    ("packaging/systemd/low-ports.conf", "usr/share/doc/countersign/low-ports.conf"),
    ("packaging/countersign.1", "usr/share/man/man1/countersign.1"),
    ("README.md", "usr/share/doc/countersign/README.md"),
    ("docs/operate.md", "usr/share/doc/countersign/operate.md"),
    ("docs/config.md", "usr/share/doc/countersign/config.md"),
    ("docs/metrics.md", "usr/share/doc/countersign/metrics.md"),
    ("CHANGELOG.md", "usr/share/doc/countersign/changelog"),
    ("packaging/debian/lintian-overrides", "usr/share/lintian/overrides/countersign"),
    ("packaging/debian/postinst", "DEBIAN/postinst"),
    ("packaging/debian/prerm", "DEBIAN/prerm"),
    ("packaging/debian/postrm", "DEBIAN/postrm"),
];
const PROGRAMS: &[&str] = &["usr/bin/countersign", "DEBIAN/postinst", "DEBIAN/prerm", "DEBIAN/postrm"];
const COMPRESSED: &[&str] =
    &["changelog", "changelog.Debian", "third-party.txt", "../../man/man1/countersign.1"];

/// Packs, and returns the package's file name.
pub(super) fn pack(release: &Release, out: &Path) -> anyhow::Result<String> {
    let tree = out.join("deb");
    empty(&tree)?;
    for (from, to) in FILES {
        copy(from, &tree.join(to))?;
    }
    write(&tree.join("usr/bin/countersign"), fs::read(&release.program).context("the program")?)?;
    documents(release, &tree)?;
    settle(&tree, PROGRAMS)?;
    for name in COMPRESSED {
        run(command("gzip", &["-9n", name]).current_dir(tree.join(DOC)))?;
    }
    let architecture = output(&mut command("dpkg", &["--print-architecture"]))?.trim().to_owned();
    control(release, &architecture, &tree)?;
    run(command("chmod", &["640", CONFFILE]).current_dir(&tree))?;
    let name = format!("countersign_{}-{}_{architecture}.deb", release.version, release.revision);
    let mut dpkg = command("dpkg-deb", &["--root-owner-group", "--threads-max=1", "-Zxz", "--build"]);
    output(dpkg.arg(&tree).arg(out.join(&name)).env("SOURCE_DATE_EPOCH", &release.epoch))?;
    fs::remove_dir_all(&tree)?;
    Ok(name)
}

fn documents(release: &Release, tree: &Path) -> anyhow::Result<()> {
    let doc = tree.join(DOC);
    let copyright = fs::read_to_string(root().join("packaging/debian/copyright"))?;
    let mit = fs::read_to_string(root().join("LICENSE-MIT"))?;
    let copyright = copyright.replace("@HOMEPAGE@", &release.homepage) + &indented(&mit);
    write(&doc.join("copyright"), copyright)?;
    write(&doc.join("third-party.txt"), &release.notices)?;
    let date =
        output(&mut command("date", &["--utc", "--rfc-email", &format!("--date=@{}", release.epoch)]))?;
    write(&doc.join("changelog.Debian"), changelog(release, date.trim()))
}

fn changelog(release: &Release, date: &str) -> String {
    let Release { version, revision, .. } = release;
    format!(
        "countersign ({version}-{revision}) stable; urgency=medium\n\n  * What changed is in changelog.gz.\n\n \
         -- {MAINTAINER}  {date}\n"
    )
}

const MAINTAINER: &str = "Countersign maintainers <maintainers@countersign.invalid>";

/// As a licence stands in a copyright file: each line one space in, empty ones as a point.
fn indented(text: &str) -> String {
    text.lines().map(|line| if line.is_empty() { " .\n".to_owned() } else { format!(" {line}\n") }).collect()
}

/// Everything that dpkg reads beside the files themselves.
fn control(release: &Release, architecture: &str, tree: &Path) -> anyhow::Result<()> {
    let libc = output(&mut command("getconf", &["GNU_LIBC_VERSION"]))?;
    let libc = libc.trim().strip_prefix("glibc ").context("not a GNU system")?;
    let text = fs::read_to_string(root().join("packaging/debian/control"))?;
    let text = text
        .replace("@VERSION@", &format!("{}-{}", release.version, release.revision))
        .replace("@ARCHITECTURE@", architecture)
        .replace("@SIZE@", &kibibytes(&tree.join("usr"))?.to_string())
        .replace("@LIBC@", libc)
        .replace("@HOMEPAGE@", &release.homepage)
        .replace("@MAINTAINER@", MAINTAINER);
    write(&tree.join("DEBIAN/control"), text)?;
    write(&tree.join("DEBIAN/conffiles"), format!("/{CONFFILE}\n"))?;
    let sums = "find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum";
    let sums = output(command("sh", &["-c", sums]).current_dir(tree))?;
    write(&tree.join("DEBIAN/md5sums"), sums)?;
    run(command("chmod", &["644", "control", "conffiles", "md5sums"]).current_dir(tree.join("DEBIAN")))
}

fn kibibytes(path: &Path) -> anyhow::Result<u64> {
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_dir() {
        return Ok(metadata.size().div_ceil(1024));
    }
    fs::read_dir(path)?.map(|entry| kibibytes(&entry?.path())).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::{say, target, which};
    use std::env;

    /// A package of some program.
    fn packed(out: &Path) -> anyhow::Result<Vec<u8>> {
        let release = Release {
            program: which("sh").context("a shell")?,
            version: "0.0.1".to_owned(),
            revision: 2,
            homepage: "https://example.org".to_owned(),
            epoch: "1700000000".to_owned(),
            notices: "none".to_owned(),
        };
        empty(out)?;
        Ok(fs::read(out.join(pack(&release, out)?))?)
    }

    #[test]
    fn a_package_packed_twice_is_the_same_and_belongs_to_root() -> anyhow::Result<()> {
        if which("dpkg-deb").is_none() {
            assert!(env::var_os("TEST_REQUIRE_ALL").is_none(), "dpkg-deb is missing");
            say("the Debian package is not packed: dpkg-deb is missing");
            return Ok(());
        }
        let out = target().join("packages-of-a-test");
        let same = packed(&out)? == packed(&out)?;
        assert!(same, "two packages of the same differ");
        let file = fs::read_dir(&out)?.next().context("a package")??.path();
        let listed = output(command("dpkg-deb", &["--contents"]).arg(file))?;
        let lines: Vec<Vec<&str>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
        assert!(
            lines.iter().all(|line| line[1] == "root/root" && line[3].starts_with("2023-11-14")),
            "{listed}"
        );
        for (path, mode) in
            [("./usr/bin/countersign", "-rwxr-xr-x"), ("./etc/countersign/countersign.toml", "-rw-r-----")]
        {
            assert!(lines.iter().any(|line| line[0] == mode && line[5] == path), "{path} {mode}: {listed}");
        }
        fs::remove_dir_all(&out)?;
        Ok(())
    }
}
