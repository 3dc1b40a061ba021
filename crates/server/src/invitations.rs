//! Who was invited to register clients: whoever holds an initial access token (RFC 7591 section 3), of the file
//! `registration.token_file` or made by `countersign client registration-token`.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use countersign_core::client::invitation;
use countersign_core::secret::{Hash, MacKey, sha256};
use countersign_core::{Random, Time};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Tokens are short, and few.
const MAX_BYTES: u64 = 64 * 1024;
/// A token that a person made up in the time of a coffee is shorter.
const MIN_TOKEN: usize = 32;

/// What makes and knows initial access tokens.
#[derive(Debug)]
pub struct Invitations {
    key: MacKey,
    listed: Vec<Hash>,
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    /// It is not there, or not ours.
    #[error("{0} cannot be read: {1}")]
    Unreadable(PathBuf, io::Error),
    /// Its mode.
    #[error("{0} can be read by others: `chmod 600 {0}`")]
    Open(PathBuf),
    /// What is in it.
    #[error("{0}: line {1} has fewer than 32 characters: `openssl rand -hex 32` makes a token")]
    Short(PathBuf, usize),
    /// Its size.
    #[error("{0} is no file of tokens: one a line, 64 KiB at most")]
    Strange(PathBuf),
}

impl Invitations {
    pub(crate) fn new(key: MacKey, file: Option<&Path>) -> Result<Self, TokenFileError> {
        Ok(Self { key, listed: file.map_or(Ok(Vec::new()), read)? })
    }

    /// A token that registers clients until `until`.
    pub(crate) fn invite(&self, until: Time, random: &dyn Random) -> Zeroizing<String> {
        Zeroizing::new(invitation::invite(&self.key, until, random))
    }

    /// Whether whoever sends this token was invited.
    pub(crate) fn knows(&self, token: &str, now: Time) -> bool {
        let given = sha256(token.as_bytes());
        let listed = self
            .listed
            .iter()
            .fold(false, |found, hash| found | bool::from(hash.as_bytes().ct_eq(given.as_bytes())));
        listed || invitation::counts(&self.key, token, now)
    }
}

fn read(path: &Path) -> Result<Vec<Hash>, TokenFileError> {
    let unreadable = |error| TokenFileError::Unreadable(path.to_owned(), error);
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() || metadata.len() > MAX_BYTES {
        return Err(TokenFileError::Strange(path.to_owned()));
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(TokenFileError::Open(path.to_owned()));
    }
    let mut text = Zeroizing::new(String::new());
    file.take(MAX_BYTES).read_to_string(&mut text).map_err(unreadable)?;
    let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line.trim()));
    let tokens = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    tokens
        .map(|(number, token)| match token.len() {
            0..MIN_TOKEN => Err(TokenFileError::Short(path.to_owned(), number)),
            _ => Ok(sha256(token.as_bytes())),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::Span;
    use countersign_core::random::Counter;
    use std::fs::{Permissions, set_permissions, write};
    use std::os::unix::fs::PermissionsExt as _;

    const NOW: Time = Time::from_micros(1_700_000_000_000_000);

    #[test]
    fn oau_58_only_tokens_of_the_file_and_our_own_invite() {
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("tokens");
        let key = || MacKey::new(&[7; 32]);
        assert!(matches!(Invitations::new(key(), Some(&file)), Err(TokenFileError::Unreadable(..))));
        let token = "0123456789abcdef0123456789abcdef";
        write(&file, format!("# ours\n\n {token}\n")).unwrap();
        assert!(matches!(Invitations::new(key(), Some(&file)), Err(TokenFileError::Open(_))));
        set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        let invitations = Invitations::new(key(), Some(&file)).unwrap();
        let made = invitations.invite(NOW + Span::hours(1), &Counter::new(1));
        for (token, known) in
            [(token, true), (&made, true), ("# ours", false), ("", false), (&token[1..], false)]
        {
            assert_eq!(invitations.knows(token, NOW), known, "{token}");
        }
        assert!(!invitations.knows(&made, NOW + Span::hours(1)));
        write(&file, "short\n").unwrap();
        assert!(matches!(Invitations::new(key(), Some(&file)), Err(TokenFileError::Short(_, 1))));
    }
}
