//! Randomness, and the one place that asks the operating system for it.

use countersign_core::Random;
use rustix::rand::{GetRandomFlags, getrandom};

/// The kernel's generator. The cryptographic library has one of its own, which it seeds from this one and from the jitter
/// of the clock; measuring that takes longer than all the rest of a start.
#[derive(Debug, Clone, Copy)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, dest: &mut [u8]) {
        let mut rest = dest;
        while !rest.is_empty() {
            #[expect(
                clippy::disallowed_methods,
                reason = "this is the generator that everybody else is handed"
            )]
            let filled = match getrandom(&mut *rest, GetRandomFlags::empty()) {
                Ok(filled) => filled,
                // A signal came first.
                Err(rustix::io::Errno::INTR) => 0,
                // invariant: the call fails only where the kernel has no generator, and then nothing here is safe to do.
                Err(error) => panic!("the operating system gives no random bytes: {error}"),
            };
            rest = &mut rest[filled..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_filled() {
        // Of 64 ways for a byte to be left out, none is likely to look like chance.
        let mut seen = [0_u8; 1000];
        for _ in 0..64 {
            let mut bytes = [0; 1000];
            SystemRandom.fill(&mut bytes);
            seen.iter_mut().zip(bytes).for_each(|(seen, byte)| *seen |= byte);
        }
        assert!(seen.iter().all(|byte| *byte != 0));
        SystemRandom.fill(&mut []);
    }
}
