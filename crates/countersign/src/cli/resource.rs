//! `countersign resource …`

use clap::Subcommand;
use countersign_server::admin::{Command, Reply, ResourceEntry};

use super::place::Place;
use super::{client, out};

/// APIs that tokens are made for.
#[derive(Subcommand)]
pub(super) enum Resource {
    /// Let tokens be made for an API
    Add {
        /// Its identifier, an absolute URI, exactly as tokens will carry it
        resource: String,
    },
    /// All of them
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// `countersign resource …`
pub(super) fn run(place: &Place, command: Resource) -> anyhow::Result<()> {
    let (command, json) = match command {
        Resource::Add { resource } => (Command::ResourceAdd { resource }, false),
        Resource::List { json } => (Command::ResourceList, json),
    };
    let Reply::Resources(resources) = client::ask(place, command)? else { return Err(client::strange()) };
    if json {
        return out::json(&resources);
    }
    let from = |entry: &ResourceEntry| if entry.configured { "resources.allowed" } else { "database" };
    let row = |entry: &ResourceEntry| vec![entry.resource.clone(), from(entry).to_owned()];
    let rows: Vec<_> = resources.iter().map(row).collect();
    out::table(&["RESOURCE", "FROM"], &rows);
    Ok(())
}
