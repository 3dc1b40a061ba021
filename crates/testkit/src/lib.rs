//! Test support: servers, stores, clocks, clients, mailboxes and browsers. Nothing depends on it but tests.

#![expect(clippy::expect_used, reason = "a test fails by panicking, its helpers too")]

pub mod browser;
pub mod client;
pub mod clock;
pub mod every;
pub mod faults;
pub mod flood;
pub mod held;
pub mod http2;
pub mod inspect;
pub mod logs;
pub mod peer;
pub mod people;
pub mod person;
pub mod port;
pub mod programs;
pub mod races;
pub mod raw;
pub mod server;
pub mod sink;
pub mod stores;
pub mod tls;

pub use client::{Answer, Client, Tokens, patiently};
pub use clock::{ManualClock, START};
pub use every::{on_every_store, on_every_store_with};
pub use port::Port;
pub use server::{Options, TestServer};
pub use sink::{Letter, Sink};
pub use stores::{OwnStore, StoreKind};
