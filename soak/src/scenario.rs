//! The scenarios by name. docs/attacks.md names them as `soak::kills`.

use std::path::PathBuf;

use crate::scenarios::{clock, disk, history, ids, kills, postgres, power, races, restarts, storm, timing};

/// What a run was given.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    /// The server's program.
    pub(crate) program: PathBuf,
    /// A PostgreSQL to work on, and its folder.
    pub(crate) postgres: Option<(String, PathBuf)>,
    /// Everything that is left to chance comes from this.
    pub(crate) seed: u64,
    /// How often, instead of the scenario's own number.
    pub(crate) times: Option<usize>,
    /// Just enough to see that the scenario works.
    pub(crate) quick: bool,
}

impl Setup {
    /// How often: as asked for, else a few times in a quick run, else `usual`.
    pub(crate) fn times(&self, quick: usize, usual: usize) -> usize {
        self.times.unwrap_or(if self.quick { quick } else { usual })
    }
}

/// What came of a scenario.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// How often, in words: "1000 kills".
    pub(crate) times: String,
    /// What was counted and measured.
    pub(crate) figures: Vec<String>,
    /// What must not be. None: it passed.
    pub(crate) problems: Vec<String>,
    /// What would be a problem, had nothing else run beside it. Any: it has not passed either.
    pub(crate) unjudged: Vec<String>,
}

/// Something that is tried often.
pub(crate) struct Scenario {
    /// In the command, the table and docs/attacks.md.
    pub(crate) name: &'static str,
    /// What is done, for the table.
    pub(crate) what: &'static str,
    /// What must hold, for the table.
    pub(crate) holds: &'static str,
    /// Does it.
    pub(crate) run: fn(&Setup) -> anyhow::Result<Outcome>,
}

/// All of them, in the order of a whole run.
pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "kills",
        what: "`kill -9` of the server at a random moment of mixed load or of its start, on SQLite",
        holds: "what was acknowledged is there, what was spent is spent, and the file is whole (I12, STO-04)",
        run: kills::run,
    },
    Scenario {
        name: "postgres",
        what: "`kill -9` of one or all of PostgreSQL's processes under mixed load",
        holds: "503 meanwhile; the server recovers without a restart; what was acknowledged is there (I12)",
        run: postgres::run,
    },
    Scenario {
        name: "history",
        what: "mixed load with random kills and restarts, on SQLite",
        holds: "one sequential account could have answered so: single use, monotone revocation (RACE-15)",
        run: history::run,
    },
    Scenario {
        name: "races",
        what: "fifty at once for one link, code, address, password or refresh token, and against one end; on every store",
        holds: "one of them wins, and nothing outlives its end (I7, I9, I10, SES-24, RACE-03, RACE-06 to -08)",
        run: races::run,
    },
    Scenario {
        name: "restarts",
        what: "SIGTERM and a new start under mixed load, on SQLite",
        holds: "what is under way is answered, what was acknowledged is there, a start takes less than 1 s (DOS-12)",
        run: restarts::run,
    },
    Scenario {
        name: "disk",
        what: "under mixed load the disk is full, fails halfway, does not sync or is read-only, and is mended, on SQLite",
        holds: "503 for what must be written and by `/readyz`, sessions go on, no restart needed, the file is whole (STO-05)",
        run: disk::run,
    },
    Scenario {
        name: "power",
        what: "a power cut under mixed load: unsynced writes are lost or torn, on SQLite",
        holds: "the file opens and is whole, what was acknowledged is there (STO-06, I12)",
        run: power::run,
    },
    Scenario {
        name: "clock",
        what: "the clock jumps by an hour or ten years, forwards or backwards, while people are at it",
        holds: "nothing breaks; what was ended or spent stays so; what is begun afterwards works (STO-13)",
        run: clock::run,
    },
    Scenario {
        name: "timing",
        what: "answers over loopback, the kinds in turn",
        holds: "Welch's t below 4.5, or medians less than 2 % apart (LOG-03, SES-06, REC-01)",
        run: timing::run,
    },
    Scenario {
        name: "storm",
        what: "10,000 slow connections, HTTP/2 streams opened and reset, 500 parallel logins",
        holds: "the session check's p99 stays below the larger of 1.5 x quiet and quiet + 5 ms",
        run: storm::run,
    },
    Scenario {
        name: "ids",
        what: "session secrets, and logins at two processes started from one state",
        holds: "no two alike, bits as chance makes them (SES-05)",
        run: ids::run,
    },
];
