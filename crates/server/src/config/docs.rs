//! docs/config.md, printed from the table of settings.

use std::fmt::Write as _;

use super::env;
use super::setting::{Kind, Preset, SETTINGS};

const HEAD: &str = "\
# Settings

<!-- Printed by `countersign config docs`. Do not edit: change the table in crates/server/src/config/setting.rs. -->

`countersign` without a subcommand is dev mode and needs no setting at all; `countersign serve` is production and refuses
to start with anything that is missing, unknown or unsafe, and says so, all of it at once. `countersign config check`
tells without starting.

Every setting `section.key` can be given in a TOML file (`--config FILE`) or in the environment, where it is called
`COUNTERSIGN_SECTION_KEY`. The environment counts more than the file, and the options `--listen` and `--data` more than
both. Lists are arrays in TOML and separated by commas in the environment. Spans of time are a whole number and a unit:
`90s`, `5m`, `2h`, `14d`.

```toml
[server]
listen = \"127.0.0.1:8080\"
public_url = \"https://login.example.com\"
master_key_file = \"/etc/countersign/master.key\"
trusted_proxies = [\"127.0.0.1\"]

[session]
idle = \"2h\"
```
";

/// The documentation of all settings, in Markdown.
pub fn docs() -> String {
    let mut text = HEAD.to_owned();
    let mut last = "";
    for setting in SETTINGS {
        let (section, _) = setting.parts();
        if section != last {
            // Writing to a string does not fail.
            let _ = write!(
                text,
                "\n## {section}\n\n| setting | environment | value | default | meaning |\n|---|---|---|---|---|\n"
            );
            last = section;
        }
        let _ = writeln!(
            text,
            "| `{}` | `{}` | {} | {} | {} |",
            setting.key,
            env::name(setting.key),
            kind(setting.kind),
            preset(setting.preset),
            setting.doc
        );
    }
    text
}

fn kind(kind: Kind) -> String {
    match kind {
        Kind::Text => "text".to_owned(),
        Kind::Secret => "text, secret".to_owned(),
        Kind::Path => "path".to_owned(),
        Kind::Span => "span".to_owned(),
        Kind::Count => "number".to_owned(),
        Kind::Flag => "`true`, `false`".to_owned(),
        Kind::Word(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
        Kind::List => "list".to_owned(),
    }
}

fn preset(preset: Preset) -> String {
    match preset {
        Preset::Is("") => "empty".to_owned(),
        Preset::Is(text) => format!("`{text}`"),
        Preset::Follows(words) => words.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_one_row_of_five_cells() {
        let text = docs();
        for setting in SETTINGS {
            let start = format!("| `{}` | `{}` |", setting.key, env::name(setting.key));
            let rows: Vec<_> = text.lines().filter(|line| line.starts_with(&start)).collect();
            assert_eq!(rows.len(), 1, "{}", setting.key);
            assert_eq!(rows[0].matches('|').count(), 6, "{}", setting.key);
        }
        assert!(text.lines().all(|line| line.trim_end() == line));
    }
}
