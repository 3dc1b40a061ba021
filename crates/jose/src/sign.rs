//! Private keys and what they sign.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256, RsaKeyPair,
};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::public_key::PublicKey;
use crate::rsa::RsaPublic;
use crate::{Alg, DpopProof, Error, Jwk, VerifyingKey, base64};

/// A private key in PKCS#8 DER: wiped when dropped, and without `Debug`.
pub struct Pkcs8(Zeroizing<Vec<u8>>);

impl Pkcs8 {
    fn copy(der: &[u8]) -> Self {
        Self(Zeroizing::new(der.to_vec()))
    }

    /// The DER bytes, to be sealed before they are stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What a header says beside `alg` and `kid`, which are the key's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The kind of token, as in `at+jwt`.
    pub typ: &'static str,
}

/// A private key, parsed once, bound to one algorithm (invariant I8). It has no `Debug` and gives nothing private out.
pub struct SigningKey {
    pair: KeyPair,
    jwk: Jwk,
}

enum KeyPair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

impl SigningKey {
    /// Makes a new key, and its PKCS#8 form to keep. RSA keys have 2048 bits and take a while.
    pub fn generate(alg: Alg) -> Result<(Self, Pkcs8), Error> {
        let (pair, pkcs8) = match alg {
            Alg::Es256 => {
                let pair =
                    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| Error::Crypto)?;
                let pkcs8 = Pkcs8::copy(pair.to_pkcs8v1().map_err(|_| Error::Crypto)?.as_ref());
                (KeyPair::Ecdsa(pair), pkcs8)
            }
            Alg::EdDsa => {
                let pair = Ed25519KeyPair::generate().map_err(|_| Error::Crypto)?;
                let pkcs8 = Pkcs8::copy(pair.to_pkcs8v1().map_err(|_| Error::Crypto)?.as_ref());
                (KeyPair::Ed25519(pair), pkcs8)
            }
            Alg::Rs256 | Alg::Ps256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| Error::Crypto)?;
                let pkcs8 = Pkcs8::copy(pair.as_der().map_err(|_| Error::Crypto)?.as_ref());
                (KeyPair::Rsa(pair), pkcs8)
            }
        };
        Ok((Self::from_pair(alg, pair)?, pkcs8))
    }

    /// Reads a PKCS#8 key, which must be of the algorithm's kind and as strong as a public one has to be.
    pub fn from_pkcs8(alg: Alg, der: &[u8]) -> Result<Self, Error> {
        let pair = match alg {
            Alg::Es256 => EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map(KeyPair::Ecdsa),
            Alg::EdDsa => Ed25519KeyPair::from_pkcs8(der).map(KeyPair::Ed25519),
            Alg::Rs256 | Alg::Ps256 => RsaKeyPair::from_pkcs8(der).map(KeyPair::Rsa),
        };
        Self::from_pair(alg, pair.map_err(|_| Error::MalformedKey)?)
    }

    fn from_pair(alg: Alg, pair: KeyPair) -> Result<Self, Error> {
        let public = match &pair {
            KeyPair::Ecdsa(pair) => PublicKey::p256_uncompressed(pair.public_key().as_ref())?,
            KeyPair::Ed25519(pair) => {
                let point = pair.public_key().as_ref().try_into().map_err(|_| Error::MalformedKey)?;
                PublicKey::ed25519(point)?
            }
            KeyPair::Rsa(pair) => PublicKey::rsa(RsaPublic::from_der(pair.public_key().as_ref())?)?,
        };
        Ok(Self { pair, jwk: Jwk::named_by_thumbprint(alg, public) })
    }

    /// The RFC 7638 thumbprint of the public key.
    pub fn kid(&self) -> &str {
        self.jwk.kid()
    }

    /// The one algorithm of this key.
    pub fn alg(&self) -> Alg {
        self.jwk.alg()
    }

    /// The public key, to be published.
    pub fn public(&self) -> &Jwk {
        &self.jwk
    }

    /// The public key, to verify with.
    pub fn verifying(&self) -> Result<VerifyingKey, Error> {
        VerifyingKey::new(&self.jwk)
    }

    /// Signs claims into a compact JWT. They must serialise to a JSON object.
    pub fn sign(&self, header: &Header, claims: &impl Serialize) -> Result<String, Error> {
        self.compact(&FullHeader { alg: self.alg().as_str(), typ: header.typ, kid: self.kid() }, claims)
    }

    /// Signs claims into a `DPoP` proof, which brings the public key along (RFC 9449 section 4.2).
    pub fn prove(&self, claims: &impl Serialize) -> Result<String, Error> {
        let header = ProofHeader { alg: self.alg().as_str(), typ: DpopProof::TYP, jwk: &self.jwk };
        self.compact(&header, claims)
    }

    fn compact(&self, header: &impl Serialize, claims: &impl Serialize) -> Result<String, Error> {
        let claims = serde_json::to_vec(claims).map_err(|_| Error::Serialize)?;
        if claims.first() != Some(&b'{') {
            return Err(Error::Serialize);
        }
        let header = serde_json::to_vec(header).map_err(|_| Error::Serialize)?;

        let mut token = String::with_capacity((header.len() + claims.len() + 256) * 4 / 3 + 8);
        base64::encode_onto(header, &mut token);
        token.push('.');
        base64::encode_onto(claims, &mut token);
        self.append_signature(&mut token)?;
        Ok(token)
    }

    /// Appends the signature over what is there. ES256 is `r || s`, 64 bytes (RFC 7518 section 3.4).
    fn append_signature(&self, token: &mut String) -> Result<(), Error> {
        let rng = SystemRandom::new();
        let (signature, rsa_signature);
        let bytes = match &self.pair {
            KeyPair::Ecdsa(pair) => {
                signature = pair.sign(&rng, token.as_bytes()).map_err(|_| Error::Crypto)?;
                signature.as_ref()
            }
            KeyPair::Ed25519(pair) => {
                signature = pair.try_sign(token.as_bytes()).map_err(|_| Error::Crypto)?;
                signature.as_ref()
            }
            KeyPair::Rsa(pair) => {
                rsa_signature = self.rsa_signature(pair, &rng, token.as_bytes())?;
                rsa_signature.as_slice()
            }
        };
        token.push('.');
        base64::encode_onto(bytes, token);
        Ok(())
    }

    fn rsa_signature(&self, pair: &RsaKeyPair, rng: &SystemRandom, message: &[u8]) -> Result<Vec<u8>, Error> {
        let padding = if self.alg() == Alg::Ps256 { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(padding, rng, message, &mut signature).map_err(|_| Error::Crypto)?;
        Ok(signature)
    }
}

#[derive(Serialize)]
struct FullHeader<'a> {
    alg: &'static str,
    typ: &'static str,
    kid: &'a str,
}

#[derive(Serialize)]
struct ProofHeader<'a> {
    alg: &'static str,
    typ: &'static str,
    jwk: &'a Jwk,
}
