//! The store's tests against real databases: `memory:`, a SQLite file and, where
//! `TEST_POSTGRES_URL` names one, PostgreSQL.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod audit_log;
mod backchannel;
mod backups;
mod batches;
mod cleanups;
mod clients;
mod closings;
mod doors;
mod epochs;
mod faces;
mod grants;
mod heartbeats;
mod indexes;
mod keys_and_clients;
mod logins;
mod mail_limits;
mod migrations;
mod outbox;
mod owners;
mod passwords;
mod people;
mod postgres;
mod processes;
mod recoveries;
mod registrations;
mod restores;
mod schema;
mod sessions;
mod spents;
mod support;
mod texts;
mod throttles;
mod values;
