//! Keys, and tokens of any header and any claims, well-formed or not.

use std::fmt::Write as _;
use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_jose::{
    AccessToken, Alg, Audience, Error, KeySet, MAX_LEN, Policy, SigningKey, Verified, VerifyingKey, verify,
};

pub(crate) const ISSUER: &str = "https://id.example";
pub(crate) const AUDIENCE: &str = "https://api.example";
pub(crate) const NOW: i64 = 1_800_000_000;
pub(crate) const LEEWAY: i64 = 30;

/// A key that signs whatever it is given.
pub(crate) struct Signer {
    pub(crate) key: SigningKey,
    pub(crate) pkcs8: Vec<u8>,
}

pub(crate) static ES256: LazyLock<Signer> = LazyLock::new(|| Signer::generate(Alg::Es256));
pub(crate) static EDDSA: LazyLock<Signer> = LazyLock::new(|| Signer::generate(Alg::EdDsa));
pub(crate) static RS256: LazyLock<Signer> = LazyLock::new(|| Signer::generate(Alg::Rs256));
pub(crate) static PS256: LazyLock<Signer> = LazyLock::new(|| Signer::generate(Alg::Ps256));

/// One key of each algorithm.
pub(crate) fn signers() -> [&'static Signer; 4] {
    [&ES256, &EDDSA, &RS256, &PS256]
}

impl Signer {
    pub(crate) fn generate(alg: Alg) -> Self {
        let (key, pkcs8) = SigningKey::generate(alg).unwrap();
        Self { key, pkcs8: pkcs8.as_bytes().to_vec() }
    }

    pub(crate) fn verifying(&self) -> VerifyingKey {
        self.key.verifying().unwrap()
    }

    pub(crate) fn keys(&self) -> KeySet {
        KeySet::new([self.verifying()]).unwrap()
    }

    pub(crate) fn header(&self) -> Members {
        Members::default()
            .with("alg", &quoted(self.key.alg().as_str()))
            .with("typ", &quoted(AccessToken::TYP))
            .with("kid", &quoted(self.key.kid()))
    }

    /// The raw signature over any bytes.
    pub(crate) fn signature(&self, message: &[u8]) -> Vec<u8> {
        let rng = SystemRandom::new();
        let rsa = |padding| {
            let pair = RsaKeyPair::from_pkcs8(&self.pkcs8).unwrap();
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(padding, &rng, message, &mut signature).unwrap();
            signature
        };
        match self.key.alg() {
            Alg::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &self.pkcs8).unwrap();
                pair.sign(&rng, message).unwrap().as_ref().to_vec()
            }
            Alg::EdDsa => Ed25519KeyPair::from_pkcs8(&self.pkcs8).unwrap().sign(message).as_ref().to_vec(),
            Alg::Rs256 => rsa(&RSA_PKCS1_SHA256),
            Alg::Ps256 => rsa(&RSA_PSS_SHA256),
            other => unreachable!("{other}"),
        }
    }

    /// A token over exactly these bytes, truly signed.
    pub(crate) fn token_of(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        let input = format!("{}.{}", encode(header), encode(payload));
        let signature = encode(self.signature(input.as_bytes()));
        format!("{input}.{signature}")
    }

    /// An access token that verifies.
    pub(crate) fn good_token(&self) -> String {
        self.token_of(self.header().json(), claims().json())
    }

    /// Verifies an access token with this key and the usual policy.
    pub(crate) fn verify(&self, token: &str) -> Result<Verified<AccessToken>, Error> {
        verify(token, &self.keys(), &policy())
    }

    /// What becomes of a truly signed token with this header.
    pub(crate) fn verify_header(&self, header: &Members) -> Result<Verified<AccessToken>, Error> {
        self.verify(&self.token_of(header.json(), claims().json()))
    }

    /// What becomes of a truly signed token with these claims.
    pub(crate) fn verify_claims(&self, claims: &Members) -> Result<Verified<AccessToken>, Error> {
        self.verify(&self.token_of(self.header().json(), claims.json()))
    }
}

/// The members of a JSON object as raw text, so that any nonsense can be written.
#[derive(Clone, Default)]
pub(crate) struct Members(Vec<(String, String)>);

impl Members {
    /// Sets a member to raw JSON text.
    pub(crate) fn with(mut self, name: &str, json: &str) -> Self {
        match self.0.iter_mut().find(|(own, _)| own == name) {
            Some(member) => json.clone_into(&mut member.1),
            None => self.0.push((name.to_owned(), json.to_owned())),
        }
        self
    }

    /// Adds a member even if there is one of that name.
    pub(crate) fn and(mut self, name: &str, json: &str) -> Self {
        self.0.push((name.to_owned(), json.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(own, _)| own != name);
        self
    }

    pub(crate) fn json(&self) -> String {
        let mut text = String::from("{");
        for (at, (name, json)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(text, "{comma}\"{name}\":{json}").unwrap();
        }
        text + "}"
    }
}

/// The claims of an access token that the usual policy accepts.
pub(crate) fn claims() -> Members {
    Members::default()
        .with("iss", &quoted(ISSUER))
        .with("sub", "\"acc_1\"")
        .with("aud", &quoted(AUDIENCE))
        .with("exp", &(NOW + 300).to_string())
        .with("iat", &NOW.to_string())
        .with("jti", "\"tok_1\"")
        .with("client_id", "\"countersign\"")
        .with("scope", "\"account openid\"")
        .with("status", r#"{"status_list":{"idx":7,"uri":"https://id.example/statuslists/1"}}"#)
}

/// The usual policy.
pub(crate) fn policy() -> Policy<'static> {
    Policy {
        typ: AccessToken::TYP,
        algs: Alg::ALL,
        issuer: ISSUER,
        audience: Audience::AnyOf(&[AUDIENCE]),
        now: NOW,
        leeway: LEEWAY,
        max_len: MAX_LEN,
    }
}

pub(crate) fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// The three parts of a token.
pub(crate) fn parts(token: &str) -> [&str; 3] {
    token.split('.').collect::<Vec<_>>().try_into().unwrap()
}
