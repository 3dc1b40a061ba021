//! Who may depend on whom: the arrows of ARCHITECTURE.md, read from the manifests.

use toml::{Table, Value};

use crate::sources::Source;

/// A crate and those of ours that it may use.
const ARROWS: &[(&str, &[&str])] = &[
    ("countersign-jose", &[]),
    ("countersign-core", &["countersign-jose"]),
    ("countersign-store", &["countersign-core", "countersign-jose"]),
    ("countersign-pages", &["countersign-core"]),
    (
        "countersign-server",
        &["countersign-core", "countersign-jose", "countersign-pages", "countersign-store"],
    ),
    ("countersign", &["countersign-core", "countersign-jose", "countersign-server", "countersign-store"]),
    ("countersign-guard", &["countersign-jose"]),
    (
        TESTKIT,
        &["countersign", "countersign-core", "countersign-jose", "countersign-server", "countersign-store"],
    ),
    ("countersign-bench", &[]),
    ("countersign-fuzz", &["countersign-server"]),
    ("countersign-soak", &["countersign-core", "countersign-server", TESTKIT]),
    ("xtask", &[]),
    (LOGIN_RUST, &[]),
];
/// What an application uses is no dependency of the server: it is a workspace of its own.
const LOGIN_RUST: &str = "login-rust";
const TESTKIT: &str = "countersign-testkit";

/// What comes from others and only these may use.
const RESERVED: &[(&str, &[&str])] = &[
    ("axum", &["countersign-server", "countersign-bench", "countersign-guard", TESTKIT, LOGIN_RUST]),
    ("rusqlite", &["countersign-store", TESTKIT]),
    ("tokio-postgres", &["countersign-store", TESTKIT]),
    ("tokio-postgres-rustls", &["countersign-store"]),
    ("deadpool-postgres", &["countersign-store"]),
    ("redis", &["countersign-store"]),
    ("askama", &["countersign-pages"]),
    ("fluent-bundle", &["countersign-pages"]),
];

/// Crates that do no I/O, and what would let them.
const PURE: &[&str] = &["countersign-jose", "countersign-core", "countersign-pages"];
const IMPURE: &[&str] = &[
    "tokio",
    "tokio-util",
    "futures-util",
    "hyper",
    "hyper-util",
    "tower",
    "reqwest",
    "lettre",
    "rustls",
    "rustix",
    "tempfile",
    "flume",
];

/// Every edge that no arrow allows.
pub(crate) fn problems(sources: &[Source]) -> Vec<String> {
    let manifests = sources.iter().filter(|source| source.path.ends_with("/Cargo.toml"));
    manifests.flat_map(manifest_problems).collect()
}

fn manifest_problems(source: &Source) -> Vec<String> {
    let manifest: Table = match source.text.parse() {
        Ok(manifest) => manifest,
        Err(error) => return vec![source.problem(1, &error.to_string())],
    };
    let name = manifest.get("package").and_then(|package| package.get("name")).and_then(Value::as_str);
    let Some((name, allowed)) = ARROWS.iter().find(|(known, _)| Some(*known) == name) else {
        return vec![source.problem(1, &format!("crate {name:?} has no line in the table of directions"))];
    };
    let normal = dependencies(&manifest, "dependencies").chain(dependencies(&manifest, "build-dependencies"));
    let mut problems: Vec<String> =
        normal.filter_map(|dependency| edge_problem(name, allowed, dependency)).collect();
    // In tests a crate may also use the test support, and with it what the support uses.
    let tested = dependencies(&manifest, "dev-dependencies").filter(|dependency| *dependency != TESTKIT);
    problems.extend(tested.filter_map(|dependency| reserved_problem(name, dependency)));
    problems.into_iter().map(|problem| source.problem(1, &problem)).collect()
}

fn dependencies<'a>(manifest: &'a Table, section: &str) -> impl Iterator<Item = &'a str> {
    let table = manifest.get(section).and_then(Value::as_table);
    table.into_iter().flat_map(Table::keys).map(String::as_str)
}

fn edge_problem(name: &str, allowed: &[&str], dependency: &str) -> Option<String> {
    let ours = dependency.starts_with("countersign");
    if ours && !allowed.contains(&dependency) {
        return Some(format!("{name} may not depend on {dependency}"));
    }
    if PURE.contains(&name) && IMPURE.contains(&dependency) {
        return Some(format!("{name} does no I/O and may not depend on {dependency}"));
    }
    reserved_problem(name, dependency)
}

fn reserved_problem(name: &str, dependency: &str) -> Option<String> {
    let (_, owners) = RESERVED.iter().find(|(reserved, _)| *reserved == dependency)?;
    (!owners.contains(&name))
        .then(|| format!("{dependency} is for {} only, not for {name}", owners.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::sample;

    fn check(name: &str, rest: &str) -> Vec<String> {
        problems(&[sample("x/Cargo.toml", &format!("[package]\nname = \"{name}\"\n{rest}"))])
    }

    #[test]
    fn every_edge_against_the_arrows_is_a_problem() {
        let cases = [
            ("countersign-jose", "[dependencies]\ncountersign-core.workspace = true"),
            ("countersign-core", "[dependencies]\ntokio.workspace = true"),
            ("countersign-core", "[build-dependencies]\ncountersign-store.workspace = true"),
            ("countersign-store", "[dependencies]\naxum.workspace = true"),
            ("countersign-pages", "[dependencies]\ncountersign-store.workspace = true"),
            ("countersign-pages", "[dependencies]\ncountersign-jose.workspace = true"),
            ("countersign-guard", "[dependencies]\ncountersign-core.workspace = true"),
            ("countersign-server", "[dependencies]\nrusqlite.workspace = true"),
            ("countersign-server", "[dependencies]\ncountersign-testkit.workspace = true"),
            ("countersign", "[dev-dependencies]\naxum.workspace = true"),
            ("countersign-new", ""),
        ];
        for (name, rest) in cases {
            assert_eq!(check(name, rest).len(), 1, "{name} with {rest}");
        }
    }

    #[test]
    fn the_arrows_themselves_are_allowed() {
        let server = "[dependencies]\naxum.workspace = true\ncountersign-store.workspace = true\n\
                      [dev-dependencies]\ncountersign-testkit.workspace = true";
        assert_eq!(check("countersign-server", server), Vec::<String>::new());
        assert_eq!(
            check("countersign-core", "[dependencies]\ncountersign-jose.workspace = true"),
            Vec::<String>::new()
        );
    }
}
