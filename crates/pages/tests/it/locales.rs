//! The locale files, as files.

use fluent_bundle::FluentResource;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The files below a folder whose names end like this, with their contents.
fn files(folder: &Path, ending: &str) -> Vec<(PathBuf, String)> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let found = paths.flat_map(|path| match path.is_dir() {
        true => files(&path, ending),
        false if path.to_str().unwrap().ends_with(ending) => {
            vec![(path.clone(), fs::read_to_string(path).unwrap())]
        }
        false => Vec::new(),
    });
    found.collect()
}

/// Texts of one language by key; the second part of `key` is `key.detail`.
fn texts(language: &str) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    for (path, file) in files(&folder("locales").join(language), ".ftl") {
        let mut key = "";
        for line in file.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let (name, text) = line.split_once(" = ").expect("every text is one line");
            let name = match name.strip_prefix("    .") {
                Some(part) => format!("{key}.{part}"),
                None => name.to_owned(),
            };
            key = if line.starts_with(' ') { key } else { line.split(' ').next().unwrap() };
            assert!(texts.insert(name, text.to_owned()).is_none(), "twice: {key} in {}", path.display());
        }
    }
    texts
}

fn variables(text: &str) -> BTreeSet<&str> {
    text.split("{ $").skip(1).map(|rest| rest.split(" }").next().unwrap()).collect()
}

#[test]
fn both_languages_have_the_same_keys_and_the_same_variables() {
    let (english, korean) = (texts("en"), texts("ko"));
    assert!(english.len() > 100);
    assert_eq!(english.keys().collect::<Vec<_>>(), korean.keys().collect::<Vec<_>>());
    for (key, text) in &english {
        assert_eq!(variables(text), variables(&korean[key]), "{key}");
    }
}

#[test]
fn every_text_is_in_its_language() {
    let hangul = |text: &str| text.chars().any(|letter| ('가'..='힣').contains(&letter));
    for (key, text) in texts("ko") {
        assert!(hangul(&text), "{key} is not Korean: {text}");
    }
    for (key, text) in texts("en") {
        assert!(!hangul(&text) && !text.is_empty(), "{key} is not English: {text}");
    }
}

#[test]
fn every_locale_file_is_read_and_has_no_mistake() {
    let loader = fs::read_to_string(folder("src/text.rs")).unwrap();
    for language in ["en", "ko"] {
        for (path, file) in files(&folder("locales").join(language), ".ftl") {
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(
                loader.contains(&format!("../locales/{language}/{name}")),
                "{} is not read",
                path.display()
            );
            assert!(FluentResource::try_new(file).is_ok(), "{} has a mistake", path.display());
        }
    }
}

#[test]
fn every_key_is_used_and_every_key_in_a_template_exists() {
    let whole = |ending| files(&folder("src"), ending).into_iter().map(|(_, file)| file).collect::<String>();
    let (code, templates) = (whole(".rs"), whole(".html"));
    let texts = texts("en");
    for key in texts.keys().filter(|key| !key.contains('.')) {
        let quoted = format!("\"{key}\"");
        assert!(code.contains(&quoted) || templates.contains(&quoted), "{key} is used nowhere");
    }
    let shown = ["shell.t(\"", "shell.with(\""];
    for key in shown.into_iter().flat_map(|call| templates.split(call).skip(1)) {
        let key = key.split('"').next().unwrap();
        assert!(texts.contains_key(key), "{key} is not written");
    }
}

#[test]
fn templates_hold_no_words_of_their_own() {
    for (path, template) in files(&folder("src"), ".html") {
        let words = without(&without(&without(&template, "{#", "#}"), "{%", "%}"), "{{", "}}");
        let words = without(&without(&words, "<pre", "</pre>"), "<", ">");
        assert!(!words.contains(char::is_alphabetic), "{}: {}", path.display(), words.trim());
    }
}

/// The text without what stands between these marks.
fn without(text: &str, open: &str, close: &str) -> String {
    let mut pieces = text.split(open);
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |kept, piece| kept + piece.split_once(close).map_or("", |(_, after)| after))
}
