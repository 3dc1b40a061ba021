//! What holds for every page.

use crate::markup::{Tag, tags};
use countersign_core::Locale;
use countersign_pages::{Rendered, assets, render_samples};
use std::collections::HashSet;

fn every_sample() -> impl Iterator<Item = Rendered> {
    Locale::ALL.into_iter().flat_map(render_samples)
}

/// Asks something of every page and names those where it does not hold.
fn on_every_page(holds: impl Fn(&[Tag<'_>]) -> bool) {
    let failing: Vec<String> =
        every_sample().filter(|page| !holds(&tags(&page.html))).map(|page| page.name).collect();
    assert!(failing.is_empty(), "{failing:?}");
}

fn opening<'t, 'a>(tags: &'t [Tag<'a>], name: &str) -> Vec<&'t Tag<'a>> {
    tags.iter().filter(|tag| tag.name == name && !tag.closes).collect()
}

#[test]
fn every_page_has_one_heading_and_at_most_one_primary_button() {
    on_every_page(|tags| opening(tags, "h1").len() == 1);
    on_every_page(|tags| tags.iter().filter(|tag| tag.has_class("primary")).count() <= 1);
}

#[test]
fn every_page_names_its_language_and_its_service() {
    for page in every_sample() {
        let language = page.name.rsplit('.').next().unwrap();
        assert!(page.html.contains(&format!("<html lang=\"{language}\">")), "{}", page.name);
        assert!(page.html.contains(" · Countersign</title>"), "{}", page.name);
    }
}

#[test]
fn no_page_has_an_inline_style_or_script() {
    on_every_page(|tags| opening(tags, "style").is_empty());
    on_every_page(|tags| tags.iter().all(|tag| tag.attribute("style").is_none()));
    on_every_page(|tags| tags.iter().flat_map(Tag::attribute_names).all(|name| !name.starts_with("on")));
    on_every_page(|tags| {
        let scripts = opening(tags, "script");
        // A form that sends itself has a script for that alone.
        let sends = tags.iter().any(|tag| tag.attribute("id") == Some("form-post"));
        scripts.len() == 1 + usize::from(sends)
            && scripts.iter().all(|tag| tag.attribute("src").is_some())
            && scripts.iter().all(|tag| tag.attribute("nonce") == Some("bm9uY2U"))
    });
}

#[test]
fn every_link_stays_here_but_those_of_mails() {
    let static_files: HashSet<&str> = assets().iter().map(|asset| asset.path.as_str()).collect();
    let known = |link: &str| link.starts_with('#') || link.starts_with('/') || link.starts_with("http");
    on_every_page(|tags| tags.iter().filter_map(|tag| tag.attribute("href")).all(known));
    on_every_page(|tags| {
        let loaded = tags.iter().filter(|tag| matches!(tag.name, "link" | "script" | "img"));
        let mut paths = loaded.filter_map(|tag| tag.attribute("href").or_else(|| tag.attribute("src")));
        paths.all(|path| static_files.contains(path))
    });
}

#[test]
fn ids_are_unique_and_references_lead_to_them() {
    for page in every_sample() {
        let tags = tags(&page.html);
        let ids: Vec<&str> = tags.iter().filter_map(|tag| tag.attribute("id")).collect();
        let unique: HashSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), unique.len(), "{}: {ids:?}", page.name);
        for name in ["for", "aria-describedby", "aria-labelledby"] {
            let references = tags.iter().filter_map(|tag| tag.attribute(name));
            for reference in references.flat_map(|all| all.split(' ')) {
                assert!(unique.contains(reference), "{}: {name}={reference}", page.name);
            }
        }
    }
}

#[test]
fn every_field_has_a_label_and_says_what_it_is_for() {
    for page in every_sample() {
        let tags = tags(&page.html);
        let labelled: HashSet<_> =
            opening(&tags, "label").iter().filter_map(|tag| tag.attribute("for")).collect();
        let shown = opening(&tags, "input").into_iter().filter(|tag| {
            tag.attribute("hidden").is_none() && !matches!(tag.attribute("type"), Some("hidden" | "checkbox"))
        });
        for field in shown {
            assert!(labelled.contains(field.attribute("id").unwrap()), "{}: {field:?}", page.name);
            assert!(field.attribute("autocomplete").is_some_and(|word| word != "off"), "{}", page.name);
        }
    }
}

