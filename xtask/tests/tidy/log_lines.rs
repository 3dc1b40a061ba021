//! The operator's guide explains every line that the log can hold from level `info` up.

use std::collections::BTreeSet;

use crate::sources::Source;

const GUIDE: &str = "docs/operate.md";
const HEADING: &str = "## Log lines";
const LEVELS: &[&str] = &["error", "warn", "info"];

/// Messages that the guide's table lacks.
pub(crate) fn problems(sources: &[Source]) -> Vec<String> {
    let Some(guide) = sources.iter().find(|source| source.path == GUIDE) else {
        return vec![format!("{GUIDE} is missing")];
    };
    let explained = rows(guide);
    let production = sources.iter().filter(|source| {
        source.is_rust() && source.path.starts_with("crates/") && source.path.contains("/src/")
    });
    let missing = production.flat_map(logged).filter(|line| !explained.contains(&line.row));
    missing
        .map(|Logged { row: (level, message), place }| {
            format!("{place}: {GUIDE}, \"{HEADING}\" does not explain | {level} | {message} |")
        })
        .collect()
}

/// One line of the log: level and message, and where it is written.
struct Logged {
    row: (String, String),
    place: String,
}

/// The first two cells of the table below the heading.
fn rows(guide: &Source) -> BTreeSet<(String, String)> {
    let lines = guide.text.lines().skip_while(|line| *line != HEADING).skip(1);
    let section = lines.take_while(|line| !line.starts_with("## "));
    section
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| ")?.split(" | ");
            let (level, message) = (cells.next()?, cells.next()?);
            LEVELS.contains(&level).then(|| (level.to_owned(), message.to_owned()))
        })
        .collect()
}

fn logged(source: &Source) -> Vec<Logged> {
    let production = source.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let of_level = |level: &&'static str| {
        let call = format!("tracing::{level}!(");
        let places = production.match_indices(&call).map(|(at, call)| at + call.len()).collect::<Vec<_>>();
        places.into_iter().map(|start| (level.to_string(), start)).collect::<Vec<_>>()
    };
    let calls = LEVELS.iter().flat_map(of_level);
    calls
        .map(|(level, start)| {
            let line = production[..start].matches('\n').count() + 1;
            let message = message(&production[start..]).unwrap_or_default();
            Logged { row: (level, message), place: format!("{}:{line}", source.path) }
        })
        .collect()
}

/// The message among the arguments of a call: the one that is nothing but a text.
fn message(arguments: &str) -> Option<String> {
    let (mut depth, mut from, mut in_text, mut before) = (0_usize, 0, false, ' ');
    for (at, c) in arguments.char_indices() {
        match c {
            '"' if before != '\\' => in_text = !in_text,
            _ if in_text => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth > 0 => depth -= 1,
            ',' | ')' if depth == 0 => {
                let argument = arguments[from..at].trim();
                if argument.starts_with('"') {
                    return Some(told(argument));
                }
                if c == ')' {
                    return None;
                }
                from = at + 1;
            }
            _ => {}
        }
        before = c;
    }
    None
}

/// What a literal says: a backslash at the end of a line takes the next line's indentation away.
fn told(literal: &str) -> String {
    let lines = literal.trim_matches('"').split("\\\n");
    lines.enumerate().map(|(at, line)| if at == 0 { line } else { line.trim_start() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::sample;

    const CODE: &str = "fn a() {\n    tracing::warn!(%error, n = f(1, \"x\"), \"it \\\n        broke, `a`\");\n    \
                        tracing::debug!(\"fine\");\n}\n\n#[cfg(test)]\nmod tests {\n tracing::info!(\"no\");\n}\n";

    #[test]
    fn each_message_needs_a_row() {
        let check = |rows: &str| {
            let guide =
                format!("# Guide\n\n{HEADING}\n\n| level | message | do |\n|---|---|---|\n{rows}\n## More\n");
            problems(&[sample("crates/a/src/b.rs", CODE), sample(GUIDE, &guide)])
        };
        assert_eq!(check("| warn | it broke, `a` | mend it |\n"), Vec::<String>::new());
        assert_eq!(
            check("| warn | it broke | mend it |\n"),
            [
                "crates/a/src/b.rs:2: docs/operate.md, \"## Log lines\" does not explain | warn | it broke, `a` |"
            ]
        );
        assert_eq!(check("| error | it broke, `a` | mend it |\n").len(), 1, "the level counts");
        assert_eq!(problems(&[]), ["docs/operate.md is missing"]);
    }
}
