//! One event as one line: JSON for machines, text for people. No character of a value ends the line, moves a cursor or
//! hides another one, and no value is longer than a few lines of a terminal (attack LOGG-01).

use std::fmt::{self, Write as _};

use countersign::config::LogFormat;
use countersign_core::{RequestId, Time};
use tracing::field::{Field, Visit};
use tracing::{Event, Level};

/// Bytes of a value; what is longer is cut.
const MAX_VALUE: usize = 2048;
const REQUEST_ID: &str = "request_id";
const MESSAGE: &str = "message";

/// An event, read.
pub(super) struct Line<'a> {
    level: Level,
    target: &'a str,
    message: String,
    fields: Vec<(&'static str, Value)>,
}

enum Value {
    Text(String),
    /// A number or a flag, as JSON spells it.
    Plain(String),
}

impl<'a> Line<'a> {
    /// Reads an event. The request is the one that the present task works for, unless the event names its own.
    pub(super) fn of(event: &Event<'a>, request: Option<RequestId>) -> Self {
        let metadata = event.metadata();
        let mut line = Self {
            level: *metadata.level(),
            target: metadata.target(),
            message: String::new(),
            fields: Vec::new(),
        };
        event.record(&mut line);
        let named = line.fields.iter().any(|(name, _)| *name == REQUEST_ID);
        line.fields
            .extend(request.filter(|_| !named).map(|request| (REQUEST_ID, Value::Text(request.to_string()))));
        line
    }

    /// What the log has to say of itself.
    pub(super) fn own(level: Level, message: &str) -> Self {
        Self { level, target: "countersign::log", message: message.to_owned(), fields: Vec::new() }
    }

    /// The line, with its end.
    pub(super) fn written(&self, format: LogFormat, now: Time) -> String {
        let mut text = match format {
            LogFormat::Json => self.json(now),
            LogFormat::Text => self.text(now),
        };
        text.push('\n');
        text
    }

    fn json(&self, now: Time) -> String {
        let mut text =
            format!("{{\"timestamp\":\"{}\",\"level\":\"{}\",\"message\":", stamp(now), self.level);
        quote(&mut text, &self.message);
        for (name, value) in &self.fields {
            text.push(',');
            quote(&mut text, name);
            text.push(':');
            match value {
                Value::Text(value) => quote(&mut text, value),
                Value::Plain(value) => text.push_str(value),
            }
        }
        text.push_str(",\"target\":");
        quote(&mut text, self.target);
        text.push('}');
        text
    }

    fn text(&self, now: Time) -> String {
        let mut text = format!("{} {:>5} {}: ", stamp(now), self.level.as_str(), self.target);
        escape(&mut text, &self.message);
        for (name, value) in &self.fields {
            // Writing to a string does not fail.
            let _ = write!(text, " {name}=");
            match value {
                Value::Text(value) if is_plain(value) => text.push_str(value),
                Value::Text(value) => quote(&mut text, value),
                Value::Plain(value) => text.push_str(value),
            }
        }
        text
    }

    fn push(&mut self, field: &Field, value: Value) {
        match value {
            Value::Text(text) if field.name() == MESSAGE => self.message = text,
            value => self.fields.push((field.name(), value)),
        }
    }
}

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut capped = Capped(String::new());
        // An error says that the rest does not fit.
        let _ = write!(capped, "{value:?}");
        self.push(field, Value::Text(capped.0));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let mut capped = Capped(String::new());
        let _ = capped.write_str(value);
        self.push(field, Value::Text(capped.0));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field, Value::Plain(value.to_string()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field, Value::Plain(value.to_string()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field, Value::Plain(value.to_string()));
    }
}

/// Takes so many bytes and no more, however long a value would go on.
struct Capped(String);

impl fmt::Write for Capped {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = MAX_VALUE.saturating_sub(self.0.len());
        if text.len() <= room {
            self.0.push_str(text);
            return Ok(());
        }
        self.0.push_str(&text[..text.floor_char_boundary(room)]);
        self.0.push('…');
        Err(fmt::Error)
    }
}

