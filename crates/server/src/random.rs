//! Randomness, and the one place that asks the operating system for it.

use countersign_core::Random;

/// The generator of the cryptographic library, seeded by the operating system.
#[derive(Debug, Clone, Copy)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, dest: &mut [u8]) {
        // invariant: the library's generator fails only where the kernel has none, and then nothing here is safe to do.
        #[expect(clippy::expect_used, reason = "without randomness there is no safe way on")]
        #[expect(clippy::disallowed_methods, reason = "this is the generator that everybody else is handed")]
        aws_lc_rs::rand::fill(dest).expect("the operating system gives random bytes");
    }
}
