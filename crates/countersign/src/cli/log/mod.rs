//! The log, on standard error: one line an event, whatever is in it (attack LOGG-01), and never in anybody's way (attack
//! LOGG-04). docs/operate.md explains the lines.

mod line;
mod queue;

use std::io::{Write as _, stderr};
use std::sync::Once;

use countersign::config::{Log, LogFormat};
use countersign_server::clock::{Clock as _, SystemClock};
use countersign_server::metrics::LOG_LINES_DROPPED;
use countersign_server::request;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use self::line::Line;
pub(super) use self::queue::Queue;
use super::telemetry::Spans;

/// Starts the log of a server, and hands the spans to whoever takes them. It ends, and what waits is written, when the
/// queue is dropped.
pub(super) fn start(log: Log, spans: Option<Spans>) -> Queue {
    let dropped = move |lines: u64| {
        let words = format!("{lines} log lines were dropped: nobody took them");
        Line::own(Level::WARN, &words).written(log.format, SystemClock.now())
    };
    let queue = Queue::start(stderr(), LOG_LINES_DROPPED.clone(), dropped);
    listen(log, Sink::Queue(queue.sender()), spans);
    // The usual one prints several lines, waits for whoever reads them, and repeats what a request brought.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(tracing::field::display);
        tracing::error!(place, "a defect: a thread panicked");
    }));
    queue
}

/// Starts the log of a command: what it has to say it says itself. One that asks several times starts it once.
pub(super) fn start_quiet() {
    static STARTED: Once = Once::new();
    STARTED.call_once(quiet);
}

fn quiet() {
    listen(Log { format: LogFormat::Text, level: Level::WARN }, Sink::Direct, None);
}

fn listen(log: Log, sink: Sink, spans: Option<Spans>) {
    // What we depend on may log what it was given, which is not ours to show (I16): only its warnings.
    // Those of the protocols are about what peers send: a flood of frames must not become one of lines (attack LOGG-01).
    let ours = Targets::new()
        .with_default(log.level.min(Level::WARN))
        .with_targets([("h2", Level::ERROR), ("rustls", Level::ERROR)])
        // A connection that ended while nobody used it; the store says what matters of that.
        .with_target("deadpool", Level::ERROR)
        .with_target("countersign", log.level);
    let lines = Lines { format: log.format, sink };
    tracing_subscriber::registry().with(spans).with(lines.with_filter(ours)).init();
}

/// Writes each event as a line.
struct Lines {
    format: LogFormat,
    sink: Sink,
}

enum Sink {
    Direct,
    Queue(queue::Sender),
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let line = Line::of(event, request::current()).written(self.format, SystemClock.now());
        match &self.sink {
            Sink::Queue(queue) => queue.send(line),
            // Whoever closed it wanted no more.
            Sink::Direct => drop(stderr().lock().write_all(line.as_bytes())),
        }
    }
}
