//! `POST /locale`: the language buttons at the foot of every page.

use axum::response::Response;
use countersign_core::Locale;
use countersign_core::url::ReturnTo;

use crate::extract::form::Form;
use crate::respond::problem::{Kind, Problem};
use crate::respond::{cookie, page};

/// Fields: `locale` (`en`, `ko`) and `return_to`, the page that the button was on.
pub(crate) async fn choose(form: Form) -> Result<Response, Problem> {
    let locale = Locale::parse(form.text("locale")).ok_or_else(|| Problem::new(Kind::InvalidRequest))?;
    let mut response = page::see_other(&back(form.text("return_to")));
    cookie::locale(response.headers_mut(), locale);
    Ok(response)
}

/// A request that waits lies in the address of its page: 6 KiB of it, and the page.
const MAX_BYTES: usize = 7 * 1024;

/// Back to the page the button was on: a path of ours, or the start page. The pages that a login may not return to are
/// the very ones whose language is changed most, so they are named.
fn back(path: &str) -> String {
    const PAGES: [&str; 8] =
        ["/login", "/register", "/recover", "/reset", "/verify", "/logout", "/consent", "/select"];
    let (page, query) = path.split_once('?').unwrap_or((path, ""));
    let query_is_plain =
        query.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"=&-_.~%/".contains(&byte));
    if PAGES.contains(&page) && query_is_plain && path.len() <= MAX_BYTES {
        return path.to_owned();
    }
    ReturnTo::parse(path).map_or_else(|| "/".to_owned(), |path| path.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_buttons_lead_back_to_our_own_pages_only() {
        for path in ["/login", "/login?return_to=%2Faccount", "/verify?sent=1", "/account/sessions"] {
            assert_eq!(back(path), path);
        }
        for path in [
            "//evil.tld",
            "https://evil.tld",
            "/login?x=\r\nSet-Cookie:a=b",
            "/login/../x",
            "",
            "/api/v1/session",
        ] {
            assert_eq!(back(path), "/", "{path}");
        }
    }
}
