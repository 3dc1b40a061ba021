//! The licences of all that is linked into the program, each text once: most of them ask to be handed on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::shell::{cargo, output};

/// How the files begin that hold a licence or what it wants to be told.
const NAMES: &[&str] = &["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"];

/// All of them, in one text.
pub(super) fn collect() -> anyhow::Result<String> {
    let tree = output(&mut cargo(&[
        "tree",
        "--locked",
        "--package=countersign",
        "--edges=normal",
        "--prefix=none",
        "--format={p}|{l}",
    ]))?;
    let folders = folders()?;
    let mut told = String::from("Libraries that are linked into countersign, with their licences.\n\n");
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, licence) in linked(&tree) {
        writeln!(told, "{name}: {licence}")?;
        let folder = folders.get(&name).with_context(|| format!("where is {name}?"))?;
        for text in licences(folder)? {
            texts.entry(text).or_default().insert(name.clone());
        }
    }
    if texts.is_empty() {
        bail!("no licence was found");
    }
    for (text, names) in texts {
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        write!(told, "\n{}\n{names}\n\n{}\n", "-".repeat(100), text.trim_end())?;
    }
    Ok(told)
}

/// Name with version, and the licence, of each package of a tree, our own left out.
fn linked(tree: &str) -> BTreeMap<String, String> {
    let rows = tree.lines().filter_map(|line| line.trim_end_matches(" (*)").split_once('|'));
    let foreign = rows.filter(|(package, _)| !package.contains("(/"));
    foreign
        .filter_map(|(package, licence)| {
            let mut words = package.split(' ');
            let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
            Some((format!("{name} {version}"), licence.to_owned()))
        })
        .collect()
}

/// Where each package's sources are.
fn folders() -> anyhow::Result<BTreeMap<String, PathBuf>> {
    let metadata = output(&mut cargo(&["metadata", "--locked", "--format-version=1"]))?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let packages = metadata["packages"].as_array().context("no packages")?;
    let text = |package: &Value, key: &str| package[key].as_str().unwrap_or_default().to_owned();
    let place = |package: &Value| {
        let manifest = PathBuf::from(text(package, "manifest_path"));
        (format!("{} {}", text(package, "name"), text(package, "version")), manifest.with_file_name(""))
    };
    Ok(packages.iter().map(place).collect())
}

fn licences(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut paths =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<_>>>()?;
    paths.sort();
    let of_licence = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        path.is_file() && NAMES.iter().any(|begin| name.starts_with(begin))
    };
    let texts = paths.iter().filter(|path| of_licence(path)).map(fs::read);
    texts.map(|bytes| Ok(String::from_utf8_lossy(&bytes?).into_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_ours_is_listed_once() {
        let tree = "countersign v0.1.0 (/src/crates/countersign)|MIT\nanyhow v1.0.1|MIT OR Apache-2.0\n\
                    serde_derive v1.2.3 (proc-macro)|MIT\nanyhow v1.0.1|MIT OR Apache-2.0 (*)\n";
        let expected = [("anyhow 1.0.1", "MIT OR Apache-2.0"), ("serde_derive 1.2.3", "MIT")];
        let expected = expected.map(|(name, licence)| (name.to_owned(), licence.to_owned()));
        assert_eq!(linked(tree), BTreeMap::from(expected));
    }

    #[test]
    fn a_library_brings_its_licence() {
        let text = collect().expect("cargo knows what is linked");
        assert!(text.contains("tokio 1.") && text.contains("Permission is hereby granted"), "{}", text.len());
    }
}
