//! Persistence: facts read, guarded batches written, over one SQL text for SQLite and PostgreSQL.
//!
//! One file a word of the domain: its SQL, functions that load facts, functions that turn a decision into a [`Batch`].
//! **Nothing is decided here**, and nothing outside sees SQL. What every session check needs is kept in memory
//! ([`live`]) and is never behind what was acknowledged.

pub mod account;
pub mod audit;
pub mod backchannel;
pub mod backup;
mod batch;
pub mod cleanup;
pub mod client;
pub mod code;
mod columns;
pub mod consent;
pub mod credential;
pub mod db;
pub mod device_code;
pub mod ephemeral;
pub mod grant;
mod heartbeat;
mod indexes;
pub mod job;
pub mod key;
pub mod live;
pub mod login;
pub mod meter;
pub mod recovery;
pub mod redeem;
pub mod reseal;
pub mod resource;
pub mod restore;
pub mod revocation;
pub mod session;
pub mod spent;
mod store;
mod tell;

pub use batch::Batch;
pub use db::{Error, Result};
pub use store::{Outcome, Store};

/// Every statement of the store, to be prepared on both engines.
fn statements() -> impl Iterator<Item = &'static str> {
    [
        account::STATEMENTS,
        account::change::STATEMENTS,
        account::profile::STATEMENTS,
        account::register::STATEMENTS,
        account::verify::STATEMENTS,
        audit::STATEMENTS,
        backchannel::STATEMENTS,
        cleanup::STATEMENTS,
        client::STATEMENTS,
        code::STATEMENTS,
        consent::STATEMENTS,
        client::change::STATEMENTS,
        client::register::STATEMENTS,
        credential::STATEMENTS,
        device_code::STATEMENTS,
        grant::STATEMENTS,
        grant::END_STATEMENTS,
        grant::list::STATEMENTS,
        heartbeat::STATEMENTS,
        indexes::STATEMENTS,
        job::STATEMENTS,
        key::STATEMENTS,
        login::STATEMENTS,
        recovery::STATEMENTS,
        redeem::STATEMENTS,
        reseal::STATEMENTS,
        resource::STATEMENTS,
        restore::STATEMENTS,
        revocation::STATEMENTS,
        session::STATEMENTS,
        spent::STATEMENTS,
        batch::STATEMENTS,
    ]
    .into_iter()
    .flatten()
    .copied()
}
