//! Documents that name things of the code: the things must be there.

use std::collections::BTreeSet;

use crate::functions;
use crate::sources::Source;

const ARCHITECTURE: &str = "ARCHITECTURE.md";
const ATTACKS: &str = "docs/attacks.md";
const STANDARDS: &str = "docs/standards.md";
/// Where the scenarios of `cargo xtask soak` are listed.
const SCENARIOS: &str = "soak/src/scenario.rs";
/// How a row names a scenario.
const SOAK: &str = "soak::";
/// What a row says whose surface is not built yet.
const PENDING: &str = "pending";

/// Crates that ARCHITECTURE.md lacks, and crates that it names though they are not there. A crate is named by its
/// folder in backticks: `crates/core`, `xtask`.
pub(crate) fn architecture_problems(sources: &[Source]) -> Vec<String> {
    let Some(document) = sources.iter().find(|source| source.path == ARCHITECTURE) else {
        return vec![format!("{ARCHITECTURE} is missing")];
    };
    let folders = sources.iter().filter_map(|source| source.path.strip_suffix("/Cargo.toml"));
    let members: BTreeSet<&str> = folders.collect();
    let quoted: BTreeSet<&str> = quoted(&document.text).collect();
    let unnamed =
        members.difference(&quoted).map(|folder| format!("{ARCHITECTURE} does not name `{folder}`"));
    let named = quoted.iter().filter_map(|text| text.strip_prefix("crates/"));
    let folders: BTreeSet<String> =
        named.filter_map(|rest| rest.split('/').next()).map(|name| format!("crates/{name}")).collect();
    let unknown = folders.iter().filter(|folder| !members.contains(folder.as_str()));
    unnamed
        .chain(unknown.map(|folder| format!("{ARCHITECTURE} names `{folder}`, which is not there")))
        .collect()
}

/// What is wrong with the rows of docs/attacks.md.
pub(crate) fn attack_problems(sources: &[Source]) -> Vec<String> {
    table_problems(ATTACKS, sources)
}

/// Likewise of docs/standards.md, where nothing is pending: what is not there yet is not named.
pub(crate) fn standard_problems(sources: &[Source]) -> Vec<String> {
    table_problems(STANDARDS, sources)
}

/// Rows whose `test` cell names no test, or one that is not there, or whose `rule` or `where` cell names a
/// path that is not there. A test is named in backticks, by its function (a path before it is for the reader), by the file of a
/// browser journey, or as a scenario: `soak::kills`.
fn table_problems(path: &str, sources: &[Source]) -> Vec<String> {
    let Some(document) = sources.iter().find(|source| source.path == path) else {
        return vec![format!("{path} is missing")];
    };
    let known = known(sources);
    let tests = cells_below(document, &["test", "tests"]);
    if tests.is_empty() {
        return vec![format!("{path} has no table with a column `test`")];
    }
    let is_there = |path: &str| {
        let inside =
            |source: &Source| source.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
        sources.iter().any(|source| source.path == path || inside(source))
    };
    let rules = cells_below(document, &["rule", "where"]);
    let rules = rules.iter().flat_map(|(line, cell)| quoted(cell).map(move |path| (*line, path)));
    let stale = rules
        .filter(|(_, path)| path.contains('/') && !is_there(path))
        .map(|(line, path)| document.problem(line, &format!("the rule `{path}` is not there")));
    tests.iter().flat_map(|(line, cell)| cell_problems(document, *line, cell, &known)).chain(stale).collect()
}

/// What a document may name: functions, files by their last name, scenarios as `soak::kills`.
pub(crate) fn known(sources: &[Source]) -> BTreeSet<String> {
    let rust = sources.iter().filter(|source| source.is_rust());
    let mut known: BTreeSet<String> =
        rust.flat_map(|source| functions::all(&source.text)).map(|function| function.name).collect();
    known.extend(sources.iter().filter_map(|source| Some(source.path.rsplit('/').next()?.to_owned())));
    known.extend(scenarios(sources).map(|name| format!("{SOAK}{name}")));
    known
}

/// The cells below one of these headings, with their lines.
fn cells_below<'a>(document: &'a Source, headings: &[&str]) -> Vec<(usize, &'a str)> {
    let mut column = None;
    let mut cells = Vec::new();
    for (number, line) in document.lines() {
        let row: Vec<&str> = line.trim().split('|').map(str::trim).collect();
        let is_row = row.len() > 2;
        let heading = row.iter().position(|cell| headings.contains(&cell.to_lowercase().as_str()));
        let is_rule = row.iter().all(|cell| cell.chars().all(|c| c == '-' || c == ':'));
        match (is_row, heading, column) {
            (false, _, _) => column = None,
            (true, Some(at), _) => column = Some(at),
            (true, None, Some(at)) if !is_rule => {
                cells.push((number, row.get(at).copied().unwrap_or_default()));
            }
            _ => {}
        }
    }
    cells
}

