//! Persistence: facts read, guarded batches written, over one SQL text for SQLite and PostgreSQL.

mod batch;
pub mod db;

pub use batch::Batch;
