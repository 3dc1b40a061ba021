//! The memory that Argon2 fills, kept by each thread: taking it anew costs more than the hash (page faults).

use argon2::Block;

/// Blocks of 1 KiB, taken when first needed.
#[derive(Default)]
pub(super) struct Memory(Vec<Block>);

impl Memory {
    /// At least `count` blocks; what is in them does not matter to Argon2, which writes each before it reads it.
    pub(super) fn blocks(&mut self, count: usize) -> &mut [Block] {
        if self.0.len() < count {
            // Freed first: a thread never holds two of them.
            self.0 = Vec::new();
            self.0 = vec![Block::new(); count];
        }
        &mut self.0[..count]
    }

    /// How many blocks it holds.
    #[cfg(test)]
    pub(super) fn taken(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_taken_once_and_used_again() {
        let mut memory = Memory::default();
        assert_eq!(memory.0.capacity(), 0);
        let first = memory.blocks(64).as_ptr();
        assert_eq!(memory.blocks(64).as_ptr(), first);
        assert_eq!(memory.blocks(8).len(), 8);
        assert_eq!(memory.blocks(64).as_ptr(), first);
        assert_eq!(memory.blocks(65).len(), 65);
        assert_eq!(memory.0.len(), 65);
    }
}
