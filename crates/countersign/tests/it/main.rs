//! Whole servers, asked from outside: HTTP, browsers, mail.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod anonymous;
mod asvs;
mod authorization;
mod authorize;
mod browser;
mod claims;
mod cli;
mod client_auth;
mod clocks;
mod contract;
mod cookies;
mod corruption;
mod cors;
mod csrf;
mod faces;
mod faults;
mod forms;
mod front;
mod http;
mod keys;
mod limits;
mod logins;
mod logs;
mod metrics;
mod namespaces;
mod pages;
mod passwords;
mod pathways;
mod people;
mod races;
mod readiness;
mod recovery;
mod redirects;
mod refresh;
mod registration;
mod resources;
mod sessions;
mod smtp;
mod status_lists;
mod support;
mod throttling;
mod tokens;
mod transport;
