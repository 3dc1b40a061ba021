//! Randomness as a parameter.

/// A source of random bytes. The server's is the operating system's generator; tests hand in a [`Counter`].
pub trait Random: Send + Sync {
    /// Fills `dest` with bytes that nobody can predict.
    fn fill(&self, dest: &mut [u8]);
}

/// `N` random bytes.
pub fn bytes<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
}

/// A predictable source for tests: every call gives other bytes, every run the same ones. Never for a server.
#[derive(Debug)]
pub struct Counter(std::sync::atomic::AtomicU64);

impl Counter {
    /// A source whose first bytes depend on `start`.
    pub const fn new(start: u64) -> Self {
        Self(std::sync::atomic::AtomicU64::new(start))
    }
}

impl Random for Counter {
    fn fill(&self, dest: &mut [u8]) {
        for chunk in dest.chunks_mut(32) {
            let count = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let block = crate::secret::sha256(&count.to_be_bytes());
            chunk.copy_from_slice(&block.as_bytes()[..chunk.len()]);
        }
    }
}
