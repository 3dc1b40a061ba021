//! Recovery: a forgotten password is replaced by whoever reads the account's mail, by link only.

pub mod recover;
pub mod reset;
