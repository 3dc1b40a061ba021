//! How many files this process may have open: each connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What is asked for where nothing is forbidden: the most that Linux allows unless told otherwise.
const PLENTY: u64 = 1_048_576;

/// Takes as many as the system lets it have, and says how many those are; `None` is any number. The usual 1024 is for
/// programs that use `select`.
pub fn raise() -> Option<u64> {
    let given = getrlimit(Resource::Nofile);
    let wanted = Some(given.maximum.unwrap_or(PLENTY));
    match setrlimit(Resource::Nofile, Rlimit { current: wanted, maximum: given.maximum }) {
        Ok(()) => wanted,
        Err(_) => given.current,
    }
}
