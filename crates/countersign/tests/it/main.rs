//! Whole servers, asked from outside: HTTP, browsers, mail.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod anonymous;
mod authorization;
mod browser;
mod cookies;
mod cors;
mod csrf;
mod faces;
mod logins;
mod people;
mod redirects;
mod sessions;
mod support;
