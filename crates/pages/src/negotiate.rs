//! Which language a reader gets.

use countersign_core::Locale;
use fluent_langneg::{NegotiationStrategy, negotiate_languages};
use unic_langid::{LanguageIdentifier, langid};

/// The language a reader gets: the one chosen before (the locale cookie), else the best that `Accept-Language`
/// (RFC 9110 section 12.5.4) asks for, else English. Garbage in either is no error: it asks for nothing.
pub fn negotiate(cookie: Option<&str>, accept_language: Option<&str>) -> Locale {
    let chosen = cookie.and_then(Locale::parse);
    chosen.or_else(|| accept_language.and_then(best)).unwrap_or_default()
}

/// Longer lists are cut: nobody reads thirty languages, and sorting a header must cost nothing.
const LANGUAGES_READ: usize = 30;

fn best(accept_language: &str) -> Option<Locale> {
    let mut asked: Vec<(LanguageIdentifier, u16)> =
        accept_language.split(',').take(LANGUAGES_READ).filter_map(weighted).collect();
    asked.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
    let asked: Vec<LanguageIdentifier> = asked.into_iter().map(|(language, _)| language).collect();
    let written = [langid!("en"), langid!("ko")];
    let found = negotiate_languages(&asked, &written, None, NegotiationStrategy::Filtering);
    found.first().and_then(|language| Locale::parse(language.language.as_str()))
}

/// One entry of the header: its language and its weight in thousandths. Weight 0 means "not this one".
fn weighted(entry: &str) -> Option<(LanguageIdentifier, u16)> {
    let (tag, parameters) = entry.split_once(';').unwrap_or((entry, ""));
    let weight = match parameters.trim().strip_prefix("q=") {
        Some(weight) => thousandths(weight.trim())?,
        None => 1000,
    };
    let language = tag.trim().parse().ok()?;
    (weight > 0).then_some((language, weight))
}

fn thousandths(weight: &str) -> Option<u16> {
    let (whole, fraction) = weight.split_once('.').unwrap_or((weight, ""));
    let fraction = format!("{fraction:0<3}");
    let whole = whole.parse::<u16>().ok().filter(|whole| *whole <= 1)?;
    let value = whole * 1000 + fraction.parse::<u16>().ok().filter(|_| fraction.len() == 3)?;
    (value <= 1000).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_wins_then_the_header_then_english() {
        let table = [
            (Some("ko"), Some("en"), Locale::Ko),
            (Some("en"), Some("ko"), Locale::En),
            (Some("fr"), Some("ko"), Locale::Ko),
            (Some("KO\r\n"), None, Locale::En),
            (None, Some("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7"), Locale::Ko),
            (None, Some("en-US,en;q=0.9,ko;q=0.8"), Locale::En),
            (None, Some("en;q=0.2, ko;q=0.95"), Locale::Ko),
            (None, Some("fr-CH, fr;q=0.9, ko;q=0.5, *;q=0.1"), Locale::Ko),
            (None, Some("ko;q=0, en;q=0.1"), Locale::En),
            (None, Some("ko;q=0"), Locale::En),
            (None, Some("de"), Locale::En),
            (None, Some("*"), Locale::En),
            (None, Some(""), Locale::En),
            (None, Some(";;;,,,q=,ko;q=abc,-,💥"), Locale::En),
            (None, Some("ko;q=65535.9, ko;q=1.9999999999"), Locale::En),
            (None, Some("ko;q=-1, en"), Locale::En),
            (None, None, Locale::En),
        ];
        for (cookie, header, expected) in table {
            assert_eq!(negotiate(cookie, header), expected, "{cookie:?} {header:?}");
        }
    }

    #[test]
    fn a_long_header_is_read_only_so_far() {
        let header = format!("{}ko", "fr,".repeat(5000));
        assert_eq!(negotiate(None, Some(&header)), Locale::En);
    }
}
