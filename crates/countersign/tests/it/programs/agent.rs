//! oidc-agent of Debian: a device grant, as for a machine without a browser.

use std::fs;
use std::process::Command;

use anyhow::{Context, ensure};
use countersign_testkit::programs::Program;
use serde_json::json;
use tempfile::TempDir;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn oidc_agent_logs_in_by_device_and_gets_fresh_tokens_and_gives_them_back() -> anyhow::Result<()> {
    let Some((server, mut kim, _)) = world(sqlite()).await? else { return Ok(()) };
    let metadata = json!({
        "client_name": "A terminal",
        "redirect_uris": [],
        "response_types": [],
        "grant_types": ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
    });
    client(&server, metadata, Some(SECRET)).await?;
    let agent = tokio::task::block_in_place(Agent::start)?;
    // It tells its user on standard error what to do.
    let mut generate = agent.command("sh");
    generate.args(["-c", "exec oidc-gen \"$@\" 2>&1", "oidc-gen", "--manual", "--flow=device"]);
    generate.args(["--issuer", &server.url, "--client-id", CLIENT, "--client-secret", SECRET]);
    generate.args(["--scope", "openid offline_access", "--redirect-uri", "", "--no-url-call"]);
    generate.args(["--prompt=none", "--confirm-yes", "--pw-env", "kim"]);
    let mut program = Program::start(&mut generate)?;
    let page = program.line_with("/device").await?;
    let line = program.line_with("enter the code: ").await?;
    let code = line.split_once("code: ").context("no code")?.1;
    let done = kim.open(&format!("{page}?user_code={code}")).await?;
    ensure!(done.url.query() == Some("done=allow"), "{} {}", done.url, done.body);
    program.ends_well().await?;
    let [token, fresh] = [agent.token()?, agent.token()?];
    ensure!(
        token.split('.').count() == 3 && fresh.split('.').count() == 3 && token != fresh,
        "{token} {fresh}"
    );
    agent.run("oidc-gen", &["--delete", "--prompt=none", "--confirm-yes", "--pw-env", "kim"])?;
    ensure!(server.audited("grant.ended").await? == 1, "no grant ended");
    Ok(())
}

/// An agent of the test's own, ended with it.
struct Agent {
    home: TempDir,
    socket: String,
    pid: String,
}

impl Agent {
    fn start() -> anyhow::Result<Self> {
        let home = TempDir::new()?;
        fs::create_dir_all(home.path().join(".config/oidc-agent"))?;
        let mut agent = Self { home, socket: String::new(), pid: String::new() };
        let text = agent.run("oidc-agent", &[])?;
        let value = |name: &str| {
            let value = text.split(&[';', '\n']).find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
            value.map(str::to_owned).with_context(|| format!("no {name} in {text}"))
        };
        (agent.socket, agent.pid) = (value("OIDC_SOCK")?, value("OIDCD_PID")?);
        Ok(agent)
    }

    /// An access token that was never given out before.
    fn token(&self) -> anyhow::Result<String> {
        Ok(self.run("oidc-token", &["--force-new", "kim"])?.trim().to_owned())
    }

    fn run(&self, program: &str, args: &[&str]) -> anyhow::Result<String> {
        let output = self.command(program).args(args).output().with_context(|| format!("start {program}"))?;
        let (text, complaint) = (String::from_utf8(output.stdout)?, String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "{program}: {text}{complaint}");
        Ok(text)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("HOME", self.home.path()).env("TMPDIR", self.home.path());
        command.env("OIDC_ENCRYPTION_PW", "what-seals-the-accounts-of-this-agent");
        command.env("OIDC_SOCK", &self.socket).env("OIDCD_PID", &self.pid);
        command
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.run("oidc-agent", &["--kill"]).ok();
    }
}
