//! Usernames: letters and digits of one script (UTS 39).

use unicode_normalization::UnicodeNormalization as _;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory as _};
use unicode_security::{GeneralSecurityProfile as _, MixedScript as _};

use super::text::{MAX_TYPED_BYTES, fold};

/// A name to log in with. It never holds an `@`, so it can never be taken for an address (LOG-05).
///
/// `==` compares both forms; whether two of them name one account is asked of [`Username::canonical`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Username {
    display: String,
    canonical: String,
}

const MIN_CHARS: usize = 3;
const MAX_CHARS: usize = 64;

impl Username {
    /// Reads a username as typed; white space around it is dropped.
    ///
    /// Letters of one script (Japanese and Korean may add Han), ASCII digits, and `.`, `_` and `-` inside.
    pub fn parse(text: &str) -> Result<Self, UsernameError> {
        if text.len() > MAX_TYPED_BYTES {
            return Err(UsernameError::TooLong);
        }
        let display: String = text.trim().nfkc().collect();
        let canonical = fold(&display);
        match canonical.chars().count() {
            ..MIN_CHARS => return Err(UsernameError::TooShort),
            MIN_CHARS..=MAX_CHARS => {}
            _ => return Err(UsernameError::TooLong),
        }
        let is_plain = canonical.chars().all(is_username_char)
            && canonical.starts_with(char::is_alphanumeric)
            && !canonical.ends_with(['.', '_', '-'])
            && fold(&canonical) == canonical;
        if !is_plain {
            return Err(UsernameError::Invalid);
        }
        if !canonical.is_single_script() || imitates_ascii(&canonical) {
            return Err(UsernameError::Confusable);
        }
        if looks_like_an_id(&canonical) {
            return Err(UsernameError::Reserved);
        }
        Ok(Self { display, canonical })
    }

    /// For the store: a username as it was kept. It is not judged again, for rules that grow stricter must not lock
    /// out those who came in under the old ones.
    pub fn stored(display: String, canonical: String) -> Self {
        Self { display, canonical }
    }

    /// As typed (its case included), after NFKC and trimming.
    pub fn display(&self) -> &str {
        &self.display
    }

    /// The form that is looked up, limited and unique.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }
}

/// Why a text is no username. The client is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UsernameError {
    /// Under 3 characters.
    #[error("a username needs at least 3 characters")]
    TooShort,
    /// Over 64 characters.
    #[error("a username has at most 64 characters")]
    TooLong,
    /// Something other than letters, digits and inner `.`, `_`, `-`.
    #[error("a username has only letters, digits, and dots, dashes or underscores inside")]
    Invalid,
    /// Letters of several scripts, or of one that pass for others.
    #[error("the letters of a username are of one script, and cannot pass for other ones")]
    Confusable,
    /// The shape of one of our ids.
    #[error("this username is reserved")]
    Reserved,
}

impl UsernameError {
    /// The stable code for the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooShort => "username_too_short",
            Self::TooLong => "username_too_long",
            Self::Invalid => "username_invalid",
            Self::Confusable => "username_confusable",
            Self::Reserved => "username_reserved",
        }
    }
}

/// Letters and marks in everyday use, by UTS 39's list of allowed characters.
fn is_username_char(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    }
    matches!(c.general_category_group(), GeneralCategoryGroup::Letter | GeneralCategoryGroup::Mark)
        && c.identifier_allowed()
}

/// Cyrillic `сосо` is of one script, and on the screen it is `coco`.
fn imitates_ascii(name: &str) -> bool {
    !name.is_ascii() && unicode_security::skeleton(name).all(|c| c.is_ascii())
}

/// `acc_` and 26 characters, or any other prefix: nobody gets to be called like somebody's id.
fn looks_like_an_id(name: &str) -> bool {
    name.split_once('_').is_some_and(|(prefix, rest)| {
        prefix.len() == 3 && rest.len() == 26 && rest.bytes().all(|b| b.is_ascii_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_11_twins_map_to_one_canonical_form() {
        let table = [
            ("Alice", "alice"),
            (" ａｌｉｃｅ ", "alice"),
            ("alıce", "alice"),
            ("ALİCE", "alice"),
            ("ﬁona", "fiona"),
            ("Weiß", "weiss"),
            ("jose\u{301}", "josé"),
            ("joe_smith-1.x", "joe_smith-1.x"),
            ("job_hunter", "job_hunter"),
            ("홍길동7", "홍길동7"),
            ("иван.петров", "иван.петров"),
            ("山田さん", "山田さん"),
            ("सीता", "सीता"),
        ];
        for (typed, canonical) in table {
            assert_eq!(
                Username::parse(typed).map(|name| name.canonical),
                Ok(canonical.to_owned()),
                "{typed}"
            );
        }
        assert_eq!(Username::parse(" AliCe ").map(|name| name.display), Ok("AliCe".to_owned()));
    }

    #[test]
    fn what_is_no_username_is_refused_with_its_reason() {
        let id = format!("acc_{}", "0".repeat(26));
        let (longest, longer, huge) = ("a".repeat(64), "a".repeat(65), "a".repeat(10_240));
        let table = [
            ("", UsernameError::TooShort),
            (" ab ", UsernameError::TooShort),
            ("\u{200b}\u{200b}", UsernameError::TooShort),
            (&longer, UsernameError::TooLong),
            (&huge, UsernameError::TooLong),
            ("a@b", UsernameError::Invalid),
            ("a＠b.tld", UsernameError::Invalid),
            ("alice\u{200b}", UsernameError::Invalid),
            ("\u{202e}alice", UsernameError::Invalid),
            ("alice.", UsernameError::Invalid),
            (".alice", UsernameError::Invalid),
            ("al ice", UsernameError::Invalid),
            ("al\0ice", UsernameError::Invalid),
            ("alice\r\nx", UsernameError::Invalid),
            ("<b>alice", UsernameError::Invalid),
            ("../../etc", UsernameError::Invalid),
            ("alice❤", UsernameError::Invalid),
            ("alice\u{378}", UsernameError::Invalid),
            ("\u{301}abc", UsernameError::Invalid),
            ("аlice", UsernameError::Confusable),
            ("홍gildong", UsernameError::Confusable),
            ("сосо", UsernameError::Confusable),
            (&id, UsernameError::Reserved),
            (&id.to_uppercase(), UsernameError::Reserved),
        ];
        for (typed, error) in table {
            assert_eq!(Username::parse(typed), Err(error), "{typed:?}");
        }
        assert!(Username::parse(&longest).is_ok());
    }

    #[test]
    fn a_stored_username_comes_back_as_it_was() {
        let name = Username::parse("Alice").unwrap();
        assert_eq!(Username::stored(name.display().to_owned(), name.canonical().to_owned()), name);
    }
}
