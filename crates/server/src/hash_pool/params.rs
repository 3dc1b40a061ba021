//! What a hash costs (RFC 9106 section 3.1).

use argon2::{Algorithm, Argon2, Version};

use super::memory::Memory;

/// The parameters of Argon2id, within bounds: from a stored hash they come unasked, and decide about memory and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Params {
    memory_kib: u32,
    iterations: u32,
    parallelism: u32,
}

/// 256 MiB.
const MAX_MEMORY_KIB: u32 = 256 * 1024;
const MAX_ITERATIONS: u32 = 20;
const MAX_PARALLELISM: u32 = 8;

/// Equally strong pairs of memory and iterations, the weakest to be used (OWASP Password Storage Cheat Sheet).
const FLOOR: [(u32, u32); 5] = [(46 * 1024, 1), (19 * 1024, 2), (12 * 1024, 3), (9 * 1024, 4), (7 * 1024, 5)];

/// Parameters that no hash of ours has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// Under 8 KiB a lane (RFC 9106) or over 256 MiB.
    #[error("the memory must be from 8 KiB for each unit of parallelism to 262144 KiB")]
    Memory,
    /// 0 or over 20.
    #[error("the iterations must be from 1 to 20")]
    Iterations,
    /// 0 or over 8.
    #[error("the parallelism must be from 1 to 8")]
    Parallelism,
}

impl Params {
    /// Memory in KiB, passes over it, lanes.
    pub const fn new(memory_kib: u32, iterations: u32, parallelism: u32) -> Result<Self, ParamsError> {
        if parallelism < 1 || parallelism > MAX_PARALLELISM {
            return Err(ParamsError::Parallelism);
        }
        if iterations < 1 || iterations > MAX_ITERATIONS {
            return Err(ParamsError::Iterations);
        }
        if memory_kib < 8 * parallelism || memory_kib > MAX_MEMORY_KIB {
            return Err(ParamsError::Memory);
        }
        Ok(Self { memory_kib, iterations, parallelism })
    }

    /// KiB of memory.
    pub const fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// Passes over the memory.
    pub const fn iterations(self) -> u32 {
        self.iterations
    }

    /// Lanes.
    pub const fn parallelism(self) -> u32 {
        self.parallelism
    }

    /// Whether a stolen hash would be too cheap to guess at. Production refuses to start with such parameters.
    pub fn is_weak(self) -> bool {
        !FLOOR.iter().any(|(memory, passes)| self.memory_kib >= *memory && self.iterations >= *passes)
    }

    /// What a hash with these parameters costs: blocks of one KiB that are filled.
    const fn cost(self) -> u64 {
        self.memory_kib as u64 * self.iterations as u64
    }

    /// Parameters of what is left to do so that a hash with `cheaper` ones and it together cost what a hash with these
    /// costs, to within one pass over a few KiB. None where that is nothing: the other one costs as much, or more, and then
    /// nothing can hide it.
    pub(super) const fn beyond(self, cheaper: Self) -> Option<Self> {
        let rest = self.cost().saturating_sub(cheaper.cost());
        // Today's number of passes where the rest is large enough for it, else one.
        let passes = if rest >= 8 * self.iterations as u64 { self.iterations as u64 } else { 1 };
        let memory = rest / passes;
        if memory < 8 {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "no more than these parameters' own memory")]
        Some(Self { memory_kib: memory as u32, iterations: passes as u32, parallelism: 1 })
    }

    /// Argon2id, version 19. `salt` has 8 bytes or more, `hash` 4 or more.
    pub(super) fn derive(self, password: &[u8], salt: &[u8], hash: &mut [u8], memory: &mut Memory) {
        let params =
            argon2::Params::new(self.memory_kib, self.iterations, self.parallelism, Some(hash.len()));
        let result = params.and_then(|params| {
            let blocks = memory.blocks(params.block_count());
            Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
                .hash_password_into_with_memory(password, salt, hash, blocks)
        });
        // invariant: `Params` are within Argon2's own bounds, and so are the lengths (see `Phc`).
        #[expect(clippy::expect_used, reason = "cannot fail, see above")]
        result.expect("Argon2 takes parameters within bounds");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_out_of_bounds_do_not_exist() {
        let table = [
            ((8, 1, 1), None),
            ((262_144, 20, 8), None),
            ((7, 1, 1), Some(ParamsError::Memory)),
            ((63, 1, 8), Some(ParamsError::Memory)),
            ((262_145, 1, 1), Some(ParamsError::Memory)),
            ((u32::MAX, 1, 1), Some(ParamsError::Memory)),
            ((64, 0, 1), Some(ParamsError::Iterations)),
            ((64, 21, 1), Some(ParamsError::Iterations)),
            ((64, 1, 0), Some(ParamsError::Parallelism)),
            ((256, 1, 9), Some(ParamsError::Parallelism)),
            ((256, 1, u32::MAX), Some(ParamsError::Parallelism)),
        ];
        for ((memory, iterations, parallelism), error) in table {
            assert_eq!(
                Params::new(memory, iterations, parallelism).err(),
                error,
                "m={memory} t={iterations}"
            );
        }
    }

    #[test]
    fn log_03_what_is_left_to_do_makes_the_sum_todays_cost() {
        let params = |(memory, passes)| Params::new(memory, passes, 1).unwrap();
        let table = [
            ((19_456, 2), (12_288, 3), Some((1_024, 2))),
            ((19_456, 2), (4_096, 1), Some((17_408, 2))),
            ((47_104, 1), (19_456, 2), Some((8_192, 1))),
            ((7_168, 5), (19_456, 1), Some((3_276, 5))),
            ((64, 3), (64, 2), Some((21, 3))),
            ((64, 3), (91, 2), Some((10, 1))),
            ((19_456, 2), (19_456, 2), None),
            ((19_456, 2), (65_536, 3), None),
            ((64, 1), (60, 1), None),
        ];
        for (today, stored, expected) in table {
            let rest = params(today).beyond(params(stored));
            assert_eq!(rest, expected.map(params), "{today:?} beyond {stored:?}");
            let sum = params(stored).cost() + rest.map_or(0, Params::cost);
            let missing = params(today).cost().saturating_sub(sum);
            assert!(missing < 8 * u64::from(today.1), "{missing} of {today:?} missing after {stored:?}");
        }
    }

    #[test]
    fn weak_is_what_stays_below_every_pair_of_the_floor() {
        let table = [
            ((19_456, 2), false),
            ((19_455, 2), true),
            ((19_456, 1), true),
            ((47_104, 1), false),
            ((47_103, 1), true),
            ((7_168, 5), false),
            ((7_167, 20), true),
            ((64, 1), true),
        ];
        for ((memory, iterations), weak) in table {
            let params = Params::new(memory, iterations, 1).unwrap();
            assert_eq!(params.is_weak(), weak, "m={memory} t={iterations}");
        }
    }
}
