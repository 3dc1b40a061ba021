//! The program that sends them, by OTLP over HTTP.
//!
//! Spans wait in a bounded queue of the library's own thread, and what a collector does not take in time is dropped: no
//! request ever waits for one.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use countersign::config::Config;
use countersign_server::trace::TARGET;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tokio::runtime::Handle;
use tracing::Level;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;

use super::Spans;

/// A stop waits so long for what was not sent yet.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What sends the spans.
pub(in crate::cli) struct Traces(SdkTracerProvider);

impl Traces {
    /// Starts, if an endpoint is set. `runtime` does the sending, and outlives what this returns.
    pub(in crate::cli) fn start(config: &Config, runtime: &Handle) -> anyhow::Result<Option<Self>> {
        let Some(endpoint) = &config.otlp_endpoint else { return Ok(None) };
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint.traces())
            .build()
            .context("telemetry.otlp_endpoint")?;
        let exporter = OnRuntime { exporter: Arc::new(exporter), runtime: runtime.clone() };
        let resource = Resource::builder_empty().with_service_name("countersign").build();
        let provider =
            SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build();
        Ok(Some(Self(provider)))
    }

    /// What takes the spans.
    pub(in crate::cli) fn spans(&self) -> Spans {
        let layer = tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("countersign"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false);
        layer.with_filter(Targets::new().with_target(TARGET, Level::INFO)).boxed()
    }

    /// Sends what was not sent yet. Not from within the runtime.
    pub(in crate::cli) fn end(self) {
        if let Err(error) = self.0.shutdown_with_timeout(LAST_WORDS) {
            tracing::warn!(%error, "the last traces could not be sent");
        }
    }
}

/// Sends on our runtime: the library's thread has none.
#[derive(Debug)]
struct OnRuntime {
    exporter: Arc<opentelemetry_otlp::SpanExporter>,
    runtime: Handle,
}

impl SpanExporter for OnRuntime {
    fn export(&self, batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        let exporter = Arc::clone(&self.exporter);
        let sent = self.runtime.spawn(async move { exporter.export(batch).await });
        async move { sent.await.unwrap_or_else(|error| Err(OTelSdkError::InternalFailure(error.to_string()))) }
    }

    fn set_resource(&mut self, resource: &Resource) {
        // Before anything is sent there is one of it alone.
        if let Some(exporter) = Arc::get_mut(&mut self.exporter) {
            exporter.set_resource(resource);
        }
    }
}
