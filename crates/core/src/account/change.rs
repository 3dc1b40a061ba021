//! What an operator does to an account: disable, enable, delete. Ending it ends everything that hangs from it.

use super::State;

/// What an operator asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// No more logins; every session and token ends.
    Disable,
    /// Logins again; what ended stays ended.
    Enable,
    /// Gone for good; its names are free again.
    Delete,
}

/// What the change does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The account goes from one state to another; `ends` says that its sessions and grants end with it.
    Move {
        /// Guarded: the account must still be in it.
        from: State,
        /// The new state.
        to: State,
        /// Sessions and grants end.
        ends: bool,
    },
    /// It is so already.
    Unchanged,
    /// A deleted account stays deleted.
    Refuse,
}

/// Decides a change of an account in state `state`.
pub const fn decide(state: State, change: Change) -> Decision {
    match (state, change) {
        (State::Deleted, Change::Disable | Change::Enable) => Decision::Refuse,
        (State::Active, Change::Disable) => Decision::Move { from: state, to: State::Disabled, ends: true },
        (State::Disabled, Change::Enable) => Decision::Move { from: state, to: State::Active, ends: false },
        (State::Active | State::Disabled, Change::Delete) => {
            Decision::Move { from: state, to: State::Deleted, ends: true }
        }
        (State::Disabled, Change::Disable)
        | (State::Active, Change::Enable)
        | (State::Deleted, Change::Delete) => Decision::Unchanged,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_an_account_ends_what_it_had_and_opening_it_revives_nothing() {
        let moved = |from, to, ends| Decision::Move { from, to, ends };
        let table = [
            (State::Active, Change::Disable, moved(State::Active, State::Disabled, true)),
            (State::Active, Change::Enable, Decision::Unchanged),
            (State::Active, Change::Delete, moved(State::Active, State::Deleted, true)),
            (State::Disabled, Change::Disable, Decision::Unchanged),
            (State::Disabled, Change::Enable, moved(State::Disabled, State::Active, false)),
            (State::Disabled, Change::Delete, moved(State::Disabled, State::Deleted, true)),
            (State::Deleted, Change::Disable, Decision::Refuse),
            (State::Deleted, Change::Enable, Decision::Refuse),
            (State::Deleted, Change::Delete, Decision::Unchanged),
        ];
        for (state, change, expected) in table {
            assert_eq!(decide(state, change), expected, "{state:?} {change:?}");
        }
    }
}