/// RFC 3339 in UTC, to the microsecond.
fn stamp(now: Time) -> String {
    let seconds = now.rfc3339();
    format!("{}.{:06}Z", seconds.trim_end_matches('Z'), now.micros().rem_euclid(1_000_000))
}

fn is_plain(value: &str) -> bool {
    !value.is_empty() && !value.contains(|c: char| c.is_whitespace() || "\"\\=".contains(c) || acts(c))
}

/// Appends a JSON string (RFC 8259 section 7).
fn quote(text: &mut String, value: &str) {
    text.push('"');
    for c in value.chars() {
        if c == '"' || c == '\\' {
            text.push('\\');
            text.push(c);
        } else {
            push(text, c);
        }
    }
    text.push('"');
}

fn escape(text: &mut String, value: &str) {
    value.chars().for_each(|c| push(text, c));
}

fn push(text: &mut String, c: char) {
    if acts(c) {
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(text, "\\u{unit:04x}");
        }
    } else {
        text.push(c);
    }
}

/// Whether a character does something other than to be seen: ends a line somewhere, drives a terminal, turns the
/// direction of what follows, or is not seen at all.
fn acts(c: char) -> bool {
    let separates = matches!(c, '\u{2028}' | '\u{2029}');
    let turns =
        matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}');
    // Soft hyphens, byte order marks, and tags, which spell out text that nobody sees.
    let hides = matches!(c, '\u{ad}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
    c.is_control() || separates || turns || hides
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_micros(1_767_225_600_000_042);
    const FORGED: &str = "a\n{\"level\":\"info\",\"event\":\"login_ok\"}\r\u{1b}[31m\u{85}\u{9b}\u{2028}\u{202e}\u{61c}\u{ad}\u{e0041}%s{}\"\\\0";

    fn line(message: &str, value: &str) -> Line<'static> {
        let mut capped = Capped(String::new());
        let _ = capped.write_str(value);
        Line {
            level: Level::INFO,
            target: "countersign",
            message: message.to_owned(),
            fields: vec![("name", Value::Text(capped.0)), ("count", Value::Plain("3".to_owned()))],
        }
    }

    #[test]
    fn logg_01_whatever_is_in_it_an_event_is_one_line_and_nothing_in_it_acts() {
        for format in [LogFormat::Json, LogFormat::Text] {
            let written = line(FORGED, FORGED).written(format, NOW);
            let inner = written.strip_suffix('\n').unwrap();
            assert!(!inner.chars().any(acts), "{inner:?}");
            let unseen = ['\n', '\u{61c}', '\u{ad}', '\u{2028}', '\u{202e}', '\u{feff}', '\u{e0041}'];
            assert!(!inner.contains(unseen), "{inner:?}");
        }
        let json: serde_json::Value =
            serde_json::from_str(&line(FORGED, FORGED).written(LogFormat::Json, NOW)).unwrap();
        assert_eq!((json["message"].as_str(), json["name"].as_str()), (Some(FORGED), Some(FORGED)));
        assert_eq!((json["count"].as_i64(), json["level"].as_str()), (Some(3), Some("INFO")));
        assert_eq!(json["timestamp"], "2026-01-01T00:00:00.000042Z");
    }

    #[test]
    fn logg_01_a_value_of_a_megabyte_is_cut() {
        let long = "é".repeat(500_000);
        for format in [LogFormat::Json, LogFormat::Text] {
            let written = line("m", &long).written(format, NOW);
            assert!(written.len() < MAX_VALUE + 200 && written.contains('…'), "{}", written.len());
        }
    }

    #[test]
    fn text_is_for_people() {
        assert_eq!(
            line("it is so", "as it is").written(LogFormat::Text, NOW),
            "2026-01-01T00:00:00.000042Z  INFO countersign: it is so name=\"as it is\" count=3\n"
        );
        assert_eq!(
            line("it is so", "plain").written(LogFormat::Text, NOW),
            "2026-01-01T00:00:00.000042Z  INFO countersign: it is so name=plain count=3\n"
        );
    }
}
