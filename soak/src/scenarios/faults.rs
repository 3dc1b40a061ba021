//! What the scenarios under load share: a server of their own with people on it.

use std::time::Duration;

use crate::http::Http;
use crate::load::{Judged, Load};
use crate::process::Server;
use crate::scenario::{Outcome, Setup};
use crate::stats::{millis, quantile};

/// A server that runs, and its people.
pub(super) struct UnderLoad {
    pub(super) server: Server,
    pub(super) http: Http,
    pub(super) load: Load,
}

impl UnderLoad {
    /// Starts both.
    pub(super) async fn start(setup: &Setup, settings: &[(&'static str, String)]) -> anyhow::Result<Self> {
        let mut server = Server::new(&setup.program, settings)?;
        let http = Http::new(&server.origin())?;
        server.start(&http).await?;
        let load = Load::start(http.clone(), setup.seed);
        Ok(Self { server, http, load })
    }

    /// Ends both, the people first.
    pub(super) async fn finish(mut self, times: String, mut figures: Vec<String>) -> anyhow::Result<Outcome> {
        let judged = [self.load.finish().await];
        self.server.stop().await?;
        figures.extend(Judged::figures(&judged));
        Ok(Outcome { times, figures, problems: Judged::problems(&judged), ..Outcome::default() })
    }
}

/// "start: median 31.0 ms, at most 43.2 ms"
pub(super) fn spread(what: &str, times: &[Duration]) -> String {
    format!("{what}: median {}, at most {}", millis(quantile(times, 0.5)), millis(quantile(times, 1.0)))
}
