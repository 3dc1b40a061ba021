//! Test support: browsers, servers, clocks and mailboxes.

pub mod browser;
