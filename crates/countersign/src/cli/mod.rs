//! The command line. Exit codes: 0 done, 1 refused or failed, 2 used wrongly.

mod account;
mod audit;
mod backup;
mod client;
mod clients;
mod config;
mod dev;
mod doctor;
mod grant;
mod healthcheck;
mod keys;
mod log;
mod manager;
mod migrate;
mod openapi;
mod out;
mod owner;
mod password;
mod place;
mod progress;
mod reseal;
mod resource;
mod restore;
mod revoke;
mod serve;
mod telemetry;

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};

use self::place::Place;

/// An authentication server: one login, two proofs.
///
/// Without a command: a development server on 127.0.0.1:8080 that needs no settings. `countersign serve` is the server
/// for production. The other commands work beside a running server, through DIR/admin.sock, or without one on its
/// database.
#[derive(Parser)]
#[command(name = "countersign", version)]
struct Cli {
    /// Address and port to listen on
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve in production; refuses to start with anything missing or unsafe
    Serve {
        /// Address and port to listen on
        #[arg(long, value_name = "ADDR")]
        listen: Option<SocketAddr>,
    },
    /// Bring the database's schema up to date, as every start does
    Migrate,
    /// Write a verified copy of the database to one file, while the server runs or without one
    Backup(backup::Backup),
    /// Put a backup back, while no server runs
    Restore(restore::Restore),
    /// Create, look at, disable and delete accounts
    #[command(subcommand)]
    Account(account::Account),
    /// List and rotate the keys that sign tokens
    #[command(subcommand)]
    Keys(keys::Keys),
    /// End a session, or all that an account has
    Revoke(revoke::Revoke),
    /// List what happened, the newest first
    Audit(audit::Audit),
    /// Create, look at, change and close clients: the applications that people log in to
    #[command(subcommand)]
    Client(clients::Client),
    /// What accounts let clients do
    #[command(subcommand)]
    Grant(grant::Grant),
    /// The APIs that tokens are made for
    #[command(subcommand)]
    Resource(resource::Resource),
    /// Check settings, or document them
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Print the OpenAPI document of /api/v1
    Openapi,
    /// Look whether all is well, and say what to do where it is not
    Doctor,
    /// Exit with 0 if the running server can do its work; for container engines
    Healthcheck,
}

/// Does what the command line says.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    match without_core_dumps().and_then(|()| dispatch(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            out::note(&format!("countersign: {}", told(&error)));
            ExitCode::FAILURE
        }
    }
}

/// An error and its causes, each said once: some errors repeat theirs.
fn told(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match told.as_str() {
        "" => cause,
        words if words.contains(&cause) => told,
        words => format!("{words}: {cause}"),
    })
}

/// The memory of this process is not for a file: it holds keys and passwords (attack LOGG-02). Nor may another process of
/// this user read it.
fn without_core_dumps() -> anyhow::Result<()> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable).context("cannot forbid core dumps")
}

fn dispatch(cli: Cli) -> anyhow::Result<()> {
    let Cli { listen, place, command } = cli;
    let starts = matches!(command, None | Some(Command::Serve { .. }));
    if listen.is_some() && !starts {
        let message = "--listen is for starting a server; this command finds a running one by its --data";
        Cli::command().error(ErrorKind::ArgumentConflict, message).exit();
    }
    match command {
        None => dev::run(&place, listen),
        Some(Command::Serve { listen: own }) => serve::production(&place, own.or(listen)),
        Some(Command::Migrate) => migrate::run(&place),
        Some(Command::Backup(command)) => backup::run(&place, &command),
        Some(Command::Restore(command)) => restore::run(&place, command),
        Some(Command::Account(command)) => account::run(&place, command),
        Some(Command::Keys(command)) => keys::run(&place, &command),
        Some(Command::Revoke(command)) => revoke::run(&place, command),
        Some(Command::Audit(command)) => audit::run(&place, &command),
        Some(Command::Client(command)) => clients::run(&place, command),
        Some(Command::Grant(command)) => grant::run(&place, command),
        Some(Command::Resource(command)) => resource::run(&place, command),
        Some(Command::Config(command)) => config::run(&place, &command),
        Some(Command::Openapi) => {
            openapi::run();
            Ok(())
        }
        Some(Command::Doctor) => doctor::run(&place),
        Some(Command::Healthcheck) => healthcheck::run(&place),
    }
}

/// A runtime for one command; a server has one with as many threads as there are cores.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_cause_is_said_once() {
        let disk = || anyhow::anyhow!("the disk is full");
        let repeated = disk().context("store: the disk is full");
        assert_eq!(told(&repeated), "store: the disk is full");
        assert_eq!(told(&disk().context("nothing was written")), "nothing was written: the disk is full");
    }
}
