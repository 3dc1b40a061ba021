//! What a page and the API do alike: load facts, ask the rule, apply its decision, again if the batch was lost.
//!
//! A flow knows nothing of forms, JSON or HTML: it takes what was extracted and returns what came of it.

pub(crate) mod authorize;
pub(crate) mod choose;
pub(crate) mod client;
pub(crate) mod client_credentials;
pub(crate) mod consent;
pub(crate) mod device;
pub(crate) mod document;
pub(crate) mod end;
pub(crate) mod login;
pub(crate) mod mint;
mod pace;
pub(crate) mod password;
pub(crate) mod poll;
pub(crate) mod profile;
pub(crate) mod recover;
pub(crate) mod redeem;
pub(crate) mod refresh;
pub(crate) mod register;
pub(crate) mod reset;
pub(crate) mod throttle;
pub(crate) mod unvouched;
pub(crate) mod verify;
pub(crate) mod waiting;
