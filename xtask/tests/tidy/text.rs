//! Words that may not stand in the repository, or only in one place of it. The words are put together here, so
//! that this file needs no exception.

use crate::sources::Source;

const UNFINISHED: &[(&str, &str)] = &[
    (concat!("todo", "!("), "is a stub"),
    (concat!("unimplemented", "!("), "is a stub"),
    (concat!("#[", "ignore"), "skips a test"),
    (concat!("#[", "allow("), "silences a lint: use `expect` with a reason"),
    (concat!("#![", "allow("), "silences a lint: use `expect` with a reason"),
];
const REMINDERS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME")];
/// A reminder says what and why.
const REASON_WORDS: usize = 3;

const REGISTRIES: &[&str] = &[
    concat!("registry.npm", "js.org"),
    concat!("py", "pi.org"),
    concat!("files.python", "hosted.org"),
    concat!("static.", "crates.io"),
    concat!("index.", "crates.io"),
    concat!("proxy.go", "lang.org"),
    concat!("repo1.maven", ".org"),
    concat!("deb.", "debian.org"),
];
const MACHINE: &str = concat!("/wo", "rk");
const LOCK_FILE_URL: &str = concat!("\"resol", "ved\":");

const SQL: &[&str] = &[concat!("SEL", "ECT "), concat!("INS", "ERT INTO"), concat!("DEL", "ETE FROM")];
/// Who may speak SQL; test support prepares databases.
const SPEAK_SQL: &[&str] = &["crates/store/", "crates/testkit/"];

/// Stubs, skipped tests, silenced lints, reminders without a reason.
pub(crate) fn unfinished(source: &Source) -> Vec<String> {
    let mut problems = Vec::new();
    for (number, line) in source.lines() {
        let words = UNFINISHED.iter().filter(|(word, _)| source.is_rust() && line.contains(word));
        problems.extend(words.map(|(word, why)| source.problem(number, &format!("`{word}` {why}"))));
        let reminder = REMINDERS.iter().find_map(|word| Some((word, line.split_once(word)?.1)));
        if let Some((word, reason)) = reminder
            && !reason.starts_with(|c: char| c.is_alphanumeric() || c == '_')
            && reason.split_whitespace().count() < REASON_WORDS
        {
            problems.push(source.problem(number, &format!("{word} without a reason")));
        }
    }
    problems
}

/// Paths of one machine, hosts of package registries.
pub(crate) fn private_places(source: &Source) -> Vec<String> {
    let lock_file = source.path.ends_with("package-lock.json");
    let mut problems = Vec::new();
    for (number, line) in source.lines() {
        let hosts = REGISTRIES.iter().filter(|host| line.contains(**host));
        problems.extend(hosts.map(|host| source.problem(number, &format!("names the registry {host}"))));
        if names_machine(line) {
            problems.push(source.problem(number, "names a path of one machine"));
        }
        if lock_file && line.contains(LOCK_FILE_URL) {
            problems.push(source.problem(number, "a lock file without `omit-lockfile-registry-resolved`"));
        }
    }
    problems
}

fn names_machine(line: &str) -> bool {
    let part_of_a_name = |c: char| c.is_alphanumeric() || "_.-/".contains(c);
    line.match_indices(MACHINE).any(|(at, found)| {
        let (before, after) = (&line[..at], &line[at + found.len()..]);
        let absolute = !before.ends_with(part_of_a_name);
        absolute && (after.starts_with('/') || !after.starts_with(part_of_a_name))
    })
}

/// SQL outside the store, tests left aside.
pub(crate) fn stray_sql(source: &Source) -> Vec<String> {
    let production = source.path.starts_with("crates/") && source.path.contains("/src/") && source.is_rust();
    if !production || SPEAK_SQL.iter().any(|folder| source.path.starts_with(folder)) {
        return Vec::new();
    }
    let lines = source.lines().take_while(|(_, line)| line.trim() != "#[cfg(test)]");
    let code = lines.filter(|(_, line)| !line.trim_start().starts_with("//"));
    code.filter(|(_, line)| SQL.iter().any(|word| line.contains(word)))
        .map(|(number, _)| source.problem(number, "SQL belongs in crates/store"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::sample;

    #[test]
    fn stubs_skips_and_silenced_lints_are_problems() {
        for (word, why) in UNFINISHED {
            let found = unfinished(&sample("a.rs", &format!("fn a() {{\n    {word}x\n")));
            assert_eq!(found, [format!("a.rs:2: `{word}` {why}")]);
        }
        assert_eq!(unfinished(&sample("a.rs", "#[expect(lint, reason = \"why\")]")), Vec::<String>::new());
    }

    #[test]
    fn a_reminder_needs_a_reason() {
        for word in REMINDERS {
            assert_eq!(unfinished(&sample("a.md", &format!("// {word}: later"))).len(), 1);
            let reasoned = format!("// {word}: drop this when the protocol's draft is final");
            assert_eq!(unfinished(&sample("a.md", &reasoned)), Vec::<String>::new());
            assert_eq!(unfinished(&sample("a.md", &format!("{word}S"))), Vec::<String>::new());
        }
    }

    #[test]
    fn registries_and_machine_paths_are_problems() {
        for host in REGISTRIES {
            assert_eq!(private_places(&sample("a.md", &format!("from https://{host}/x"))).len(), 1, "{host}");
        }
        for line in [format!("cd {MACHINE}/main"), format!("`{MACHINE}`"), MACHINE.to_owned()] {
            assert_eq!(private_places(&sample("a.md", &line)).len(), 1, "{line}");
        }
        for line in [format!("docs{MACHINE}/x"), format!("a {MACHINE}er"), format!("net{MACHINE}")] {
            assert_eq!(private_places(&sample("a.md", &line)), Vec::<String>::new(), "{line}");
        }
        let lock = format!("{{{LOCK_FILE_URL} \"https://example.org\"}}");
        assert_eq!(private_places(&sample("x/package-lock.json", &lock)).len(), 1);
    }

    #[test]
    fn sql_outside_the_store_is_a_problem() {
        for word in SQL {
            let text = format!("const SQL: &str = \"{word} x\";");
            assert_eq!(stray_sql(&sample("crates/server/src/a.rs", &text)).len(), 1);
            assert_eq!(stray_sql(&sample("crates/store/src/a.rs", &text)), Vec::<String>::new());
            let tested = format!("#[cfg(test)]\n{text}");
            assert_eq!(stray_sql(&sample("crates/server/src/a.rs", &tested)), Vec::<String>::new());
        }
    }
}
