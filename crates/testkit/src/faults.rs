//! A part of the server that a test can break while it runs.

use std::sync::atomic::{AtomicBool, Ordering};

use countersign_core::Random;
use countersign_server::random::SystemRandom;

/// The server's randomness. Broken, it panics in whoever asks for it: what becomes of a request whose handler has a
/// defect?
#[derive(Debug, Default)]
pub struct BreakableRandom(AtomicBool);

impl BreakableRandom {
    /// Whoever asks from now on panics.
    pub fn break_it(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// As if nothing had been.
    pub fn mend(&self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

impl Random for BreakableRandom {
    fn fill(&self, dest: &mut [u8]) {
        assert!(!self.0.load(Ordering::SeqCst), "the test broke this");
        SystemRandom.fill(dest);
    }
}
