//! The house rules as plain tests. Each problem names the file, the line and the rule.

mod asvs;
mod directions;
mod documents;
mod functions;
mod locales;
mod log_lines;
mod size;
mod sources;
mod text;

use sources::{Source, all};

/// Fails with the list of problems, if there are any.
fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

/// The problems that one check finds in all sources.
fn in_all(check: fn(&Source) -> Vec<String>) -> Vec<String> {
    all().iter().flat_map(check).collect()
}

#[test]
fn files_and_functions_are_short() {
    assert_none(&in_all(size::problems));
}

#[test]
fn nothing_is_left_undone_or_silenced() {
    assert_none(&in_all(text::unfinished));
}

#[test]
fn nothing_names_a_machine_or_a_registry() {
    assert_none(&in_all(text::private_places));
}

#[test]
fn only_the_store_knows_sql() {
    assert_none(&in_all(text::stray_sql));
}

#[test]
fn crates_depend_in_the_directions_of_the_design() {
    assert_none(&directions::problems(&all()));
}

#[test]
fn both_languages_have_the_same_texts() {
    assert_none(&locales::problems(&all()));
}

#[test]
fn the_architecture_names_the_crates_that_exist() {
    assert_none(&documents::architecture_problems(&all()));
}

#[test]
fn the_attack_list_names_tests_that_exist() {
    assert_none(&documents::attack_problems(&all()));
}

#[test]
fn the_list_of_standards_names_tests_that_exist() {
    assert_none(&documents::standard_problems(&all()));
}

#[test]
fn every_requirement_of_asvs_is_answered() {
    assert_none(&asvs::problems(&all()));
}

#[test]
fn the_guide_explains_every_line_of_the_log() {
    assert_none(&log_lines::problems(&all()));
}
