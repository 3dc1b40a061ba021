//! Measures Countersign against a bare axum hello and a bare Argon2id. `cargo xtask bench` runs it.
//!
//! `countersign-bench run PROGRAM POSTGRES_URL DOCUMENT` measures and writes the document; `hello` and `hash SECONDS` are
//! what it measures against.

mod client;
mod document;
mod figures;
mod hash;
mod hello;
mod machine;
mod provider;
mod rows;
mod served;
mod stage;
mod stopwatch;
mod wrk;

use std::path::Path;

use anyhow::{Context, bail};
use tokio::runtime::Runtime;

use figures::Figures;
use machine::Machine;
use rows::ROUND;
use stage::Stage;

/// A round measures everything once, one after the other, so that what else the machine does hits all of it.
pub(crate) const ROUNDS: usize = 3;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["hello"] => Runtime::new()?.block_on(hello::serve()),
        ["hash", seconds] => hash::run(seconds.parse()?),
        ["run", program, postgres, document] => run(program.as_ref(), postgres, document.as_ref()),
        _ => bail!("usage: countersign-bench hello | hash SECONDS | run PROGRAM POSTGRES_URL DOCUMENT"),
    }
}

fn run(program: &Path, postgres: &str, document: &Path) -> anyhow::Result<()> {
    let runtime = Runtime::new()?;
    let mut stage = Stage::set(&runtime, program, postgres)?;
    let machine = Machine::look(stage.data())?;
    for what in ROUND {
        stage.warm_up(*what)?;
    }
    let mut figures = Figures::default();
    for round in 1..=ROUNDS {
        for what in ROUND {
            for (what, sample) in stage.measure(*what)? {
                say(&format!("round {round}: {:<26} {sample}", what.row().name));
                figures.add(what, sample);
            }
        }
    }
    let memory = stage.memory()?;
    let text = document::write(&machine, &figures, &memory);
    say(&text);
    std::fs::write(document, text).with_context(|| format!("write {}", document.display()))
}

#[expect(clippy::print_stdout, reason = "the figures are what this program is for")]
fn say(text: &str) {
    println!("{text}");
}
