//! The least that a login costs: Argon2id as the server has it by default, on as many threads of the same priority, each
//! keeping its memory, and nothing else.

use std::num::NonZero;
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow};
use argon2::{Algorithm, Argon2, Block, Params, Version};

use crate::say;
use crate::stopwatch::Stopwatch;

/// `password.memory_kib`, `password.iterations` and `password.parallelism` by default.
pub(crate) const MEMORY_KIB: u32 = 19_456;
pub(crate) const ITERATIONS: u32 = 2;
const PARALLELISM: u32 = 1;
/// What the server's hash threads are.
const NICE: i32 = 10;

/// Hashes for so many seconds and prints how many hashes that were, and in how many seconds.
pub(crate) fn run(seconds: u64) -> anyhow::Result<()> {
    let limit = Duration::from_secs(seconds);
    let start = Stopwatch::start();
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    let threads: Vec<_> = (0..workers).map(|_| thread::spawn(move || work(start, limit))).collect();
    let mut hashes = 0;
    for thread in threads {
        hashes += thread.join().map_err(|_| anyhow!("a thread panicked"))??;
    }
    say(&format!("{hashes} {}", start.elapsed().as_secs_f64()));
    Ok(())
}

fn work(start: Stopwatch, limit: Duration) -> anyhow::Result<u64> {
    rustix::process::setpriority_process(None, NICE).context("lower the priority")?;
    let params =
        Params::new(MEMORY_KIB, ITERATIONS, PARALLELISM, None).map_err(|error| anyhow!("{error}"))?;
    let mut memory = vec![Block::new(); params.block_count()];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let (mut hash, mut hashes) = ([0; 32], 0_u64);
    while start.elapsed() < limit {
        argon2
            .hash_password_into_with_memory(
                b"seven quiet herons",
                &hashes.to_le_bytes(),
                &mut hash,
                &mut memory,
            )
            .map_err(|error| anyhow!("{error}"))?;
        hashes += 1;
    }
    Ok(hashes)
}
