//! Every parser that meets what strangers write, each with what must hold of it for *any* input.
//!
//! A target is a plain function. `cargo xtask fuzz` gives it to libFuzzer; the tests below give it the corpus in
//! `fuzz/corpus`, where every input that once broke something stays, and random texts. Only tests and fuzzing have this
//! module.

mod identifiers;
mod kept;
mod requests;
mod tokens;
mod urls;

use crate::config::fuzz as settings;
use crate::serve::fuzz as listener;

pub(crate) use self::urls::has_password;

/// What is fuzzed under one name.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The name of its corpus.
    pub name: &'static str,
    /// Panics where the property does not hold of this input.
    pub check: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "access_token", check: tokens::access_token },
    Target { name: "claims", check: tokens::claims },
    Target { name: "jwk", check: tokens::jwk },
    Target { name: "strict_json", check: tokens::strict_json },
    Target { name: "status_list", check: tokens::status_list },
    Target { name: "refresh_token", check: tokens::refresh_token },
    Target { name: "secret", check: tokens::secret },
    Target { name: "sealed", check: tokens::sealed },
    Target { name: "known_device", check: tokens::known_device },
    Target { name: "identifier", check: identifiers::identifier },
    Target { name: "display_name", check: identifiers::display_name },
    Target { name: "password", check: identifiers::password },
    Target { name: "return_to", check: urls::return_to },
    Target { name: "public_url", check: urls::public_url },
    Target { name: "resource_id", check: urls::resource_id },
    Target { name: "store_url", check: urls::store_url },
    Target { name: "cookies", check: requests::cookies },
    Target { name: "form", check: requests::form },
    Target { name: "json_body", check: requests::json_body },
    Target { name: "client_address", check: requests::client_address },
    Target { name: "headers", check: requests::headers },
    Target { name: "heads", check: listener::heads },
    Target { name: "user_agent", check: requests::user_agent },
    Target { name: "accept_language", check: requests::accept_language },
    Target { name: "scope", check: requests::scope },
    Target { name: "config_file", check: settings::file },
    Target { name: "config_environment", check: settings::environment },
    Target { name: "mail_settings", check: settings::mail },
    Target { name: "span", check: settings::span },
    Target { name: "stored_hash", check: kept::stored_hash },
    Target { name: "admin_command", check: kept::admin_command },
];

/// The input as a text, where it is one.
fn text(input: &[u8]) -> &str {
    str::from_utf8(input).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    fn corpus() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus")
    }

    /// Gives the target every input of its corpus, and random ones.
    fn replay(name: &str) {
        let target = TARGETS.iter().find(|target| target.name == name).expect("a target of this name");
        let inputs = fs::read_dir(corpus().join(name)).expect("a corpus");
        let inputs: Vec<PathBuf> = inputs.map(|entry| entry.unwrap().path()).collect();
        assert!(!inputs.is_empty(), "the corpus of {name} is empty");
        for input in inputs {
            (target.check)(&fs::read(input).unwrap());
        }
        proptest!(ProptestConfig::with_cases(64), |(text: String, bytes: Vec<u8>)| {
            (target.check)(text.as_bytes());
            (target.check)(&bytes);
        });
    }

    #[test]
    fn every_target_has_a_corpus_and_every_corpus_a_target() {
        let folders = fs::read_dir(corpus()).unwrap();
        let folders: BTreeSet<String> =
            folders.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        let names: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
        assert_eq!((folders, names.len()), (names, TARGETS.len()));
    }

    #[test]
    fn jwt_23_jwt_24_jwt_39_only_the_very_token_that_was_signed_verifies() {
        replay("access_token");
    }

    #[test]
    fn jwt_13_jwt_39_claims_that_are_accepted_are_well_formed_and_in_time() {
        replay("claims");
    }

    #[test]
    fn jwt_36_jwt_39_a_key_is_public_and_reads_back_as_itself() {
        replay("jwk");
    }

    #[test]
    fn jwt_11_jwt_12_jwt_39_json_that_is_accepted_means_what_it_means_elsewhere() {
        replay("strict_json");
    }

    #[test]
    fn jwt_31_jwt_39_a_status_list_has_its_size_or_is_none() {
        replay("status_list");
    }

    #[test]
    fn i8_a_refresh_token_has_one_text() {
        replay("refresh_token");
    }

    #[test]
    fn ses_21_a_secret_and_an_id_have_one_text() {
        replay("secret");
    }

    #[test]
    fn what_was_not_sealed_here_does_not_open() {
        replay("sealed");
    }

    #[test]
    fn log_15_nobody_makes_up_a_known_device() {
        replay("known_device");
    }

    #[test]
    fn log_05_log_11_rec_12_an_identifier_has_one_canonical_form() {
        replay("identifier");
    }

    #[test]
    fn rec_12_a_display_name_is_one_line_and_reads_back_as_itself() {
        replay("display_name");
    }

    #[test]
    fn log_09_a_normalised_password_is_a_password_and_the_same() {
        replay("password");
    }

    #[test]
    fn red_01_to_red_04_a_place_to_return_to_is_on_our_own_origin() {
        replay("return_to");
    }

    #[test]
    fn csr_04_rec_02_a_public_url_is_one_origin_and_knows_itself() {
        replay("public_url");
    }

    #[test]
    fn a_resource_is_an_absolute_uri_kept_as_it_came() {
        replay("resource_id");
    }

    #[test]
    fn i16_no_form_of_a_store_url_shows_its_password() {
        replay("store_url");
    }

    #[test]
    fn ses_19_two_cookies_of_one_name_are_none_wherever_they_stand() {
        replay("cookies");
    }

    #[test]
    fn http_05_log_28_a_form_has_each_field_once_and_reads_back_as_itself() {
        replay("form");
    }

    #[test]
    fn log_27_log_28_dos_05_no_body_takes_an_unknown_or_repeated_field() {
        replay("json_body");
    }

    #[test]
    fn http_10_no_header_of_a_stranger_changes_an_address() {
        replay("client_address");
    }

    #[test]
    fn csr_02_csr_04_jwt_21_rec_02_headers_are_taken_exactly_or_not_at_all() {
        replay("headers");
    }

    #[test]
    fn http_01_heads_end_where_the_parser_finds_their_end() {
        replay("heads");
    }

    #[test]
    fn logg_01_a_user_agent_leaves_names_of_ours_and_nothing_else() {
        replay("user_agent");
    }

    #[test]
    fn a_language_is_one_of_ours_and_never_unasked() {
        replay("accept_language");
    }

    #[test]
    fn a_scope_is_a_bounded_set_of_words() {
        replay("scope");
    }

    #[test]
    fn i13_a_configuration_file_starts_a_sound_server_or_is_refused_with_reasons() {
        replay("config_file");
    }

    #[test]
    fn i13_an_environment_starts_a_sound_server_or_is_refused_with_reasons() {
        replay("config_environment");
    }

    #[test]
    fn i16_rec_12_mail_settings_are_one_line_and_show_no_password() {
        replay("mail_settings");
    }

    #[test]
    fn a_span_is_bounded_and_reads_back_as_itself() {
        replay("span");
    }

    #[test]
    fn a_stored_hash_has_one_text_and_bounded_costs() {
        replay("stored_hash");
    }

    #[test]
    fn an_admin_command_reads_back_as_itself() {
        replay("admin_command");
    }
}