fn cell_problems(document: &Source, line: usize, cell: &str, known: &BTreeSet<String>) -> Vec<String> {
    let pending = document.path == ATTACKS && cell.starts_with(PENDING);
    if quoted(cell).next().is_none() && !pending {
        return vec![document.problem(line, "names no test and is not pending")];
    }
    missing(cell, known)
        .map(|test| document.problem(line, &format!("the test `{test}` is not there")))
        .collect()
}

/// What the cell names and is not there.
pub(crate) fn missing<'a>(cell: &'a str, known: &BTreeSet<String>) -> impl Iterator<Item = &'a str> {
    let last = |name: &str| match name.strip_prefix(SOAK) {
        Some(_) => name.to_owned(),
        None => name.rsplit(['/', ':']).next().unwrap_or_default().to_owned(),
    };
    quoted(cell).filter(move |name| !known.contains(&last(name)))
}

/// The names of the scenarios.
fn scenarios(sources: &[Source]) -> impl Iterator<Item = &str> {
    let list = sources.iter().filter(|source| source.path == SCENARIOS);
    let names = list.flat_map(|source| source.text.lines()).filter_map(|line| {
        let (_, name) = line.split_once("name: \"")?;
        name.split('"').next()
    });
    names.filter(|name| !name.is_empty())
}

/// What stands in backticks on one line.
pub(crate) fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::sample;

    #[test]
    fn the_architecture_must_name_what_is_there_and_nothing_else() {
        let core = || sample("crates/core/Cargo.toml", "");
        let check = |text| architecture_problems(&[core(), sample(ARCHITECTURE, text)]);
        assert_eq!(check("the domain is `crates/core/src`, `crates/core`"), Vec::<String>::new());
        assert_eq!(
            check("the domain is `crates/domain`"),
            [
                "ARCHITECTURE.md does not name `crates/core`",
                "ARCHITECTURE.md names `crates/domain`, which is not there"
            ]
        );
        assert_eq!(architecture_problems(&[core()]), ["ARCHITECTURE.md is missing"]);
    }

    #[test]
    fn the_attack_list_names_scenarios_that_are_listed() {
        let list = || sample(SCENARIOS, "Scenario {\n    name: \"kills\",\n}\nfn other() { x() }\n");
        let check = |cell: &str| {
            attack_problems(&[
                list(),
                sample(ATTACKS, &format!("| row | test |\n|---|---|\n| A | `{cell}` |\n")),
            ])
        };
        assert_eq!(check("soak::kills"), Vec::<String>::new());
        for absent in ["soak::thrills", "soak::other", "kills"] {
            assert_eq!(check(absent), [format!("docs/attacks.md:3: the test `{absent}` is not there")]);
        }
    }

    #[test]
    fn the_attack_list_must_name_rules_that_are_there() {
        let code = || sample("crates/core/src/serve/mod.rs", "#[test]\nfn refused() { x() }\n");
        let check = |rule: &str| {
            let text = format!("| row | rule | test |\n|---|---|---|\n| A | `{rule}` | `refused` |\n");
            attack_problems(&[code(), sample(ATTACKS, &text)])
        };
        assert_eq!(check("crates/core/src/serve/mod.rs"), Vec::<String>::new());
        assert_eq!(check("crates/core/src/serve"), Vec::<String>::new());
        assert_eq!(
            check("crates/core/src/serve.rs"),
            ["docs/attacks.md:3: the rule `crates/core/src/serve.rs` is not there"]
        );
    }

    #[test]
    fn a_standard_is_listed_once_it_is_shown() {
        let code = || sample("crates/core/src/serve.rs", "#[test]\nfn refused() { x() }\n");
        let check = |cells: &str| {
            let text = format!("| standard | where | test |\n|---|---|---|\n| A | {cells} |\n");
            standard_problems(&[code(), sample(STANDARDS, &text)])
        };
        assert_eq!(check("`crates/core/src/serve.rs` | `refused`"), Vec::<String>::new());
        assert_eq!(
            check("`crates/core/src/other.rs` | pending"),
            [
                "docs/standards.md:3: names no test and is not pending",
                "docs/standards.md:3: the rule `crates/core/src/other.rs` is not there"
            ]
        );
        assert_eq!(standard_problems(&[code()]), ["docs/standards.md is missing"]);
    }

    #[test]
    fn the_attack_list_must_name_tests_that_are_there() {
        let code = || sample("crates/core/tests/a.rs", "#[test]\nfn refused() { x() }\n");
        let journey = || sample("crates/testkit/browser/login.mjs", "");
        let check = |rows: &str| {
            let text = format!("words\n\n| row | test |\n|---|:--|\n{rows}");
            attack_problems(&[code(), journey(), sample(ATTACKS, &text)])
        };
        assert_eq!(
            check("| A | `core::refused`, `login.mjs` |\n| B | pending (feed) |\n"),
            Vec::<String>::new()
        );
        assert_eq!(check("| A | `accepted` |\n"), ["docs/attacks.md:5: the test `accepted` is not there"]);
        assert_eq!(check("| A | by hand |\n"), ["docs/attacks.md:5: names no test and is not pending"]);
        assert_eq!(check(""), ["docs/attacks.md has no table with a column `test`"]);
        assert_eq!(attack_problems(&[code()]), ["docs/attacks.md is missing"]);
    }
}
