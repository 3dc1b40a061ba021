//! Which server is meant: by its data folder, its configuration file and the environment.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use countersign::config::{Config, ConfigErrors, LoadArgs, Mode, Origin};

const PUBLIC_URL: &str = "COUNTERSIGN_SERVER_PUBLIC_URL";

/// Options of every command.
#[derive(Args)]
pub(super) struct Place {
    /// The server's data folder [default: data]
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
    /// A TOML file with settings; docs/config.md lists them
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

impl Place {
    /// The configuration of a server that is about to start.
    pub(super) fn load(&self, mode: Mode, listen: Option<SocketAddr>) -> Result<Config, ConfigErrors> {
        let args = LoadArgs { listen, data: self.data.clone(), file: self.config.clone() };
        Config::load(mode, args, &environment())
    }

    /// The configuration of the server that a command is about. A file or a public URL speaks for production, unless
    /// nothing in them is what production cannot do without.
    pub(super) fn config(&self) -> Result<Config, ConfigErrors> {
        if self.mode() == Mode::Dev {
            return self.load(Mode::Dev, None);
        }
        let production = self.load(Mode::Production, None);
        production.or_else(|errors| {
            if says_nothing_of_production(&errors) { self.load(Mode::Dev, None) } else { Err(errors) }
        })
    }

    /// The mode that is meant where no command says it.
    pub(super) fn mode(&self) -> Mode {
        let production = self.config.is_some() || std::env::var_os(PUBLIC_URL).is_some();
        if production { Mode::Production } else { Mode::Dev }
    }

    /// The data folder, even where the configuration does not allow a start.
    pub(super) fn data_folder(&self, config: &Result<Config, ConfigErrors>) -> PathBuf {
        let configured = config.as_ref().ok().map(|config| config.data.clone());
        configured.or_else(|| self.data.clone()).unwrap_or_else(|| PathBuf::from("data"))
    }
}

fn says_nothing_of_production(errors: &ConfigErrors) -> bool {
    ["server.public_url", "server.master_key_file"]
        .iter()
        .all(|key| errors.0.iter().any(|error| error.key == *key && error.origin == Origin::Preset))
}

/// What is not UTF-8 is shown as well as can be; a setting with such a value is refused where it matters.
fn environment() -> BTreeMap<String, String> {
    let lossy = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    std::env::vars_os().map(|(name, value)| (lossy(name), lossy(value))).collect()
}
