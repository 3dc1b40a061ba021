//! Which passwords may be chosen (LOG-29; NIST SP 800-63B-4 section 3.1.1.2, ASVS 6.2). Asked wherever a password is set,
//! never at login.
//!
//! No composition rules. A password is refused for one reason, which is told: it is short, many people use it, it is
//! made of the owner's own name or address, or it is guessed within about a million tries.

mod common;

use zeroize::Zeroizing;
use zxcvbn::{Score, zxcvbn};

use super::password::{Password, PasswordError};
use crate::account::identifier::{DisplayName, Email, fold};

/// What an attacker knows about the account that the password is for.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The account's address.
    pub email: Option<&'a Email>,
    /// The name it is shown by.
    pub name: Option<&'a DisplayName>,
    /// What the service calls itself, such as `countersign`.
    pub service: &'a str,
}

/// In characters (Unicode scalar values) after NFKC.
const MIN_CHARS: usize = 8;
/// The estimate takes time that grows steeply with length: 64 characters take it 20 ms, 138 take 50 ms. What stands
/// within the first 40 characters is judged; more can only make a password stronger.
const MAX_ESTIMATED_CHARS: usize = 40;
/// The estimate tries every combination of the letters that these may stand for (`4` and `@` for `a`), so that a
/// password with all of them takes it 130 ms.
const LETTER_LIKE: &str = "4@({[<69!1|7$5+";
/// Of the above, in one password; the others are taken for the symbols that they are.
const MAX_LETTER_LIKE: usize = 6;
/// A password of which fewer characters than this are left without the context words is one of them.
const MIN_OWN_CHARS: usize = 4;
/// Shorter words occur by chance.
const MIN_WORD_CHARS: usize = 3;

/// Whether `password` may be chosen. Takes up to some milliseconds of one core: it belongs where passwords are hashed.
pub fn check(password: &Password, context: &Context<'_>) -> Result<(), Rejection> {
    let text = password.as_str();
    if text.chars().count() < MIN_CHARS {
        return Err(Rejection::TooShort);
    }
    let folded = Zeroizing::new(fold(text));
    if common::contains(&folded) {
        return Err(Rejection::Common);
    }
    let words = context.words();
    let own = own_chars(&folded, &words);
    if own < MIN_OWN_CHARS {
        return Err(Rejection::Context);
    }
    if estimate(text, &words) >= Score::Two {
        return Ok(());
    }
    // Of two true reasons the one that says what to leave out, where leaving it out would be a real change.
    let is_half_context = own <= folded.chars().count() / 2;
    Err(if is_half_context { Rejection::Context } else { Rejection::Guessable })
}

/// Why a password may not be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Under 8 characters.
    #[error("use at least 8 characters")]
    TooShort,
    /// Over 1,024 bytes.
    #[error("use at most 1,024 bytes")]
    TooLong,
    /// In the list of common passwords.
    #[error("this is one of the most used passwords")]
    Common,
    /// Made of the account's own address or name, or of the service's.
    #[error("leave out your email address, your name and the name of this service")]
    Context,
    /// Guessed within about a million tries.
    #[error("this is easy to guess; a few unrelated words are not")]
    Guessable,
}

impl Rejection {
    /// The stable code for the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
            Self::Common => "common",
            Self::Context => "context",
            Self::Guessable => "guessable",
        }
    }
}

/// A text that cannot be a password at all, told in the policy's words.
impl From<PasswordError> for Rejection {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Empty => Self::TooShort,
            PasswordError::TooLong => Self::TooLong,
        }
    }
}

impl Context<'_> {
    /// The words to look for, folded, the longest first so that `alice@example.com` goes before `alice`.
    fn words(&self) -> Vec<String> {
        let email = self.email.map_or("", Email::canonical);
        let (local, domain) = email.split_once('@').unwrap_or_default();
        // Without `com` and its like, which are nobody's own.
        let (domain_stem, _) = domain.rsplit_once('.').unwrap_or((domain, ""));
        let name = fold(self.name.map_or("", DisplayName::as_str));
        let service = fold(self.service);
        let parts =
            [local, domain_stem, &name, &service].map(|text| text.split(|c: char| !c.is_alphanumeric()));
        let mut words: Vec<String> = [email, local, domain, &name, &service]
            .into_iter()
            .chain(parts.into_iter().flatten())
            .filter(|word| word.chars().count() >= MIN_WORD_CHARS)
            .map(str::to_owned)
            .collect();
        words.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        words.dedup();
        words
    }
}

/// How many characters of the password are none of the words.
fn own_chars(folded: &str, words: &[String]) -> usize {
    let mut rest = Zeroizing::new(folded.to_owned());
    for word in words {
        // A mark where the word was, lest the pieces around it join to another one.
        rest = Zeroizing::new(rest.replace(word, "\u{10ffff}"));
    }
    rest.chars().filter(|c| *c != char::MAX).count()
}

fn estimate(text: &str, words: &[String]) -> Score {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    zxcvbn(&bounded(text), &words).score()
}

