//! `countersign config …`

use std::collections::BTreeMap;

use clap::Subcommand;
use countersign::config::{self, Mode};

use super::out;
use super::place::Place;

/// Settings.
#[derive(Subcommand)]
pub(super) enum ConfigCommand {
    /// Say everything that is wrong, else print the settings as they hold, without secrets
    Check {
        /// As `countersign` would start
        #[arg(long, conflicts_with = "production")]
        dev: bool,
        /// As `countersign serve` would start [default, where a file or a public URL is given]
        #[arg(long)]
        production: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the documentation of all settings, in Markdown
    Docs,
}

/// `countersign config …`
pub(super) fn run(place: &Place, command: &ConfigCommand) -> anyhow::Result<()> {
    match *command {
        ConfigCommand::Check { dev, production, json } => {
            let mode = match (dev, production) {
                (true, _) => Mode::Dev,
                (_, true) => Mode::Production,
                _ => place.mode(),
            };
            check(place, mode, json)
        }
        ConfigCommand::Docs => {
            out::text(&config::docs());
            Ok(())
        }
    }
}

fn check(place: &Place, mode: Mode, json: bool) -> anyhow::Result<()> {
    let config = place.load(mode, None)?;
    // In dev mode a start makes the key.
    if !mode.is_dev() {
        config.master_key()?;
    }
    let settings = config.effective();
    if json {
        return out::json(&settings.into_iter().collect::<BTreeMap<_, _>>());
    }
    out::line(match mode {
        Mode::Dev => "ok, for development (countersign)",
        Mode::Production => "ok, for production (countersign serve)",
    });
    for (key, value) in settings {
        out::line(format!("{key} = {value}").trim_end());
    }
    Ok(())
}
