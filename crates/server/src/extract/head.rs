//! Request line and headers: at most 16 KiB together (design section 7).

use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

/// The most that a request may say before its body.
const MAX_HEAD: usize = 16 * 1024;

/// Whether it says more. The listener reads somewhat more than this, so that a browser with too many cookies gets a page
/// that explains (attack SES-20).
pub(crate) fn is_too_large(uri: &Uri, headers: &HeaderMap) -> bool {
    size(uri, headers) > MAX_HEAD
}

/// Its length, in bytes.
pub(crate) fn size(uri: &Uri, headers: &HeaderMap) -> usize {
    let target = uri.path_and_query().map_or(0, |target| target.as_str().len());
    target + headers.iter().map(|(name, value)| line(name, value)).sum::<usize>()
}

/// Whether its cookies alone say more: nobody but a site beside ours, or ours, can bring that about.
pub(crate) fn has_too_many_cookies(headers: &HeaderMap) -> bool {
    let cookies = headers.get_all(header::COOKIE).iter();
    cookies.map(|value| line(&header::COOKIE, value)).sum::<usize>() > MAX_HEAD
}

/// With `: ` and the end of the line.
fn line(name: &HeaderName, value: &HeaderValue) -> usize {
    name.as_str().len() + value.len() + 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ses_20_http_05_path_and_headers_count_together() {
        let is_too_large = |path: usize, cookies: &[usize]| {
            let mut headers = HeaderMap::new();
            for size in cookies {
                headers.append(header::COOKIE, HeaderValue::try_from("x".repeat(*size)).unwrap());
            }
            super::is_too_large(&format!("/{}", "x".repeat(path)).parse().unwrap(), &headers)
        };
        assert!(!is_too_large(0, &[8 * 1024]));
        assert!(!is_too_large(7 * 1024, &[8 * 1024]));
        assert!(is_too_large(9 * 1024, &[8 * 1024]));
        assert!(is_too_large(0, &[16 * 1024]));
        assert!(is_too_large(0, &[4 * 1024; 4]));
        assert!(is_too_large(16 * 1024, &[]));
    }

    #[test]
    fn ses_10_ses_20_a_long_address_is_not_too_many_cookies() {
        let cookies = |sizes: &[usize]| {
            let values = sizes.iter().map(|size| HeaderValue::try_from("x".repeat(*size)).unwrap());
            has_too_many_cookies(&values.map(|value| (header::COOKIE, value)).collect())
        };
        assert!(!cookies(&[]));
        assert!(!cookies(&[8 * 1024]));
        assert!(cookies(&[16 * 1024]));
        assert!(cookies(&[4 * 1024; 4]));
    }
}