/// The text with its cost bounded.
fn bounded(text: &str) -> Zeroizing<String> {
    let mut seen = String::with_capacity(MAX_LETTER_LIKE);
    let bounded = text.chars().take(MAX_ESTIMATED_CHARS).map(|c| {
        if !LETTER_LIKE.contains(c) || seen.contains(c) {
            return c;
        }
        if seen.len() < MAX_LETTER_LIKE {
            seen.push(c);
            return c;
        }
        // Its twin in the private use area: a symbol that stands for no letter, and the same one each time.
        char::from_u32(0xe000 + u32::from(c)).unwrap_or(c)
    });
    Zeroizing::new(bounded.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check_for_alice(text: &str) -> Result<(), Rejection> {
        let email = Email::parse("alice.liddell+wonder@rabbithole.example").unwrap();
        let name = DisplayName::parse("Alice Pleasance Hargreaves").unwrap();
        let context = Context { email: Some(&email), name: Some(&name), service: "countersign" };
        check(&Password::parse(text)?, &context)
    }

    #[test]
    fn log_29_each_password_is_accepted_or_refused_with_its_reason() {
        let passphrase = "pencil orbit walnut curious ladder seven umbrellas drifting home";
        assert_eq!(passphrase.len(), 64);
        let spaces_and_emoji = format!("{}🐎", " ".repeat(15));
        let (repeated, longest) = ("ab".repeat(512), format!("{}{}", "q7#Lm zP2v", "x".repeat(1014)));
        let table = [
            ("14 characters", "kor9 tamble-fu", Ok(())),
            ("64-character passphrase", passphrase, Ok(())),
            ("8 random characters", "x7Kq_w2m", Ok(())),
            ("no composition rule", "tangleberrymoon", Ok(())),
            ("Korean", "말하는두꺼비의다리", Ok(())),
            ("symbols alone", "({[<@4!|7$5+", Ok(())),
            ("emoji alone", "🐎🔋📎🧷🪁🥨🛶🧂", Ok(())),
            ("longest", &longest, Ok(())),
            ("own word and enough of one's own", "alice q7#Lm zP2v", Ok(())),
            ("empty", "", Err(Rejection::TooShort)),
            ("7 characters", "x7Kq_w2", Err(Rejection::TooShort)),
            ("7 characters, 28 bytes", "🐎🔋📎🧷🪁🥨🛶", Err(Rejection::TooShort)),
            (
                "8 characters of which NFKC leaves 4",
                "e\u{301}e\u{301}e\u{301}e\u{301}",
                Err(Rejection::TooShort),
            ),
            ("1,025 bytes", &"x".repeat(1025), Err(Rejection::TooLong)),
            ("most used", "password", Err(Rejection::Common)),
            ("most used, other case", "PassWord123", Err(Rejection::Common)),
            ("most used, full-width", "１２３４５６７８９", Err(Rejection::Common)),
            ("breached", "iloveyou2", Err(Rejection::Common)),
            ("own address", "alice.liddell+wonder@rabbithole.example", Err(Rejection::Context)),
            ("own address, upper case", "ALICE.LIDDELL+WONDER@RABBITHOLE.EXAMPLE", Err(Rejection::Context)),
            ("own domain", "rabbithole.example", Err(Rejection::Context)),
            ("own name", "Alice Pleasance Hargreaves", Err(Rejection::Context)),
            ("parts of the name", "hargreavesalice", Err(Rejection::Context)),
            ("name and a little", "Hargreaves1!", Err(Rejection::Context)),
            ("name and a year", "Hargreaves2024", Err(Rejection::Context)),
            ("service", "countersign", Err(Rejection::Context)),
            ("service and a little", "Countersign123", Err(Rejection::Context)),
            ("15 spaces and an emoji", &spaces_and_emoji, Err(Rejection::Guessable)),
            ("one letter", "aaaaaaaaaaaaaaaa", Err(Rejection::Guessable)),
            ("repeated over 1,024 bytes", &repeated, Err(Rejection::Guessable)),
            ("keyboard walk", "asdfghjkl;'", Err(Rejection::Guessable)),
            ("decorated word", "P@ssw0rd!1", Err(Rejection::Guessable)),
            ("date", "24-11-1987", Err(Rejection::Guessable)),
            ("weak for itself, with a word of the context in it", "exampled1", Err(Rejection::Guessable)),
        ];
        for (name, text, expected) in table {
            assert_eq!(check_for_alice(text), expected, "{name}");
        }
    }

    #[test]
    fn an_account_without_name_and_address_is_judged_by_the_rest() {
        let context = Context { email: None, name: None, service: "countersign" };
        let judge = |text: &str| check(&Password::parse(text)?, &context);
        assert_eq!(judge("Hargreaves rabbithole"), Ok(()));
        assert_eq!(judge("countersign!!"), Err(Rejection::Context));
    }

    #[test]
    fn the_cost_of_an_estimate_is_bounded() {
        let few = "P@$$w0rd 1!1! 1234";
        assert_eq!(*bounded(few), few);
        let many = bounded("4@({[<4@({[<69!69!");
        assert_eq!(*many, "4@({[<4@({[<\u{e036}\u{e039}\u{e021}\u{e036}\u{e039}\u{e021}");
        assert_eq!(bounded(&"🐎".repeat(1000)).chars().count(), MAX_ESTIMATED_CHARS);
    }

    #[test]
    fn context_words_are_whole_texts_and_their_parts() {
        let email = Email::parse("Bo.Li@mail.example.org").unwrap();
        let name = DisplayName::parse("Bo Weiß").unwrap();
        let words = Context { email: Some(&email), name: Some(&name), service: "Acme" }.words();
        let expected = [
            "bo.li@mail.example.org",
            "mail.example.org",
            "bo weiss",
            "example",
            "bo.li",
            "weiss",
            "acme",
            "mail",
        ];
        assert_eq!(words, expected);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_password_is_refused_when_short_or_common(text in ".{0,80}|[a-z0-9 ]{0,80}|(password|\\PC){0,20}") {
            let verdict = check_for_alice(&text);
            let Ok(password) = Password::parse(&text) else { return Ok(()) };
            let is_short = password.as_str().chars().count() < MIN_CHARS;
            prop_assert_eq!(verdict == Err(Rejection::TooShort), is_short);
            prop_assert_eq!(verdict == Err(Rejection::Common), !is_short && common::contains(&fold(&text)));
        }
    }
}
