//! Has a command done: by the server that answers at the admin socket, else by this process on the database itself.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::{anyhow, bail};
use countersign::Error;
use countersign::config::Config;
use countersign_server::StartError;
use countersign_server::admin::socket::{self, NAME};
use countersign_server::admin::{Command, Reply, execute_watched};
use countersign_store::db::{self, StoreUrl};

use super::place::Place;
use super::{log, out, owner, progress, runtime};

/// Has it done.
pub(super) fn ask(place: &Place, command: Command) -> anyhow::Result<Reply> {
    let config = place.config();
    let path = place.data_folder(&config).join(NAME);
    log::start_quiet();
    runtime()?.block_on(async {
        if let Some(reply) = ask_server(&path, &command).await? {
            return Ok(reply);
        }
        let config = config?;
        owner::demand(&config)?;
        may_open(&config, &path, &command)?;
        out::note(&format!("no server answers at {}: working on {} itself", path.display(), config.store));
        let app = countersign::open(config).await.map_err(|error| explain(error, &path))?;
        let reply = execute_watched(&app, command, progress::watch()).await;
        app.close().await?;
        Ok(reply?)
    })
}

/// The server answered another question than ours.
pub(super) fn strange() -> anyhow::Error {
    anyhow!("the server's answer makes no sense: is it another version than this program?")
}

/// Asks the server, if one answers.
pub(super) async fn ask_server(path: &Path, command: &Command) -> anyhow::Result<Option<Reply>> {
    let told = progress::teller();
    let answer =
        socket::ask(path, command, |progress| told(&progress)).await.map_err(|error| match error.kind() {
            ErrorKind::PermissionDenied => {
                anyhow!("{}: {error}: run this as the user that the server runs as", path.display())
            }
            _ => anyhow!("{}: {error}", path.display()),
        })?;
    Ok(answer.transpose()?)
}

/// A database that is not there is made by a start, by `migrate` and for the first account, never by asking for what is
/// in it: most likely another folder is meant.
fn may_open(config: &Config, path: &Path, command: &Command) -> anyhow::Result<()> {
    let missing = match &config.store {
        StoreUrl::Memory => bail!(
            "store.url is memory:, which only a running server has, and none answers at {}",
            path.display()
        ),
        StoreUrl::Sqlite(file) => !file.exists(),
        StoreUrl::Postgres(_) => false,
    };
    if missing && !matches!(command, Command::AccountCreate(_)) {
        bail!(
            "there is no {}, and no server answers at {}: start one, or say where its data lies with --data or --config",
            config.store,
            path.display()
        );
    }
    Ok(())
}

fn explain(error: Error, path: &Path) -> anyhow::Error {
    match error {
        Error::Start(StartError::Store(error @ db::Error::InUse(_))) => anyhow!(
            "{error}, which does not answer at {}: is it another data folder (--data)?",
            path.display()
        ),
        error => error.into(),
    }
}
