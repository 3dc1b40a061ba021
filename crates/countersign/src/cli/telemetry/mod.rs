//! Traces: the spans of `countersign_server::trace`, sent to a collector.
//!
//! Only a program that was built with the feature `otel` can; any other one says so instead of serving without them.

#[cfg(feature = "otel")]
mod otlp;
#[cfg(not(feature = "otel"))]
mod without;

use tracing_subscriber::{Layer, Registry};

#[cfg(feature = "otel")]
pub(super) use self::otlp::Traces;
#[cfg(not(feature = "otel"))]
pub(super) use self::without::Traces;

/// What takes the spans, beside the log.
pub(super) type Spans = Box<dyn Layer<Registry> + Send + Sync>;
