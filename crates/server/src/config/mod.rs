//! The configuration: from defaults, a TOML file, the environment and the command line (the later one counts) to a
//! value that the server can run on.
//!
//! `setting` lists what there is; `layers` lays the sources over each other; `raw` holds settings that are well-formed
//! each by itself; `checked` those that fit together and fit the mode (invariant I13; attack ADM-17). All that is
//! wrong is reported at once. Loading reads the file and nothing else; [`Config::prepare`] makes what a start needs.

mod checked;
mod docs;
mod effective;
mod env;
mod error;
mod findings;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
mod hashing;
mod layers;
mod listener;
mod mailbox;
mod nearest;
mod otlp_endpoint;
mod prepare;
mod raw;
mod registration;
mod setting;
mod smtp_url;
#[cfg(test)]
mod tests;
mod text;
mod throttle;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

pub use self::checked::{Config, Log, LogFormat, Smtp, SmtpTls};
pub use self::docs::docs;
pub use self::error::{ConfigError, ConfigErrors, Origin};
use self::layers::Layers;
pub use self::mailbox::Mailbox;
pub use self::otlp_endpoint::OtlpEndpoint;
pub use self::registration::{Outbound, Registration, RegistrationPolicy};
pub use self::setting::{Kind, Preset, SETTINGS, Setting};
pub use self::smtp_url::Credentials;
pub use crate::hash_pool::{Hashing, Params, ParamsError};

/// Reads a span as settings spell it: `90s`, `5m`, `2h`, `14d`. The error says what it must be.
pub fn span(text: &str) -> Result<countersign_core::Span, String> {
    text::Written::read(text)
}

/// What the server is started for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// `countersign`: on this machine only, nothing to configure, mails in an inbox that everybody can read.
    Dev,
    /// `countersign serve`.
    Production,
}

impl Mode {
    /// Whether it is dev mode.
    pub const fn is_dev(self) -> bool {
        matches!(self, Self::Dev)
    }
}

/// What the command line says.
#[derive(Debug, Clone, Default)]
pub struct LoadArgs {
    /// `--listen`
    pub listen: Option<SocketAddr>,
    /// `--data`
    pub data: Option<PathBuf>,
    /// `--config`
    pub file: Option<PathBuf>,
}

impl Config {
    /// Loads the configuration; `env` is the whole environment. Reads the file that `args` name, and nothing else.
    pub fn load(mode: Mode, args: LoadArgs, env: &BTreeMap<String, String>) -> Result<Self, ConfigErrors> {
        let mut layers = Layers::defaults();
        if let Some(path) = &args.file {
            layers.lay_file(path)?;
        }
        layers.lay_env(env);
        layers.lay_args(args);
        let (raw, findings) = layers.read()?;
        checked::check(mode, raw, findings)
    }
}
