//! Programs of others that log in with the server in the tests, as they are published.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context as _, anyhow};

use crate::parts::{self, Part};
use crate::shell::{cargo, command, root, run, step, which};

const GO: Part = Part { what: "Go", packages: &["golang-go"], found: || which("go").is_some() };
const VENV: Part = Part {
    what: "Python's venv",
    packages: &["python3-venv"],
    found: || crate::shell::output(&mut command("python3", &["-c", "import ensurepip"])).is_ok(),
};
const APACHE: Part = Part {
    what: "Apache with mod_auth_openidc",
    packages: &["apache2", "libapache2-mod-auth-openidc"],
    found: || Path::new("/usr/lib/apache2/modules/mod_auth_openidc.so").is_file(),
};
const AGENT: Part =
    Part { what: "oidc-agent", packages: &["oidc-agent-cli"], found: || which("oidc-agent").is_some() };

/// Prepares all of them, and gives the folder where they lie.
pub(crate) fn prepare() -> anyhow::Result<PathBuf> {
    parts::ensure(&[GO, VENV, APACHE, AGENT])?;
    let folder = root().join("target/programs");
    fs::create_dir_all(&folder).context("the folder of the programs")?;
    // What comes ready waits for the network, what is built for the processor.
    thread::scope(|scope| {
        let fetched = scope.spawn(|| packages(&folder));
        go(&folder)?;
        rust(&folder)?;
        fetched.join().map_err(|_| anyhow!("a thread panicked"))?
    })?;
    Ok(folder)
}

fn packages(folder: &Path) -> anyhow::Result<()> {
    for packages in ["crates/testkit/clients/node", "examples/login-javascript"] {
        parts::ensure_npm_packages(packages)?;
    }
    python(folder)
}

/// The Python application's packages, unless they are there from the same list.
fn python(folder: &Path) -> anyhow::Result<()> {
    let list = root().join("examples/login-python/requirements.txt");
    let wanted = fs::read(&list).context("the Python application's requirements")?;
    let stamp = folder.join("venv/.installed-from");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    step("install the Python application's packages", || {
        let venv = folder.join("venv");
        run(command("python3", &["-m", "venv", "--clear"]).arg(&venv))?;
        run(command(venv.join("bin/pip"), &["install", "--quiet", "--requirement"]).arg(&list))?;
        fs::write(&stamp, &wanted).context("note what was installed")
    })
}

fn go(folder: &Path) -> anyhow::Result<()> {
    step("build the Go client", || {
        let mut build = command("go", &["build", "-mod=readonly", "-o"]);
        build.arg(folder.join("go-client")).arg(".");
        run(build.current_dir(root().join("crates/testkit/clients/go")))
    })
}

fn rust(folder: &Path) -> anyhow::Result<()> {
    step("build the Rust application", || {
        let mut build = cargo(&["build", "--quiet", "--locked", "--manifest-path"]);
        build.arg(root().join("examples/login-rust/Cargo.toml"));
        run(build.arg("--target-dir").arg(folder.join("rust")))
    })
}
