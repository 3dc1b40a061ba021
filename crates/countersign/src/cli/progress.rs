//! How far a backup or restore is, for whoever watches: a line for each tenth.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use countersign_server::admin::{ProgressEntry, StageEntry};
use countersign_store::db::snapshot::Watch;

use super::out;

/// Says what it hears, and never stops anything.
pub(super) fn watch() -> Watch {
    let told = teller();
    Arc::new(move |progress| {
        told(&progress.into());
        true
    })
}

/// Says what it hears, each tenth once.
pub(super) fn teller() -> impl Fn(&ProgressEntry) {
    let last = AtomicU64::new(0);
    move |progress| {
        let (tenth, words) = told(progress);
        if last.fetch_max(tenth, Ordering::SeqCst) < tenth {
            out::note(&words);
        }
    }
}

/// A number that grows with each tenth of each stage, and the words.
fn told(progress: &ProgressEntry) -> (u64, String) {
    let percent = (progress.done * 100).checked_div(progress.total).unwrap_or(100);
    let (stage, words) = match progress.stage {
        StageEntry::Copying => (1, "copying"),
        StageEntry::Verifying => (2, "verifying"),
    };
    (stage * 100 + percent / 10, format!("{words}: {percent} %"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tenth_of_each_stage_is_one_further() {
        let at = |stage, done| told(&ProgressEntry { stage, done, total: 1000 });
        assert_eq!(at(StageEntry::Copying, 256), (102, "copying: 25 %".to_owned()));
        assert_eq!(at(StageEntry::Copying, 1000).0, 110);
        assert_eq!(at(StageEntry::Verifying, 0), (200, "verifying: 0 %".to_owned()));
        let empty = told(&ProgressEntry { stage: StageEntry::Copying, done: 0, total: 0 });
        assert_eq!(empty.1, "copying: 100 %");
    }
}
