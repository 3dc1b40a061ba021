//! A part of the server that a test can break, or hold up, while it runs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Mutex, PoisonError};

use countersign_core::Random;
use countersign_server::random::SystemRandom;

/// The server's randomness. Broken, it panics in whoever asks for it: what becomes of a request whose handler has a
/// defect? Held up, it lets a test act in the midst of a request.
#[derive(Debug, Default)]
pub struct BreakableRandom {
    broken: AtomicBool,
    gate: Mutex<Option<Gate>>,
}

/// Where the next one waits.
#[derive(Debug)]
struct Gate {
    arrived: Sender<()>,
    opened: Receiver<()>,
}

/// A request that asked for randomness and waits for it. Dropped, it goes on.
#[derive(Debug)]
pub struct Held {
    arrived: Receiver<()>,
    _open: Sender<()>,
}

impl BreakableRandom {
    /// Whoever asks from now on panics.
    pub fn break_it(&self) {
        self.broken.store(true, Ordering::SeqCst);
    }

    /// As if nothing had been.
    pub fn mend(&self) {
        self.broken.store(false, Ordering::SeqCst);
    }

    /// The next one that asks waits until what is returned is dropped; all others go on. Only on a runtime with several
    /// threads.
    pub fn hold_next(&self) -> Held {
        let ((arrive, arrived), (open, opened)) = (mpsc::channel(), mpsc::channel());
        *self.gate() = Some(Gate { arrived: arrive, opened });
        Held { arrived, _open: open }
    }

    fn gate(&self) -> std::sync::MutexGuard<'_, Option<Gate>> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Waits until somebody waits there.
    ///
    /// # Panics
    /// Nobody came: the server is gone.
    pub fn until_somebody_waits(&self) {
        tokio::task::block_in_place(|| self.arrived.recv()).expect("somebody asks for randomness");
    }
}

impl Random for BreakableRandom {
    fn fill(&self, dest: &mut [u8]) {
        assert!(!self.broken.load(Ordering::SeqCst), "the test broke this");
        let gate = self.gate().take();
        if let Some(gate) = gate {
            let _ = gate.arrived.send(());
            // Ends with an error, which is what is waited for: the other end was dropped.
            let _ = tokio::task::block_in_place(|| gate.opened.recv());
        }
        SystemRandom.fill(dest);
    }
}
