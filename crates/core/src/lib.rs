//! The domain of Countersign: the words, the rules and their decisions. No I/O, no async, no clock, no dice.
//!
//! A *rule* is one file with one `decide`: it takes the facts that the store loaded and the request that the server
//! extracted, and returns a decision, which the store turns into a guarded batch. Time ([`Time`]) and randomness
//! ([`Random`]) are parameters everywhere.

pub mod account;
pub mod audit;
pub mod authorize;
pub mod claims;
pub mod client;
pub mod consent;
pub mod credential;
pub mod device;
pub mod grant;
pub mod id;
pub mod key;
pub mod locale;
pub mod login;
pub mod mail;
pub mod outbound;
pub mod policy;
pub mod random;
pub mod recovery;
pub mod replay;
pub mod revocation;
pub mod seal;
pub mod secret;
pub mod session;
pub mod throttle;
pub mod time;
pub mod token;
pub mod url;

pub use id::{
    AccountId, AuditId, CredentialId, GrantId, Id, JobId, LoginId, PendingId, RequestId, ResetId, SessionId,
};
pub use locale::Locale;
pub use policy::Policy;
pub use random::Random;
pub use time::{Span, Time, clock_jump};
