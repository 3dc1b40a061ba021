//! Passwords are hashed here: Argon2id on a few threads of low priority behind a bounded queue (attack LOG-32).
//!
//! Hashing is the one thing that a stranger can make expensive, so it never runs where requests are served: checks of
//! sessions and tokens do not wait for it. A full queue refuses at once, one network cannot keep others out of it, and a
//! login that nobody waits for any more is not computed.

mod memory;
mod params;
pub(crate) mod phc;
mod queue;
#[cfg(test)]
mod tests;

use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use countersign_core::credential::Password;
use countersign_core::login::password::Proof;
use countersign_core::{Random, random};
use countersign_store::meter::durations;
use prometheus_client::metrics::histogram::Histogram;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::request::{self, in_thread};
use crate::trace;

use self::memory::Memory;
pub use self::params::{Params, ParamsError};
use self::phc::{Phc, SALT_LEN};
pub(crate) use self::queue::Asker;
use self::queue::{Job, Queue};

/// How passwords are hashed and by how many threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hashing {
    /// What a hash costs.
    pub params: Params,
    /// Threads; 0 stands for one a core, and there are never more than that.
    pub workers: usize,
    /// How many strangers may wait for each thread. Familiar callers have a quarter more.
    pub queue: usize,
}

/// The threads and their queue. Dropping it ends the threads: what is being hashed is finished, what waits is refused.
pub(crate) struct HashPool {
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
    params: Params,
    random: Arc<dyn Random>,
    waits: Histogram,
    took: Histogram,
}

/// Too much waits already: 503, and the client may try again in a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are waiting to be hashed")]
pub(crate) struct Overloaded;

impl HashPool {
    /// Starts the threads. Their memory is taken when the first password comes.
    pub(crate) fn start(hashing: &Hashing, random: Arc<dyn Random>) -> Self {
        let workers = workers(hashing.workers);
        let queue = Arc::new(Queue::new(hashing.queue.saturating_mul(workers).max(1)));
        let threads: Vec<_> = (0..workers).filter_map(|number| start_thread(number, &queue)).collect();
        if threads.is_empty() {
            // Nothing may wait for what never comes.
            queue.close();
        }
        let (waits, took) = (durations(), durations());
        Self { queue, threads, params: hashing.params, random, waits, took }
    }

    /// Hashes a new password: a PHC string under today's parameters.
    pub(crate) async fn hash(&self, password: Arc<Password>, asker: Asker) -> Result<String, Overloaded> {
        let (params, salt) = (self.params, self.salt());
        self.submit(asker, move |memory| Phc::of(&password, params, salt, memory).to_string()).await
    }

    /// Compares a password with a stored PHC string. Where there is none, because nobody has that identifier, a hash
    /// under today's parameters is computed all the same: both take the same time (I14). So does a wrong password for a
    /// hash that cost less when it was made; one that costs more than today's, after the settings were lowered, takes longer.
    pub(crate) async fn verify(
        &self,
        password: Arc<Password>,
        phc: Option<String>,
        asker: Asker,
    ) -> Result<Proof, Overloaded> {
        let (params, salt) = (self.params, self.salt());
        self.submit(asker, move |memory| verify(&password, phc.as_deref(), (params, salt), memory)).await
    }

    /// Runs other work on a password that costs too much for a request's thread, such as judging its strength.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        asker: Asker,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Overloaded> {
        self.submit(asker, move |_| work()).await
    }

    /// How many passwords wait.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.waiting()
    }

    /// How long passwords waited, and how long what was done with them took, in seconds.
    pub(crate) fn times(&self) -> (Histogram, Histogram) {
        (self.waits.clone(), self.took.clone())
    }

    fn salt(&self) -> [u8; SALT_LEN] {
        random::bytes(&*self.random)
    }

    async fn submit<T: Send + 'static>(
        &self,
        asker: Asker,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, Overloaded> {
        let (answer, answered) = oneshot::channel();
        // Dropped with this future: then nobody waits, and the job is skipped.
        let awaited = Arc::new(());
        let (waits, took, came) = (self.waits.clone(), self.took.clone(), Instant::now());
        let request = request::current();
        let run = Box::new(move |memory: &mut Memory| {
            let begun = Instant::now();
            waits.observe((begun - came).as_secs_f64());
            // A panic is the asker's to see, and must not end the thread (attack HTTP-32). The asker may be gone.
            let result = in_thread(request, || catch_unwind(AssertUnwindSafe(|| work(memory))));
            took.observe(begun.elapsed().as_secs_f64());
            let _ = answer.send(result);
        });
        self.queue.push(asker, Job { awaited: Arc::downgrade(&awaited), run })?;
        let result = answered.instrument(trace::hash()).await;
        drop(awaited);
        match result {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(panic)) => resume_unwind(panic),
            // The job gave way to another network's, or the pool is closing.
            Err(_) => Err(Overloaded),
        }
    }
}

impl Drop for HashPool {
    fn drop(&mut self) {
        self.queue.close();
        for thread in self.threads.drain(..) {
            // No thread panics: jobs are caught.
            let _ = thread.join();
        }
    }
}

fn workers(wanted: usize) -> usize {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    if wanted == 0 { cores } else { wanted.min(cores) }
}

fn start_thread(number: usize, queue: &Arc<Queue>) -> Option<JoinHandle<()>> {
    let queue = Arc::clone(queue);
    let thread = thread::Builder::new().name(format!("hash-{number}")).spawn(move || work(&queue));
    thread
        .inspect_err(|error| tracing::error!(%error, "a thread that hashes passwords cannot be started"))
        .ok()
}

fn work(queue: &Queue) {
    give_way();
    let mut memory = Memory::default();
    while let Some(job) = queue.take() {
        (job.run)(&mut memory);
    }
}

/// Serving sessions goes before hashing passwords. On Linux a priority is a thread's own.
fn give_way() {
    const NICE: i32 = 10;
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::warn!(%error, "passwords are hashed at normal priority");
    }
}

fn verify(
    password: &Password,
    phc: Option<&str>,
    (today, salt): (Params, [u8; SALT_LEN]),
    memory: &mut Memory,
) -> Proof {
    let stored = phc.and_then(|text| {
        let stored = Phc::parse(text);
        if stored.is_none() {
            tracing::error!("a stored password hash is corrupt: its account cannot log in by password");
        }
        stored
    });
    let Some(stored) = stored else {
        Phc::dummy(today).fits(password, memory);
        return Proof::Differs;
    };
    if !stored.fits(password, memory) {
        // A hash from before the parameters grew is sooner computed: that must not name the account (LOG-03).
        if let Some(rest) = today.beyond(stored.params()) {
            Phc::dummy(rest).fits(password, memory);
        }
        return Proof::Differs;
    }
    let upgrade = (!stored.is_made_with(today)).then(|| Phc::of(password, today, salt, memory).to_string());
    Proof::Matches { upgrade }
}
