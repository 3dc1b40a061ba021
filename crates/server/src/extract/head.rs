//! Request line and headers: at most 16 KiB together (design section 7).

use http::{HeaderMap, Uri};

/// The most that a request may say before its body.
const MAX_HEAD: usize = 16 * 1024;

/// Whether it says more. The listener reads somewhat more than this, so that a browser with too many cookies gets a page
/// that explains (attack SES-20).
pub(crate) fn is_too_large(uri: &Uri, headers: &HeaderMap) -> bool {
    // `: ` and the end of the line.
    let line = |name: &str, value: &[u8]| name.len() + value.len() + 4;
    let target = uri.path_and_query().map_or(0, |target| target.as_str().len());
    let lines = headers.iter().map(|(name, value)| line(name.as_str(), value.as_bytes()));
    target + lines.sum::<usize>() > MAX_HEAD
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderValue, header};

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
}
