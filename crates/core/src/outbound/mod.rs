//! Requests that this server makes to addresses that others name: keys, documents, logout notices. Whoever can name an
//! address could otherwise reach what only this machine reaches (attacks OAU-60, OAU-61).

pub mod address;
mod exception;
mod target;

pub use exception::{Exception, InvalidException};
pub use target::{Reach, Target, TargetError};
