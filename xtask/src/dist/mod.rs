//! `cargo xtask dist`: what operators install. A Debian package, a tarball and their checksums, in `target/packages`;
//! the same commit, toolchain and system libraries give the same bytes.

mod deb;
mod notices;
mod tarball;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::shell::{cargo, command, output, root, run as run_command, say, step, target, which};

/// What is packed.
#[derive(clap::Args)]
pub(crate) struct Dist {
    /// The package's revision: counts packages of one version
    #[arg(long, default_value_t = 1)]
    revision: u32,
    /// Pack this program instead of building one
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

/// A program and all that its packages say of it.
struct Release {
    program: PathBuf,
    version: String,
    revision: u32,
    homepage: String,
    /// Seconds since 1970 that all files are dated.
    epoch: String,
    notices: String,
}

/// Builds and packs.
pub(crate) fn run(dist: Dist) -> anyhow::Result<()> {
    let missing =
        ["dpkg-deb", "tar", "gzip", "md5sum", "sha256sum"].into_iter().find(|name| which(name).is_none());
    if let Some(missing) = missing {
        bail!("{missing} is missing: packages are made on Debian");
    }
    let epoch = epoch()?;
    let program = match dist.program {
        Some(program) => program,
        None => step("build", || build(&epoch))?,
    };
    let (version, homepage) = described()?;
    let notices = step("collect the licences of what is linked", notices::collect)?;
    let release = Release { program, version, revision: dist.revision, homepage, epoch, notices };
    let out = target().join("packages");
    fs::create_dir_all(&out)?;
    let packages = [
        step("pack for Debian", || deb::pack(&release, &out))?,
        step("pack a tarball", || tarball::pack(&release, &out))?,
    ];
    let sums = output(command("sha256sum", &[]).args(&packages).current_dir(&out))?;
    fs::write(out.join("SHA256SUMS"), &sums)?;
    say(&format!("in {}:\n{}", out.display(), sums.trim_end()));
    Ok(())
}

/// When the commit was made, unless `SOURCE_DATE_EPOCH` says otherwise.
fn epoch() -> anyhow::Result<String> {
    if let Ok(epoch) = std::env::var("SOURCE_DATE_EPOCH") {
        return Ok(epoch);
    }
    Ok(output(&mut command("git", &["log", "-1", "--format=%ct"]))?.trim().to_owned())
}

/// Builds the program so that no path of this machine is in it.
fn build(epoch: &str) -> anyhow::Result<PathBuf> {
    let root = root().canonicalize()?;
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")))
        .context("HOME is not set")?;
    let places = [(root.as_path(), "/countersign"), (home.as_path(), "/cargo")];
    let flags = |flag: &str| {
        let each = places.iter().map(|(from, to)| format!("{flag}={}={to}", from.display()));
        each.collect::<Vec<_>>().join(" ")
    };
    let mut build = cargo(&["build", "--locked", "--profile", "dist", "--package", "countersign"]);
    build.env("RUSTFLAGS", flags("--remap-path-prefix")).env("CFLAGS", flags("-ffile-prefix-map"));
    run_command(build.env("SOURCE_DATE_EPOCH", epoch))?;
    Ok(target().join("dist/countersign"))
}

/// Version and homepage, as Cargo.toml has them.
fn described() -> anyhow::Result<(String, String)> {
    let text = output(&mut cargo(&["metadata", "--format-version", "1", "--no-deps", "--offline"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&text)?;
    let packages = metadata["packages"].as_array().context("no packages")?;
    let ours = packages.iter().find(|package| package["name"] == "countersign").context("no countersign")?;
    let text = |key: &str| Ok(ours[key].as_str().with_context(|| format!("no {key}"))?.to_owned());
    text("version").and_then(|version| Ok((version, text("repository")?)))
}

/// Copies a file of the repository to a place that is made.
fn copy(from: &str, to: &Path) -> anyhow::Result<()> {
    let text = fs::read(root().join(from)).with_context(|| format!("read {from}"))?;
    write(to, text)
}

/// Writes a file at a place that is made.
fn write(to: &Path, bytes: impl AsRef<[u8]>) -> anyhow::Result<()> {
    fs::create_dir_all(to.with_file_name(""))?;
    fs::write(to, bytes).with_context(|| format!("write {}", to.display()))
}

/// A folder that is there and empty.
fn empty(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    Ok(fs::create_dir_all(folder)?)
}

/// Modes that do not depend on who packs: read by everybody, run where it says.
fn settle(folder: &Path, programs: &[&str]) -> anyhow::Result<()> {
    run_command(command("chmod", &["-R", "u=rwX,go=rX", "."]).current_dir(folder))?;
    run_command(command("chmod", &["755"]).args(programs).current_dir(folder))
}
