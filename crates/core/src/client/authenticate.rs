//! Whether a client is who it says (RFC 6749 section 2.3; attacks OAU-32, OAU-33, OAU-36).
//!
//! Secrets of clients are made by the server, from 256 random bits, so a fast hash does; it is compared in constant
//! time, and for a client that does not exist something is compared too.

use subtle::ConstantTimeEq as _;

use crate::Time;
use crate::secret::Hash;

use super::{AuthMethod, Client};

/// What came along to prove it: exactly one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Nothing but the name.
    Name,
    /// A secret, by its hash, and the way it came.
    Secret(AuthMethod, Hash),
    /// An assertion that was verified with this method's keys; `false`: none of them fits.
    Assertion(AuthMethod, bool),
}

/// What the store knows.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The client of that name.
    pub client: Option<&'a Client>,
    /// Hashes of its secrets, each with its end.
    pub secrets: &'a [(Hash, Option<Time>)],
}

/// Why a client is refused: told to the log alone. On the wire all of it is `invalid_client`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No client has this name.
    Unknown,
    /// It was closed, or ran out.
    Closed,
    /// It has to prove itself in another way.
    Method,
    /// Wrong, or no longer counting.
    Proof,
}

impl Refusal {
    /// For the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "no such client",
            Self::Closed => "the client is closed",
            Self::Method => "not the client's method",
            Self::Proof => "a wrong proof",
        }
    }
}

/// Decides whether the client may speak. The secret is compared before anything else is asked.
pub fn decide(facts: &Facts<'_>, proof: Proof, now: Time) -> Result<(), Refusal> {
    const NOBODYS: (Hash, Option<Time>) = (Hash::from_bytes([0; 32]), Some(Time::from_micros(0)));
    let (method, proved) = match proof {
        Proof::Name => (AuthMethod::None, true),
        Proof::Secret(method, given) => {
            let stored = facts.secrets.iter().chain([&NOBODYS]);
            let counts = |end: Option<Time>| end.is_none_or(|end| now < end);
            let fits = |(hash, end): &(Hash, Option<Time>)| {
                bool::from(hash.as_bytes().ct_eq(given.as_bytes())) & counts(*end)
            };
            (method, stored.fold(false, |found, secret| found | fits(secret)))
        }
        Proof::Assertion(method, verified) => (method, verified),
    };
    let client = facts.client.ok_or(Refusal::Unknown)?;
    if client.metadata.token_endpoint_auth_method != method {
        Err(Refusal::Method)
    } else if !proved {
        Err(Refusal::Proof)
    } else if !client.is_open(now) {
        Err(Refusal::Closed)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Span;
    use crate::client::{ClientId, Metadata, Origin, Profile};
    use crate::secret::sha256;

    const NOW: Time = Time::from_micros(1_700_000_000_000_000);

    fn client(method: AuthMethod) -> Client {
        Client {
            id: ClientId::parse("notes").unwrap(),
            origin: Origin::Operator,
            profile: Profile::Oauth21,
            first_party: false,
            disabled: false,
            created_at: NOW,
            expires_at: None,
            index: None,
            metadata: Metadata { token_endpoint_auth_method: method, ..Metadata::default() },
        }
    }

    #[test]
    fn oau_32_oau_36_a_client_proves_itself_in_its_own_way_with_a_secret_that_counts() {
        let (old, new, wrong) = (sha256(b"old"), sha256(b"new"), sha256(b"wrong"));
        let secrets = [(new, None), (old, Some(NOW + Span::hours(1)))];
        let basic = client(AuthMethod::ClientSecretBasic);
        let public = client(AuthMethod::None);
        let keyed = client(AuthMethod::PrivateKeyJwt);
        let closed = Client { disabled: true, ..basic.clone() };
        let over = Client { expires_at: Some(NOW), ..basic.clone() };
        let by_basic = |hash| Proof::Secret(AuthMethod::ClientSecretBasic, hash);
        let by_post = |hash| Proof::Secret(AuthMethod::ClientSecretPost, hash);
        let later = NOW + Span::hours(1);
        let table = [
            ("the secret", Some(&basic), by_basic(new), NOW, Ok(())),
            ("the one before, in its window", Some(&basic), by_basic(old), NOW, Ok(())),
            ("the one before, after it", Some(&basic), by_basic(old), later, Err(Refusal::Proof)),
            ("a wrong one", Some(&basic), by_basic(wrong), NOW, Err(Refusal::Proof)),
            ("nobody's", Some(&basic), by_basic(Hash::from_bytes([0; 32])), NOW, Err(Refusal::Proof)),
            ("the secret in the form", Some(&basic), by_post(new), NOW, Err(Refusal::Method)),
            ("no secret", Some(&basic), Proof::Name, NOW, Err(Refusal::Method)),
            ("a secret for a client without one", Some(&public), by_basic(new), NOW, Err(Refusal::Method)),
            ("a public client", Some(&public), Proof::Name, NOW, Ok(())),
            ("an assertion", Some(&keyed), Proof::Assertion(AuthMethod::PrivateKeyJwt, true), NOW, Ok(())),
            (
                "a forged assertion",
                Some(&keyed),
                Proof::Assertion(AuthMethod::PrivateKeyJwt, false),
                NOW,
                Err(Refusal::Proof),
            ),
            (
                "an assertion under a MAC",
                Some(&keyed),
                Proof::Assertion(AuthMethod::ClientSecretJwt, true),
                NOW,
                Err(Refusal::Method),
            ),
            ("a closed client", Some(&closed), by_basic(new), NOW, Err(Refusal::Closed)),
            ("a client that ran out", Some(&over), by_basic(new), NOW, Err(Refusal::Closed)),
            ("nobody", None, by_basic(new), NOW, Err(Refusal::Unknown)),
        ];
        for (name, client, proof, now, expected) in table {
            assert_eq!(decide(&Facts { client, secrets: &secrets }, proof, now), expected, "{name}");
        }
    }
}
