//! What an operator asks for at the command line.
//!
//! The same [`Command`]s run in two places: beside a running server they go through its [`socket`], else the command's
//! own process opens the store and [`execute`]s them. Either way they use the flows, rules and batches of the routes,
//! with [`Actor::Operator`](countersign_core::audit::Actor::Operator) in the audit log.

mod account;
mod backup;
mod check;
pub(crate) mod client;
mod command;
mod entry;
mod error;
mod execute;
pub(crate) mod grant;
mod reply;
pub(crate) mod resource;
pub mod socket;

pub use self::command::{AuditQuery, Changes, ClientCommand, Command, NewAccount, NewClient, PAGE, Typed};
pub use self::entry::{ClientEntry, GrantEntry, LintEntry, SecretEntry, Told};
pub use self::error::AdminError;
pub use self::execute::{execute, execute_watched};
pub use self::reply::{
    AccountEntry, AuditEntry, BackupEntry, Finding, KeyEntry, KeyStep, Level, ProgressEntry, Reply,
    ResourceEntry, SessionEntry, StageEntry,
};
