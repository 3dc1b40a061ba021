//! The log, on standard error.

use std::io::IsTerminal as _;

use countersign::config::{Log, LogFormat};
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, fmt};

/// Starts the log of a server.
pub(super) fn start(log: Log) {
    let layer = fmt::layer().with_writer(std::io::stderr);
    let layer = match log.format {
        LogFormat::Text => layer.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    // What we depend on may log what it was given, which is not ours to show (I16): only its warnings.
    let ours = Targets::new().with_default(log.level.min(Level::WARN)).with_target("countersign", log.level);
    tracing_subscriber::registry().with(layer.with_filter(ours)).init();
}

/// Starts the log of a command: what it has to say it says itself.
pub(super) fn start_quiet() {
    start(Log { format: LogFormat::Text, level: Level::WARN });
}
