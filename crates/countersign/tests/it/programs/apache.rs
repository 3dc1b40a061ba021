//! `mod_auth_openidc` under Apache, with the configuration of the README's recipe.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use countersign_testkit::programs::{free_port, root};
use serde_json::json;
use tempfile::TempDir;

use super::*;

/// An Apache of the test's own, ended with it.
struct Apache {
    folder: TempDir,
    env: Vec<(String, String)>,
}

const MODULES: [&str; 7] =
    ["mpm_event", "authn_core", "authz_core", "authz_user", "auth_openidc", "dir", "include"];
/// Says who asks, and with which access token.
const PAGE: &str = "Hello <!--#echo var=\"REMOTE_USER\" -->, <!--#echo var=\"OIDC_access_token\" -->";

impl Apache {
    /// Listens at `port`, with this environment.
    fn start(port: u16, env: &[(&str, &str)]) -> anyhow::Result<Self> {
        let folder = TempDir::new()?;
        for made in ["www", "cache"] {
            fs::create_dir(folder.path().join(made))?;
        }
        fs::write(folder.path().join("www/index.html"), PAGE)?;
        fs::write(folder.path().join("www/goodbye.txt"), "Goodbye")?;
        fs::write(folder.path().join("apache.conf"), configuration(folder.path(), port)?)?;
        open_to_all(folder.path())?;
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let apache = Self { folder, env };
        // It answers once this has returned.
        let output = apache.command("start").output().context("start Apache")?;
        ensure!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stderr), apache.log());
        Ok(apache)
    }

    fn command(&self, order: &str) -> Command {
        let mut apache = Command::new("/usr/sbin/apache2");
        apache.arg("-f").arg(self.folder.path().join("apache.conf")).args(["-k", order]);
        apache.envs(self.env.iter().map(|(name, value)| (name, value)));
        apache
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("error.log")).unwrap_or_default()
    }
}

impl Drop for Apache {
    fn drop(&mut self) {
        self.command("stop").output().ok();
    }
}

fn configuration(at: &Path, port: u16) -> anyhow::Result<String> {
    let mut config = String::new();
    for module in MODULES {
        writeln!(config, "LoadModule {module}_module /usr/lib/apache2/modules/mod_{module}.so")?;
    }
    let recipe = root().join("examples/login-apache/countersign.conf").canonicalize()?;
    let (at, recipe) = (at.display(), recipe.display());
    // An access token that ends within ten minutes, as all do, is refreshed at each request.
    write!(
        config,
        "ServerRoot {at}\nPidFile {at}/pid\nErrorLog {at}/error.log\nLogLevel warn\nListen 127.0.0.1:{port}\n\
         ServerName localhost\nDefaultRuntimeDir {at}\nDocumentRoot {at}/www\nDirectoryIndex index.html\n\
         OIDCCacheType file\nOIDCCacheDir {at}/cache\nInclude {recipe}\n\
         OIDCRefreshAccessTokenBeforeExpiry 600\n<Location />\nOptions +Includes\nSetOutputFilter INCLUDES\n</Location>\n"
    )?;
    Ok(config)
}

/// Started by root, Apache works as another user.
fn open_to_all(folder: &Path) -> anyhow::Result<()> {
    let output = Command::new("chmod").args(["-R", "a+rwX"]).arg(folder).output()?;
    ensure!(output.status.success(), "chmod");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn mod_auth_openidc_lets_in_who_logged_in_refreshes_and_logs_out() -> anyhow::Result<()> {
    let Some((server, mut kim, _)) = world(sqlite()).await? else { return Ok(()) };
    let port = free_port()?;
    let home = format!("http://localhost:{port}");
    let callback = format!("{home}/oidc/callback");
    let metadata = json!({
        "client_name": "Notes",
        "redirect_uris": [callback],
        "post_logout_redirect_uris": [format!("{home}/goodbye.txt")],
        "grant_types": ["authorization_code", "refresh_token"],
    });
    client(&server, metadata, Some(SECRET)).await?;
    let env = [
        ("ISSUER", &*server.url),
        ("CLIENT_ID", CLIENT),
        ("CLIENT_SECRET", SECRET),
        ("HOME_URL", &home),
        ("APP_SECRET", "what-seals-the-cookies-of-this-apache"),
    ];
    let apache = tokio::task::block_in_place(|| Apache::start(port, &env))?;
    let hello = kim.open(&format!("{home}/")).await.with_context(|| apache.log())?;
    let token = hello.body.strip_prefix(&format!("Hello {KIM}, "));
    ensure!(token.is_some_and(is_jwt), "{} {} {}", hello.url, hello.body, apache.log());
    let again = kim.open(&format!("{home}/")).await?.body;
    let fresh = again.strip_prefix(&format!("Hello {KIM}, "));
    ensure!(fresh.is_some_and(is_jwt) && fresh != token, "{again} {}", apache.log());
    let goodbye = format!("{callback}?logout={home}/goodbye.txt");
    let gone = kim.open(&goodbye).await.with_context(|| apache.log())?;
    ensure!(gone.body == "Goodbye", "{} {} {}", gone.url, gone.body, apache.log());
    is_signed_out(&server).await
}

fn is_jwt(token: &str) -> bool {
    token.split('.').count() == 3
}
