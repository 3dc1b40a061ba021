//! `countersign keys …`

use clap::Subcommand;
use countersign_server::admin::{Command, KeyEntry, KeyStep, Reply};

use super::place::Place;
use super::{client, out, reseal};

/// Signing keys.
#[derive(Subcommand)]
pub(super) enum Keys {
    /// All keys, the oldest first
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Have the next key sign, once verifiers had the time to fetch it
    Rotate {
        /// At once: the present key was stolen. What it signed is refused from then on
        #[arg(long)]
        now: bool,
    },
    /// Seal what lies in the database under another master key, while no server runs
    Reseal(reseal::Reseal),
}

/// `countersign keys …`
pub(super) fn run(place: &Place, command: &Keys) -> anyhow::Result<()> {
    match command {
        Keys::List { json } => list(place, *json),
        Keys::Rotate { now } => rotate(place, *now),
        Keys::Reseal(command) => reseal::run(place, command),
    }
}

fn list(place: &Place, json: bool) -> anyhow::Result<()> {
    let Reply::Keys(keys) = client::ask(place, Command::KeysList)? else { return Err(client::strange()) };
    if json {
        return out::json(&keys);
    }
    let row = |key: &KeyEntry| {
        vec![key.kid.clone(), key.alg.clone(), key.state.clone(), key.since.clone(), key.created_at.clone()]
    };
    let rows: Vec<_> = keys.iter().map(row).collect();
    out::table(&["KEY", "ALG", "STATE", "SINCE", "CREATED"], &rows);
    Ok(())
}

fn rotate(place: &Place, now: bool) -> anyhow::Result<()> {
    out::note("rotating; where the keys are RSA, making one takes some seconds");
    let reply = client::ask(place, Command::KeysRotate { now })?;
    let Reply::Rotated { steps, ready_at, .. } = reply else { return Err(client::strange()) };
    for step in &steps {
        out::line(&told(step));
    }
    let only_made = steps.iter().all(|step| matches!(step, KeyStep::Created { .. }));
    if let (true, Some(ready_at)) = (only_made, ready_at) {
        out::line(&format!(
            "the present key goes on signing: verifiers know the next one from {ready_at} on. Rotate again then, or with \
             --now if the present key was stolen"
        ));
    }
    Ok(())
}

fn told(step: &KeyStep) -> String {
    match step {
        KeyStep::Created { alg, state } => format!("made a key for {alg}: {state}"),
        KeyStep::Replaced { active, next } => {
            format!("{next} signs from now on; {active} stays published while its tokens live")
        }
        KeyStep::Revoked { active, next } => {
            format!("{next} signs from now on; {active} counts no more, and with it no token that it signed")
        }
        KeyStep::Activated { kid } => format!("{kid} signs from now on"),
        KeyStep::Retired { kid } => format!("{kid} is published no longer"),
        KeyStep::Redated { kid } => {
            format!("{kid} was dated by a clock that was ahead: its time counts from now on")
        }
    }
}
