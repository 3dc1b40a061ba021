//! Scopes (RFC 6749 section 3.3): a set of words, kept in the order they were asked for.

use std::fmt;

/// A set of scope tokens, without repetition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scopes(Vec<String>);

/// More words, or longer ones, than any client needs (attack OAU-29).
const MAX_WORDS: usize = 32;
const MAX_LEN: usize = 1024;

/// The scope that opens `/api/v1` to a token of a first-party client.
pub const ACCOUNT: &str = "account";

/// The scope that asks for a grant that outlives its login (`OpenID` Connect Core section 11).
pub const OFFLINE_ACCESS: &str = "offline_access";

/// The scope that makes a grant one of `OpenID` Connect (Core section 3.1.2.1).
pub const OPENID: &str = "openid";

/// The scopes that mean something here and nothing at another API.
pub const OURS: [&str; 8] = [ACCOUNT, ADMIN, OPENID, "profile", "email", "address", "phone", OFFLINE_ACCESS];

/// The scope that opens `/api/v1/admin`: to a client that an operator gave it, and through it to accounts that have the role.
pub const ADMIN: &str = "admin";

impl Scopes {
    /// What a password login that asks for tokens gets.
    pub fn first_party() -> Self {
        Self(vec![ACCOUNT.to_owned()])
    }

    /// Reads a space-separated list of up to 32 words and 1,024 bytes: `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )`.
    pub fn parse(text: &str) -> Option<Self> {
        let short =
            text.len() <= MAX_LEN && text.split(' ').filter(|word| !word.is_empty()).count() <= MAX_WORDS;
        if short { Self::read(text) } else { None }
    }

    /// Reads a list that may have come together from any number of such requests.
    pub fn read(text: &str) -> Option<Self> {
        let fits = |byte: u8| matches!(byte, b' ' | 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        let words = text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned);
        text.bytes().all(fits).then(|| words.collect())
    }

    /// Those that mean something to another API.
    #[must_use]
    pub fn elsewhere(&self) -> Self {
        Self(self.0.iter().filter(|word| !OURS.contains(&word.as_str())).cloned().collect())
    }

    /// Whether the word is in it.
    pub fn contains(&self, word: &str) -> bool {
        self.0.iter().any(|known| known == word)
    }

    /// Whether all of `other` is in it (RFC 6749 section 6: a refresh never widens).
    pub fn covers(&self, other: &Self) -> bool {
        other.0.iter().all(|word| self.contains(word))
    }

    /// Those words of it that `keep` keeps.
    #[must_use]
    pub fn retain(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|word| keep(word)).cloned().collect())
    }

    /// All of both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let new = other.0.iter().filter(|word| !self.contains(word));
        Self(self.0.iter().chain(new).cloned().collect())
    }

    /// Its words, in their order.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<String> for Scopes {
    /// Words that were read one by one.
    fn from_iter<T: IntoIterator<Item = String>>(words: T) -> Self {
        let mut scopes = Self::default();
        for word in words {
            if !scopes.contains(&word) {
                scopes.0.push(word);
            }
        }
        scopes
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_a_set_of_plain_words() {
        assert_eq!(
            Scopes::parse("account  openid account").map(|s| s.to_string()),
            Some("account openid".into())
        );
        assert_eq!(Scopes::parse(""), Some(Scopes::default()));
        for bad in ["a\"b", "a\\b", "é", "a\tb", &"x ".repeat(600)] {
            assert_eq!(Scopes::parse(bad), None, "{bad}");
        }
        let many = (0..33).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        assert_eq!(Scopes::parse(&many), None);
        assert!(Scopes::parse("a b").unwrap().covers(&Scopes::parse("b").unwrap()));
        assert!(!Scopes::parse("a b").unwrap().covers(&Scopes::parse("b c").unwrap()));
        assert!(!Scopes::parse("a").unwrap().contains("A"));
    }
}
