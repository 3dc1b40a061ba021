//! The store's tests against real databases: `memory:`, a SQLite file and, where
//! `TEST_POSTGRES_URL` names one, PostgreSQL.

#![expect(clippy::expect_used, reason = "a test fails by panicking, its helpers too")]

mod batches;
mod migrations;
mod postgres;
mod processes;
mod schema;
mod support;
mod values;
