//! What the tests need beside Rust, and how it gets onto a machine.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use crate::shell::{self, command, root, run, step, which};

/// The oldest Node that `playwright-core` runs on, which is Debian 12's.
const NODE_MAJOR: u32 = 18;
const CHROMIUM: &str = "/usr/bin/chromium";
const KOREAN_FONTS: &str = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc";

/// Something that a test or a benchmark needs from the machine.
pub(crate) struct Part {
    pub(crate) what: &'static str,
    pub(crate) packages: &'static [&'static str],
    pub(crate) found: fn() -> bool,
}

pub(crate) const POSTGRES: Part =
    Part { what: "PostgreSQL", packages: &["postgresql"], found: || postgres_bin().is_some() };
pub(crate) const BROWSER: Part =
    Part { what: "Chromium", packages: &["chromium"], found: || chromium().is_some() };
pub(crate) const FONTS: Part =
    Part { what: "Korean fonts", packages: &["fonts-noto-cjk"], found: || Path::new(KOREAN_FONTS).is_file() };
pub(crate) const NODE: Part =
    Part { what: "Node 18 or newer with npm", packages: &["nodejs", "npm"], found: node_found };
pub(crate) const CURL: Part = Part { what: "curl", packages: &["curl"], found: || which("curl").is_some() };
pub(crate) const WRK: Part = Part { what: "wrk", packages: &["wrk"], found: || which("wrk").is_some() };
pub(crate) const CPP: Part =
    Part { what: "a C++ compiler", packages: &["g++"], found: || which("c++").is_some() };
pub(crate) const PIP: Part = Part { what: "pip", packages: &["python3-pip"], found: pip_found };

/// Makes sure that all of them are here: installs what is missing when root on Debian, else says what is missing.
pub(crate) fn ensure(parts: &[Part]) -> anyhow::Result<()> {
    let missing: Vec<&Part> = parts.iter().filter(|part| !(part.found)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.iter().map(|part| part.what).collect::<Vec<_>>().join(", ");
    let packages: Vec<&str> = missing.iter().flat_map(|part| part.packages).copied().collect();
    let install = format!("apt-get update && apt-get install {}", packages.join(" "));
    if !is_root() || which("apt-get").is_none() {
        bail!("missing: {names}. On Debian, as root: {install}");
    }
    step(&format!("install {names}"), || apt_install(&packages))?;
    match missing.iter().find(|part| !(part.found)()) {
        Some(part) => bail!("{} is still missing after: {install}", part.what),
        None => Ok(()),
    }
}

fn apt_install(packages: &[&str]) -> anyhow::Result<()> {
    run(&mut apt(&["update", "-qq"]))?;
    run(apt(&["install", "-qq", "-y", "--no-install-recommends"]).args(packages))
}

fn apt(args: &[&str]) -> Command {
    let mut apt = command("apt-get", &["-o", "Acquire::Retries=3"]);
    apt.args(args).env("DEBIAN_FRONTEND", "noninteractive");
    apt
}

/// Installs the npm packages of a folder, unless what is there comes from the same lock file.
pub(crate) fn ensure_npm_packages(of: &str) -> anyhow::Result<()> {
    let folder = root().join(of);
    let lock =
        fs::read(folder.join("package-lock.json")).with_context(|| format!("{of}/package-lock.json"))?;
    let stamp = folder.join("node_modules/.installed-from");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    step(&format!("install the npm packages of {of}"), || {
        run(command("npm", &["ci", "--ignore-scripts"]).current_dir(&folder))?;
        fs::write(&stamp, &lock).context("note what was installed")
    })
}

/// The folder of test vectors, which the project does not hold: `VECTORS_DIR`, else `../shared/vectors`.
pub(crate) fn vectors() -> Option<PathBuf> {
    let folder = env::var_os("VECTORS_DIR").map_or_else(|| root().join("../shared/vectors"), PathBuf::from);
    folder.join("json_web_signature_test.json").is_file().then_some(folder)
}

/// What to say when [`vectors`] finds none.
pub(crate) const NO_VECTORS: &str =
    "the test vectors are missing: set VECTORS_DIR to the folder that holds json_web_signature_test.json";

/// The browser: the one that `CHROMIUM_PATH` names, else Debian's.
pub(crate) fn chromium() -> Option<PathBuf> {
    let path = env::var_os("CHROMIUM_PATH").map_or_else(|| CHROMIUM.into(), PathBuf::from);
    path.is_file().then_some(path)
}

/// The folder of PostgreSQL's server programs: the newest of Debian's, which are not on PATH, else that of PATH.
pub(crate) fn postgres_bin() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions.map(|entry| entry.path()).filter(|path| path.join("bin/initdb").is_file());
    let debian = newest.max_by_key(number).map(|path| path.join("bin"));
    debian.or_else(|| Some(which("initdb")?.parent()?.to_owned()))
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn node_found() -> bool {
    which("npm").is_some()
        && which("node").is_some()
        && shell::output(&mut command("node", &["--version"]))
            .is_ok_and(|version| node_major(&version).is_some_and(|major| major >= NODE_MAJOR))
}

fn node_major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

fn pip_found() -> bool {
    let answer = command("python3", &["-m", "pip", "--version"]).output();
    answer.is_ok_and(|output| output.status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_of_node_is_read() {
        assert_eq!(node_major("v20.20.2\n"), Some(20));
        assert_eq!(node_major("18.1.0"), None);
        assert_eq!(node_major("vx"), None);
    }

    #[test]
    fn nothing_is_installed_when_nothing_is_missing() {
        ensure(&[Part { what: "air", packages: &["air"], found: || true }]).expect("nothing to do");
    }
}
