//! Credentials: the ways to prove an account. So far one: the password.

pub mod change;
pub mod password;
pub mod policy;

pub use password::Password;
