//! Tokens: what a grant turns into for whoever asks with it.

pub mod access;
pub mod confirmation;
pub mod dpop;
pub mod introspect;
pub mod sid;
pub mod subject;

pub use confirmation::Confirmation;
