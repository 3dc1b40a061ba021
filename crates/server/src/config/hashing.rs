//! How passwords are hashed: strong enough to guess at, and no more at once than the machine has room for.

use super::checked::size;
use super::findings::Findings;
use super::raw;
use super::{Hashing, Mode, Params, ParamsError};

/// Checks the settings of `[password]`.
pub(super) fn check(mode: Mode, raw: &raw::Password, found: &mut Findings) -> Option<Hashing> {
    let params = Params::new(raw.memory_kib, raw.iterations, raw.parallelism);
    if let Err(error) = params {
        let key = match error {
            ParamsError::Memory => "password.memory_kib",
            ParamsError::Iterations => "password.iterations",
            ParamsError::Parallelism => "password.parallelism",
        };
        found.malformed(key, error.to_string());
    }
    let too_weak = !mode.is_dev() && params.is_ok_and(Params::is_weak);
    let problem = "are too cheap to guess at outside dev mode: use at least 19456 KiB with 2 iterations (or 47104 with 1, \
                   12288 with 3, 9216 with 4, 7168 with 5)";
    found.demand(&["password.memory_kib", "password.iterations"], !too_weak, problem);
    found.demand(&["password.queue"], (1..=65_536).contains(&raw.queue), "must be from 1 to 65536");
    Some(Hashing { params: params.ok()?, workers: size(raw.workers), queue: size(raw.queue) })
}
