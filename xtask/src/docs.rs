//! `cargo xtask docs`: documents that the program itself prints. They are checked in, never edited.

use std::fs;

use anyhow::{Context, bail};

use crate::shell::{cargo, output, root, say};

/// Document, and the arguments with which `countersign` prints it.
const GENERATED: &[(&str, &[&str])] =
    &[("docs/config.md", &["config", "docs"]), ("docs/openapi.json", &["openapi"])];

/// Writes all of them.
pub(crate) fn write() -> anyhow::Result<()> {
    for (path, args) in GENERATED {
        let text = print(args)?;
        let file = root().join(path);
        fs::create_dir_all(file.with_file_name(""))?;
        fs::write(&file, text).with_context(|| format!("write {path}"))?;
        say(&format!("wrote {path}"));
    }
    Ok(())
}

/// Fails when one of them is not what the program prints now.
pub(crate) fn check() -> anyhow::Result<()> {
    for (path, args) in GENERATED {
        let held = fs::read_to_string(root().join(path)).unwrap_or_default();
        if let Some(difference) = first_difference(&held, &print(args)?) {
            bail!("{path} is out of date, run `cargo xtask docs`: {difference}");
        }
    }
    Ok(())
}

fn print(args: &[&str]) -> anyhow::Result<String> {
    output(cargo(&["run", "--quiet", "--package", "countersign", "--"]).args(args))
}

fn first_difference(held: &str, printed: &str) -> Option<String> {
    if held == printed {
        return None;
    }
    let same = held.lines().zip(printed.lines()).take_while(|(held, printed)| held == printed).count();
    let line = |text: &str| text.lines().nth(same).unwrap_or("(end)").to_owned();
    Some(format!("line {}: held {:?}, printed {:?}", same + 1, line(held), line(printed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_differs_is_named() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(
            first_difference("a\nb\n", "a\nc\n"),
            Some("line 2: held \"b\", printed \"c\"".to_owned())
        );
        assert_eq!(first_difference("", "a\n"), Some("line 1: held \"(end)\", printed \"a\"".to_owned()));
    }
}
