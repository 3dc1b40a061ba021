//! The crate from outside: one file a theme, names that begin with the row of the attack catalogue.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod algorithms;
mod assertions;
mod claims;
mod headers;
mod jwe_and_nesting;
mod key_sets;
mod keys;
mod kinds;
mod oracle;
mod proofs;
mod properties;
mod shape;
mod signatures;
mod status_lists;
mod strict_json;
mod support;
mod times;
mod vectors;
