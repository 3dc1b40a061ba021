//! Running commands, and telling what runs and how long it took.

use std::env;
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};
use std::time::Instant;

use anyhow::Context;

/// A command that ended with another code than 0; ours becomes the same.
#[derive(Debug)]
struct Failed {
    command: String,
    status: ExitStatus,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` failed: {}", self.command, self.status)
    }
}

impl std::error::Error for Failed {}

/// The workspace's folder.
pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Where cargo builds.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Prints one line.
#[expect(clippy::print_stdout, reason = "progress on standard output is what this program is for")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

/// Does one named piece of work and prints its name before, its time and verdict after.
#[expect(clippy::disallowed_methods, reason = "a stopwatch for a person; nothing is decided by it")]
pub(crate) fn step<T>(name: &str, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    say(&format!("==> {name}"));
    let start = Instant::now();
    let result = work();
    let verdict = if result.is_ok() { "ok" } else { "FAILED" };
    say(&format!("<== {name}: {verdict} in {:.1} s", start.elapsed().as_secs_f64()));
    result.with_context(|| name.to_owned())
}

/// A cargo command in the workspace, free of what the cargo that started us set for this one package: build
/// scripts watch those variables and would run again.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut command = command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), args);
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Builds the server and a program that works on it, as they are released: the folder where both lie.
pub(crate) fn release(beside: &str) -> anyhow::Result<PathBuf> {
    let args = ["build", "--release", "--package", "countersign", "--package", beside];
    step("build", || run(&mut cargo(&args)))?;
    Ok(target().join("release"))
}

/// Any command, in the workspace's folder.
pub(crate) fn command(program: impl AsRef<OsStr>, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(root());
    command
}

/// Runs it with our own input and output.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("start {}", line(command)))?;
    succeed(command, status)
}

/// Runs it and returns what it wrote to standard output.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command
        .stderr(std::process::Stdio::inherit())
        .output()
        .with_context(|| format!("start {}", line(command)))?;
    succeed(command, output.status)?;
    String::from_utf8(output.stdout).with_context(|| format!("the output of {}", line(command)))
}

fn succeed(command: &Command, status: ExitStatus) -> anyhow::Result<()> {
    if status.success() { Ok(()) } else { Err(Failed { command: line(command), status }.into()) }
}

fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

/// Where a program is: an absolute path, or nothing when it is not installed.
pub(crate) fn which(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// The exit code for this failure: that of the command that failed, else 1.
pub(crate) fn exit_code(error: &anyhow::Error) -> ExitCode {
    let code = error.downcast_ref::<Failed>().and_then(|failed| failed.status.code());
    code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_of_a_failed_command_is_passed_on() {
        let failure =
            step("fails", || run(&mut command("sh", &["-c", "exit 7"]))).expect_err("it exits with 7");
        assert_eq!(format!("{:?}", exit_code(&failure)), format!("{:?}", ExitCode::from(7)));
        assert_eq!(format!("{failure:#}"), "fails: `sh -c exit 7` failed: exit status: 7");
    }

    #[test]
    fn the_output_of_a_command_is_returned() {
        assert_eq!(output(&mut command("echo", &["one", "two"])).expect("echo works"), "one two\n");
    }

    #[test]
    fn a_program_that_is_not_installed_is_nowhere() {
        assert!(which("sh").is_some_and(|path| path.is_absolute()));
        assert_eq!(which("no-such-program"), None);
    }
}
