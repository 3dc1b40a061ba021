//! The program that sends none.

use anyhow::bail;
use countersign::config::Config;
use tokio::runtime::Handle;

use super::Spans;

/// There are none.
pub(in crate::cli) enum Traces {}

impl Traces {
    /// Refuses what cannot be done.
    pub(in crate::cli) fn start(config: &Config, _: &Handle) -> anyhow::Result<Option<Self>> {
        if let Some(endpoint) = &config.otlp_endpoint {
            bail!(
                "telemetry.otlp_endpoint is {endpoint}, but this program was built without traces: unset it, or build the \
                 program with `--features otel`"
            );
        }
        Ok(None)
    }

    /// Nobody has any.
    pub(in crate::cli) fn spans(&self) -> Spans {
        match *self {}
    }

    /// Nobody has any.
    pub(in crate::cli) fn end(self) {
        match self {}
    }
}
