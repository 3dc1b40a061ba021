//! Logging in: from a proof to a session.

pub mod password;
