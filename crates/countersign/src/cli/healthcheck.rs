//! `countersign healthcheck`: whether the running server can do its work, asked where neither ports nor certificates
//! matter.

use anyhow::bail;
use countersign_server::admin::socket::NAME;
use countersign_server::admin::{Command, Reply};

use super::place::Place;
use super::{client, log, out, runtime};

/// `countersign healthcheck`
pub(super) fn run(place: &Place) -> anyhow::Result<()> {
    let path = place.data_folder(&place.config()).join(NAME);
    log::start_quiet();
    match runtime()?.block_on(client::ask_server(&path, &Command::Ready))? {
        Some(Reply::Pong { version, origin }) => {
            out::line(&format!("{origin} is ready (Countersign {version})"));
            Ok(())
        }
        Some(_) => Err(client::strange()),
        None => bail!("no server answers at {}", path.display()),
    }
}
