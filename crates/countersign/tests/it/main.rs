//! Whole servers, asked from outside: HTTP, browsers, mail.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod anonymous;
mod authorization;
mod browser;
mod claims;
mod cli;
mod cookies;
mod cors;
mod csrf;
mod faces;
mod logins;
mod passwords;
mod pathways;
mod people;
mod redirects;
mod refresh;
mod registration;
mod resources;
mod sessions;
mod support;
mod tokens;
