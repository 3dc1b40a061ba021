//! PKCE (RFC 7636): the code works only for whoever began the request. S256 alone (RFC 9700 section 2.1.1; attacks OAU-13,
//! OAU-14).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::client::{Client, Kind};
use crate::secret::sha256;

use super::{Parameters, Refusal};

/// SHA-256 of the verifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Challenge([u8; 32]);

impl Challenge {
    /// Reads a `code_challenge`: 43 characters of base64url, the one text of 32 bytes.
    pub fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// The text.
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Whether a `code_verifier` fits: 43 to 128 unreserved characters (RFC 7636 section 4.1; attack OAU-15).
    pub fn fits(&self, verifier: &str) -> bool {
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let well_formed = (43..=128).contains(&verifier.len()) && verifier.bytes().all(unreserved);
        let digest = sha256(verifier.as_bytes());
        let equal = aws_lc_rs::constant_time::verify_slices_are_equal(digest.as_bytes(), &self.0).is_ok();
        well_formed && equal
    }
}

/// The challenge, if there is one; demanded by profile, and of every client that has no secret.
pub fn check(parameters: &Parameters, client: &Client) -> Result<Option<Challenge>, Refusal> {
    let (challenge, method) = (parameters.get("code_challenge"), parameters.get("code_challenge_method"));
    match (challenge, method) {
        (Some(text), Some("S256")) => match Challenge::parse(text) {
            Some(challenge) => Ok(Some(challenge)),
            None => Err(Refusal::invalid("code_challenge is 43 characters of base64url.")),
        },
        (Some(_), _) => Err(Refusal::invalid("code_challenge_method is S256.")),
        (None, Some(_)) => Err(Refusal::invalid("code_challenge is missing.")),
        (None, None) if client.profile.demands_pkce() => Err(Refusal::invalid("Send code_challenge (PKCE).")),
        (None, None) if client.kind() == Kind::Public => {
            Err(Refusal::invalid("A client without a secret sends code_challenge (PKCE)."))
        }
        (None, None) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorize::tests::{client, parameters};
    use crate::client::{AuthMethod, Profile};

    // RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn read(challenge: Option<&str>, method: Option<&str>, client: &Client) -> Result<bool, Refusal> {
        let parameters = parameters(&[])
            .with("code_challenge", challenge.map(str::to_owned))
            .with("code_challenge_method", method.map(str::to_owned));
        check(&parameters, client).map(|found| found.is_some())
    }

    #[test]
    fn oau_13_a_challenge_is_demanded_by_profile_and_of_who_has_no_secret() {
        let of = |profile, method| {
            let mut client = client();
            client.profile = profile;
            client.metadata.token_endpoint_auth_method = method;
            client
        };
        let confidential = AuthMethod::ClientSecretBasic;
        for (client, without) in [
            (of(Profile::Oauth21, AuthMethod::None), false),
            (of(Profile::Oauth21, confidential), false),
            (of(Profile::Fapi2, AuthMethod::PrivateKeyJwt), false),
            (of(Profile::Oidc, AuthMethod::None), false),
            (of(Profile::Oidc, confidential), true),
        ] {
            assert_eq!(read(Some(CHALLENGE), Some("S256"), &client), Ok(true));
            assert_eq!(read(None, None, &client).is_ok(), without, "{:?}", client.profile);
        }
    }

    #[test]
    fn oau_14_only_s256_in_its_one_form_is_a_challenge() {
        let mut lax = client();
        lax.profile = Profile::Oidc;
        for (challenge, method) in [
            (Some(CHALLENGE), Some("plain")),
            (Some(CHALLENGE), None),
            (Some(CHALLENGE), Some("s256")),
            (Some(CHALLENGE), Some("S512")),
            (Some(&CHALLENGE[..42]), Some("S256")),
            (Some(&*format!("{CHALLENGE}A")), Some("S256")),
            (Some(&*format!("{CHALLENGE}=")), Some("S256")),
            (Some(&*CHALLENGE.replace('-', "+")), Some("S256")),
            (Some(&*CHALLENGE.replace('M', "N")), Some("S256")),
            (None, Some("S256")),
            (None, Some("plain")),
        ] {
            // The last characters of some are changed to ones that leave stray bits; a few stay whole.
            let whole =
                challenge.is_some_and(|text| Challenge::parse(text).is_some()) && method == Some("S256");
            assert_eq!(read(challenge, method, &lax).is_ok(), whole, "{challenge:?} {method:?}");
        }
    }

    #[test]
    fn oau_15_only_the_verifier_itself_fits() {
        let challenge = Challenge::parse(CHALLENGE).unwrap();
        assert_eq!(challenge.encode(), CHALLENGE);
        assert!(challenge.fits(VERIFIER));
        let long = "a".repeat(129);
        let of_long = Challenge(*sha256(long.as_bytes()).as_bytes());
        let of_bad = Challenge(*sha256("é".repeat(30).as_bytes()).as_bytes());
        for wrong in ["", CHALLENGE, &VERIFIER[..42], &format!("{VERIFIER}a"), &VERIFIER.to_lowercase()] {
            assert!(!challenge.fits(wrong), "{wrong}");
        }
        assert!(!of_long.fits(&long) && !of_bad.fits(&"é".repeat(30)));
    }
}
