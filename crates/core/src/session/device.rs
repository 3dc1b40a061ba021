//! What a person recognises a session by: browser and system, guessed from the User-Agent header.

/// A hint for the list of sessions, never a fact to decide on: the header says what its sender likes. No versions: they
/// change under a session, and tell a thief more than its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Device {
    /// Such as `Firefox`; `None` for a header that names none we know.
    pub browser: Option<&'static str>,
    /// Such as `Windows`; likewise.
    pub system: Option<&'static str>,
}

/// More than any browser sends; the rest is not read.
const MAX_BYTES: usize = 512;

/// The first token that occurs decides. Most browsers name those that they descend from or imitate as well, so the
/// most particular name comes first: applications that embed a browser, then Chromium's descendants, then Chrome, and
/// Safari, which nearly everybody claims to be, last.
const BROWSERS: &[(&str, &str)] = &[
    ("KAKAOTALK", "KakaoTalk"),
    ("NAVER(", "NAVER"),
    ("Instagram", "Instagram"),
    ("FBAN/", "Facebook"),
    ("FBAV/", "Facebook"),
    (" Line/", "LINE"),
    ("Whale/", "Whale"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("Edge/", "Edge"),
    ("OPR/", "Opera"),
    ("OPT/", "Opera"),
    ("Opera", "Opera"),
    ("Vivaldi/", "Vivaldi"),
    ("YaBrowser/", "Yandex Browser"),
    ("DuckDuckGo/", "DuckDuckGo"),
    ("Ddg/", "DuckDuckGo"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("Wget/", "Wget"),
    ("HTTPie/", "HTTPie"),
    ("PostmanRuntime/", "Postman"),
    ("okhttp/", "OkHttp"),
    ("python-requests/", "Python"),
    ("python-httpx/", "Python"),
    ("Python-urllib/", "Python"),
    ("Go-http-client/", "Go"),
];

/// Likewise: Android names Linux, and iPhones and iPads name Mac OS X.
const SYSTEMS: &[(&str, &str)] = &[
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("CrOS", "ChromeOS"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
    ("FreeBSD", "FreeBSD"),
];

impl Device {
    /// Guesses from the text of a User-Agent header.
    pub fn from_user_agent(header: &str) -> Self {
        let header = &header[..header.floor_char_boundary(MAX_BYTES)];
        Self { browser: first_named(BROWSERS, header), system: first_named(SYSTEMS, header) }
    }

    /// From the names that the store keeps. One that is no longer among ours is no longer shown.
    pub fn stored(browser: Option<&str>, system: Option<&str>) -> Self {
        Self { browser: known(BROWSERS, browser), system: known(SYSTEMS, system) }
    }
}

fn known(names: &[(&str, &'static str)], stored: Option<&str>) -> Option<&'static str> {
    names.iter().map(|(_, name)| *name).find(|name| stored == Some(name))
}

fn first_named(names: &[(&str, &'static str)], header: &str) -> Option<&'static str> {
    names.iter().find(|(token, _)| header.contains(token)).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEADERS: &[(&str, &str, &str)] = &[
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
            "Chrome",
            "Windows",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
            "Edge",
            "Windows",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Whale/4.34.340.19 Safari/537.36",
            "Whale",
            "Windows",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 OPR/124.0.0.0",
            "Opera",
            "macOS",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15",
            "Safari",
            "macOS",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox", "Linux"),
        (
            "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
            "Chrome",
            "ChromeOS",
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36",
            "Chrome",
            "Linux",
        ),
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
            "Chrome",
            "Android",
        ),
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
            "Samsung Internet",
            "Android",
        ),
        ("Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0", "Firefox", "Android"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1",
            "Safari",
            "iPhone",
        ),
        (
            "Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/141.0.0.0 Mobile/15E148 Safari/604.1",
            "Chrome",
            "iPad",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/145.0 Mobile/15E148 Safari/605.1.15",
            "Firefox",
            "iPhone",
        ),
        (
            "Mozilla/5.0 (Linux; Android 15; SM-S928N; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/141.0.0.0 Mobile Safari/537.36;KAKAOTALK 2511340",
            "KakaoTalk",
            "Android",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 NAVER(inapp; search; 1200; 12.14.1)",
            "NAVER",
            "iPhone",
        ),
    ];

    #[test]
    fn browsers_and_systems_are_told_apart() {
        for (header, browser, system) in HEADERS {
            let device = Device { browser: Some(*browser), system: Some(*system) };
            assert_eq!(Device::from_user_agent(header), device, "{header}");
        }
    }

    #[test]
    fn what_is_not_known_is_not_guessed() {
        assert_eq!(Device::from_user_agent("curl/8.17.0"), Device { browser: Some("curl"), system: None });
        for header in ["", "x", "<script>alert(1)</script>", "Mozilla/5.0"] {
            assert_eq!(Device::from_user_agent(header), Device::default(), "{header}");
        }
    }

    #[test]
    fn only_the_first_512_bytes_are_read() {
        assert_eq!(Device::from_user_agent(&format!("{} Firefox/145.0", "x".repeat(512))), Device::default());
        assert_eq!(Device::from_user_agent(&"가".repeat(10_000)), Device::default());
    }

    proptest! {
        #[test]
        fn any_header_is_read(header: String) {
            let padded = format!("Firefox/{}", header.repeat(40));
            prop_assert!(Device::from_user_agent(&padded).browser.is_some());
        }
    }

    #[test]
    fn what_was_stored_is_read_again_and_unknown_names_are_dropped() {
        let device = Device { browser: Some("Firefox"), system: Some("Windows") };
        assert_eq!(Device::stored(device.browser, device.system), device);
        assert_eq!(Device::stored(Some("<b>"), None), Device::default());
    }
}
