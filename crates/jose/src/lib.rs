//! JWS, JWT, JWK and status lists: strict parsing, one verification path.
//!
//! A thin layer over `aws-lc-rs` that makes the mistakes of JOSE impossible to write: the caller lists the algorithms,
//! one key has one algorithm, each kind of token has its `typ`, unverified and verified claims are different types, and
//! what is malformed is never taken for absent. No I/O, no clock: `now` is a parameter.
//!
//! ```
//! use countersign_jose::{AccessToken, Alg, Audience, Header, KeySet, MAX_LEN, Policy, SigningKey, verify};
//! # use countersign_jose::{Error, Status, StatusReference};
//! # fn main() -> Result<(), Error> {
//! # let claims = AccessToken {
//! #     iss: "https://id.example".into(),
//! #     sub: "acc_1".into(),
//! #     aud: vec!["https://api.example".into()],
//! #     exp: 1_800_000_300,
//! #     iat: 1_800_000_000,
//! #     jti: "tok_1".into(),
//! #     client_id: "countersign".into(),
//! #     scope: "account".into(),
//! #     sid: None,
//! #     auth_time: None,
//! #     amr: vec![],
//! #     acr: None,
//! #     status: Status {
//! #         status_list: StatusReference { idx: 7, uri: "https://id.example/statuslists/1".into() },
//! #     },
//! #     cnf: None,
//! # };
//! let (key, _pkcs8) = SigningKey::generate(Alg::Es256)?;
//! let token = key.sign(&Header { typ: AccessToken::TYP }, &claims)?;
//!
//! let keys = KeySet::new([key.verifying()?])?;
//! let policy = Policy {
//!     typ: AccessToken::TYP,
//!     algs: &[Alg::Es256],
//!     issuer: "https://id.example",
//!     audience: Audience::AnyOf(&["https://api.example"]),
//!     now: 1_800_000_100,
//!     leeway: 30,
//!     max_len: MAX_LEN,
//! };
//! let verified = verify::<AccessToken>(&token, &keys, &policy)?;
//! assert_eq!(verified.claims().sub, "acc_1");
//! # Ok(())
//! # }
//! ```
//!
//! [`Error`] has the table of what each refusal means to the caller.

mod alg;
mod assertion;
mod base64;
mod claims;
pub mod digest;
mod dpop;
mod error;
mod id_token;
pub mod json;
mod jwk;
pub mod jws;
mod key_set;
mod policy;
mod public_key;
mod registered;
mod rsa;
mod sign;
mod status_list;
mod verified;
mod verify;

pub use alg::Alg;
pub use assertion::{AssertionKeys, AssertionPolicy, ClientAssertion};
pub use claims::{AccessToken, Claims, Confirmation, MAX_SUBJECT, Status, StatusReference};
pub use dpop::DpopProof;
pub use error::Error;
pub use id_token::{IdToken, LogoutEvents, LogoutToken, at_hash};
pub use jwk::{Jwk, JwkSet};
pub use key_set::{KeySet, VerifyingKey};
pub use policy::{Audience, MAX_LEEWAY, MAX_LEN, Policy};
pub use registered::MAX_TIME;
pub use sign::{Header, Pkcs8, SigningKey};
pub use status_list::{MAX_STATUS_LIST_LEN, StatusBits, StatusList, StatusListToken};
pub use verified::{Unverified, Verified};
pub use verify::{verify, verify_hint};
