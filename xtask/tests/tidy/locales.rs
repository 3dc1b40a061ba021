//! Texts: every language has the same ones.

use std::collections::BTreeSet;

use crate::sources::Source;

const FOLDER: &str = "crates/pages/locales/";
const LANGUAGES: &[&str] = &["en", "ko"];

/// Texts that one language has and another lacks.
pub(crate) fn problems(sources: &[Source]) -> Vec<String> {
    let held: Vec<_> = LANGUAGES.iter().map(|language| (*language, texts(sources, language))).collect();
    let all: BTreeSet<&String> = held.iter().flat_map(|(_, texts)| texts).collect();
    if all.is_empty() {
        return vec![format!("{FOLDER}: no texts")];
    }
    let missing = held.iter().flat_map(|(language, texts)| {
        all.iter()
            .filter(|text| !texts.contains(**text))
            .map(move |text| format!("{FOLDER}{language}/{text} is missing"))
    });
    missing.collect()
}

/// `file.ftl: message` and `file.ftl: message.attribute` of one language.
fn texts(sources: &[Source], language: &str) -> BTreeSet<String> {
    let folder = format!("{FOLDER}{language}/");
    let files = sources.iter().filter_map(|source| Some((source.path.strip_prefix(&folder)?, source)));
    let fluent = files.filter(|(_, source)| source.extension() == "ftl");
    fluent
        .flat_map(|(file, source)| identifiers(&source.text).map(move |id| format!("{file}: {id}")))
        .collect()
}

fn identifiers(text: &str) -> impl Iterator<Item = String> {
    let mut message = "";
    text.lines().filter_map(move |line| {
        let (left, _) = line.split_once('=')?;
        let name = left.trim_end();
        if let Some(attribute) = name.trim_start().strip_prefix('.') {
            return Some(format!("{message}.{attribute}"));
        }
        let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '-');
        let whole = name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        (starts && whole).then(|| {
            message = name;
            name.to_owned()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::sample;

    #[test]
    fn a_text_that_one_language_lacks_is_a_problem() {
        let english = sample(
            "crates/pages/locales/en/a.ftl",
            "# c = d\none = One\n  .title = T\ntwo =\n  a = b, more\n",
        );
        let korean = sample("crates/pages/locales/ko/a.ftl", "one = 하나\nthree = 셋\n");
        assert_eq!(
            problems(&[english, korean]),
            [
                "crates/pages/locales/en/a.ftl: three is missing",
                "crates/pages/locales/ko/a.ftl: one.title is missing",
                "crates/pages/locales/ko/a.ftl: two is missing",
            ]
        );
        assert_eq!(problems(&[]).len(), 1);
    }
}