#[test]
fn every_error_is_an_alert_and_an_invalid_field_says_why() {
    on_every_page(|tags| {
        let bad = tags.iter().filter(|tag| tag.has_class("error") || tag.has_class("bad"));
        bad.into_iter().all(|tag| tag.attribute("role") == Some("alert") && tag.attribute("id").is_some())
    });
    on_every_page(|tags| {
        let mut invalid = tags.iter().filter(|tag| tag.attribute("aria-invalid").is_some());
        invalid.all(|tag| tag.attribute("aria-describedby").is_some())
    });
}

#[test]
fn every_form_posts_to_a_page_of_ours() {
    on_every_page(|tags| {
        let mut forms = opening(tags, "form").into_iter();
        forms.all(|form| {
            // One carries an answer to an application.
            let ours = form.attribute("action").unwrap().starts_with('/');
            form.attribute("method") == Some("post") && (ours || form.attribute("id") == Some("form-post"))
        })
    });
}

#[test]
fn every_page_for_people_who_are_signed_in_has_a_way_out() {
    for page in every_sample() {
        let named = |names: &[&str]| names.iter().any(|name| page.name.starts_with(&format!("{name}.")));
        let signed_in = named(&["account", "sessions", "apps", "security", "logout"]);
        assert_eq!(page.html.contains("<a href=\"/logout\">"), signed_in, "{}", page.name);
    }
}

#[test]
fn tags_are_closed_in_order() {
    for page in every_sample() {
        let mut open = Vec::new();
        for tag in tags(&page.html).iter().filter(|tag| !tag.is_void()) {
            if tag.closes {
                assert_eq!(open.pop(), Some(tag.name), "{}", page.name);
            } else {
                open.push(tag.name);
            }
        }
        assert!(open.is_empty(), "{}: {open:?}", page.name);
    }
}

#[test]
fn no_text_is_missing() {
    for page in every_sample() {
        assert!(!page.html.contains('⟦'), "{}", page.name);
    }
}

#[test]
fn the_contract_with_tests_from_outside_is_kept() {
    let table = [
        (
            "login.empty.en",
            vec!["name=\"username\"", "name=\"password\"", "name=\"remember\"", "id=\"login-submit\""],
        ),
        ("login.empty.en", vec!["<h1>Sign in</h1>", "action=\"/login\""]),
        ("login.long.en", vec!["name=\"return_to\""]),
        (
            "register.empty.en",
            vec!["name=\"email\"", "name=\"name\"", "name=\"password\"", "id=\"register-submit\""],
        ),
        ("check_mail.other-browser.en", vec!["name=\"email\"", "name=\"code\"", "name=\"password\""]),
        ("check_mail.sent.en", vec!["action=\"/verify/resend\"", "action=\"/verify\""]),
        ("verify.other-browser.en", vec!["name=\"token\"", "name=\"password\"", "action=\"/verify\""]),
        ("recover.empty.en", vec!["name=\"email\"", "id=\"recover-submit\"", "action=\"/recover\""]),
        ("reset.empty.en", vec!["name=\"token\"", "name=\"password\"", "id=\"reset-submit\""]),
        ("security.empty.en", vec!["name=\"current\"", "name=\"new\"", "id=\"password-submit\""]),
        (
            "sessions.many.en",
            vec!["action=\"/account/sessions/ses_2/end\"", "action=\"/account/sessions/end-others\""],
        ),
        ("logout.page.en", vec!["<h1>Sign out?</h1>", "id=\"logout-confirm\""]),
        ("logged_out.page.en", vec!["<h1>You are signed out</h1>"]),
        ("error.internal.en", vec!["<h1>Something went wrong</h1>"]),
        ("login.empty.en", vec!["action=\"/locale\"", "name=\"return_to\"", "name=\"locale\" value=\"ko\""]),
    ];
    let pages = render_samples(Locale::En);
    for (name, parts) in table {
        let page = pages.iter().find(|page| page.name == name).unwrap();
        for part in parts {
            assert!(page.html.contains(part), "{name}: {part}");
        }
    }
}
