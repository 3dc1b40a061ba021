//! docs/asvs.md: every requirement of its chapters has a row, a status, and something that shows it.

use std::collections::BTreeSet;

use crate::documents::{known, missing, quoted};
use crate::sources::Source;

const ASVS: &str = "docs/asvs.md";
/// The chapters that are filled in, and how many requirements each has in ASVS 5.0.0.
const CHAPTERS: &[(&str, usize)] =
    &[("3", 31), ("6", 47), ("7", 19), ("9", 7), ("10", 36), ("11", 24), ("16", 17)];
const PASS: &str = "pass";
const STATUSES: &[&str] = &[PASS, "partial", "no", "not applicable", "not built yet"];

/// Rows that are missing, twice, without a known status, or without a test, document or reason. What stands in
/// backticks is a test or a file, and must be there.
pub(crate) fn problems(sources: &[Source]) -> Vec<String> {
    let Some(document) = sources.iter().find(|source| source.path == ASVS) else {
        return vec![format!("{ASVS} is missing")];
    };
    let known = known(sources);
    let mut seen = BTreeSet::new();
    let mut problems = Vec::new();
    for (number, line) in document.lines() {
        let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
        let [id, _, _, status, shown] = cells[..] else { continue };
        if !id.starts_with(|first: char| first.is_ascii_digit()) {
            continue;
        }
        if !seen.insert(id) {
            problems.push(document.problem(number, &format!("{id} has two rows")));
        }
        problems.extend(wrong(status, shown, &known).map(|wrong| document.problem(number, &wrong)));
    }
    problems.extend(CHAPTERS.iter().filter_map(|(chapter, count)| {
        let found = seen.iter().filter(|id| id.split('.').next() == Some(*chapter)).count();
        (found != *count).then(|| format!("{ASVS}: chapter {chapter} has {found} rows, ASVS has {count}"))
    }));
    problems
}

fn wrong(status: &str, shown: &str, known: &BTreeSet<String>) -> impl Iterator<Item = String> {
    let unknown = (!STATUSES.contains(&status)).then(|| format!("the status {status:?} is none"));
    let unshown = match status {
        PASS if quoted(shown).next().is_none() => Some("names no test and no document".to_owned()),
        _ if shown.is_empty() => Some("gives no reason".to_owned()),
        _ => None,
    };
    let missing = missing(shown, known).map(|name| format!("`{name}` is not there")).collect::<Vec<_>>();
    unknown.into_iter().chain(unshown).chain(missing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::sample;

    #[test]
    fn every_row_needs_a_status_and_something_that_shows_it() {
        let code = || sample("crates/core/tests/a.rs", "#[test]\nfn refused() { x() }\n");
        let check = |row: &str| {
            let found = problems(&[code(), sample(ASVS, row)]);
            found.into_iter().filter(|problem| !problem.contains("chapter")).collect::<Vec<_>>()
        };
        assert_eq!(check("| 3.1.1 | 3 | Words | pass | `core::refused` |"), Vec::<String>::new());
        assert_eq!(check("| 3.1.1 | 3 | Words | no | nobody asked |"), Vec::<String>::new());
        assert_eq!(check("| id | level | words | status | shown by |"), Vec::<String>::new());
        for (row, problem) in [
            ("| 3.1.1 | 3 | Words | pass | it is so |", "names no test and no document"),
            ("| 3.1.1 | 3 | Words | no | |", "gives no reason"),
            ("| 3.1.1 | 3 | Words | fine | `refused` |", "the status \"fine\" is none"),
            ("| 3.1.1 | 3 | Words | pass | `accepted` |", "`accepted` is not there"),
        ] {
            assert_eq!(check(row), [format!("docs/asvs.md:1: {problem}")]);
        }
        let row = "| 3.1.1 | 3 | Words | no | nobody asked |";
        assert_eq!(check(&format!("{row}\n{row}")), ["docs/asvs.md:2: 3.1.1 has two rows"]);
    }

    #[test]
    fn every_requirement_of_a_chapter_has_its_row() {
        let found = problems(&[sample(ASVS, "| 9.1.1 | 1 | Words | no | nobody asked |")]);
        assert!(found.contains(&"docs/asvs.md: chapter 9 has 1 rows, ASVS has 7".to_owned()), "{found:?}");
        assert_eq!(problems(&[]), ["docs/asvs.md is missing"]);
    }
}
