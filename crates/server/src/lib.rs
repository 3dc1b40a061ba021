//! The HTTP service of Countersign.
//!
//! A request takes five steps, always in this order: *extract* a typed request, let the store load *facts*, ask a rule of
//! the core for a *decision*, *apply* it with its audit event in one transaction, *respond*. Nothing here decides
//! protocol, and nothing here sees SQL.

pub mod admin;
pub mod app;
mod client_keys;
pub mod clock;
pub mod config;
mod ctx;
mod extract;
mod flows;
pub mod front;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod hash_pool;
pub mod invitations;
pub mod jobs;
pub mod keyring;
mod mailer;
pub mod metrics;
mod middleware;
pub mod openapi;
pub mod outbound;
mod outbox;
pub mod random;
mod readiness;
pub mod request;
pub mod reseal;
mod respond;
pub mod restore;
pub mod router;
mod routes;
pub mod serve;
pub mod trace;

pub use app::{App, StartError};
