//! The development server: no settings, and a word on what to do with it.

use std::net::SocketAddr;

use countersign::config::{Config, Mode};

use super::place::Place;
use super::{out, serve};

/// `countersign`
pub(super) fn run(place: &Place, listen: Option<SocketAddr>) -> anyhow::Result<()> {
    let config = place.load(Mode::Dev, listen)?;
    let data = place
        .data
        .as_ref()
        .map_or(String::new(), |data| format!(" --data {}", quoted(&data.display().to_string())));
    serve::run(config, |config| out::text(&banner(config, &program(), &data)))
}

/// As it was typed, so that the lines below work where the program is not on PATH.
fn program() -> String {
    let name = std::env::args_os().next();
    quoted(&name.map_or_else(|| "countersign".to_owned(), |name| name.to_string_lossy().into_owned()))
}

fn banner(config: &Config, program: &str, data: &str) -> String {
    let (url, version) = (&config.public_url, env!("CARGO_PKG_VERSION"));
    let folder = config.data.display();
    format!(
        "\
Countersign {version}, development mode: for this machine only, every mail is readable at the inbox.

  Open     {url}/
  Inbox    {url}/dev/inbox
  Data     {folder} ({store})

Try next, in another terminal:

  # An account without the mail, then a session as JSON: a token, and who it is.
  echo 'correct horse battery staple' | {program}{data} account create --email ann@example.com --password-stdin
  curl {url}/api/v1/login -H 'Content-Type: application/json' \\
    -d '{{\"identifier\":\"ann@example.com\",\"password\":\"correct horse battery staple\",\"deliver\":\"token\"}}'
  curl {url}/api/v1/session -H 'Authorization: Bearer ACCESS_TOKEN'

Ctrl-C stops. Production is `{program} serve`; `{program} --help` lists the commands.

",
        store = config.store,
    )
}

/// For a shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_where_a_shell_would_read_them() {
        let table = [
            ("target/release/countersign", "target/release/countersign"),
            ("my data", "'my data'"),
            ("it's", "'it'\\''s'"),
            ("", "''"),
        ];
        for (text, shell) in table {
            assert_eq!(quoted(text), shell);
        }
    }
}
