//! STO-16: a backup is whole, sound, its owner's alone, and made while the store serves.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use countersign_core::audit::Kind;
use countersign_store::Store;
use countersign_store::account::accounts;
use countersign_store::audit::{Filter, events};
use countersign_store::backup::backed_up_batch;
use countersign_store::db::snapshot::{Snapshot, SnapshotError, Stage, Target, Watch, verify};
use countersign_store::db::{Settings, StoreUrl};
use rustix::fs::{FileType, Mode};
use tempfile::TempDir;

use crate::people::{account, applied, stamp};
use crate::support::{NOW, on_postgres};

/// A store in a file of its own.
pub(crate) struct Here {
    pub(crate) folder: TempDir,
}

impl Here {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) async fn open(&self, name: &str) -> Arc<Store> {
        let url = StoreUrl::Sqlite(self.path(name));
        Arc::new(Store::open(&url, &Settings::default(), NOW).await.expect("open"))
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).expect("a folder");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
            .collect();
        names.sort();
        names
    }
}

pub(crate) fn unwatched() -> Watch {
    Arc::new(|_| true)
}

pub(crate) async fn back_up(store: &Store, path: &Path) -> Result<Snapshot, SnapshotError> {
    store.back_up(Target { path: path.to_owned(), overwrite: false }, unwatched()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sto_16_a_backup_made_among_writes_holds_all_that_was_acknowledged_before_it() {
    let here = Here::new();
    let store = here.open("store.db").await;
    for n in 0..20 {
        account(&store, &format!("before{n}@example.org")).await;
    }
    let go_on = Arc::new(AtomicBool::new(true));
    let writer = {
        let (store, go_on) = (Arc::clone(&store), Arc::clone(&go_on));
        tokio::spawn(async move {
            let mut written = 0;
            while go_on.load(Ordering::SeqCst) {
                account(&store, &format!("during{written}@example.org")).await;
                written += 1;
            }
            written
        })
    };
    let path = here.path("backup.db");
    let made = back_up(&store, &path).await.expect("a backup");
    go_on.store(false, Ordering::SeqCst);
    let written = writer.await.expect("no panic");
    assert!((20..=20 + written).contains(&made.accounts), "{made:?} beside {written}");
    applied(&store, backed_up_batch(&made, &stamp(NOW))).await;
    let told = Filter { kind: Some(Kind::StoreBackedUp), limit: 9, ..Filter::default() };
    let told = events(&store, &told).await.expect("the log");
    assert_eq!(told[0].detail["sha256"], made.sha256);
    store.close(&stamp(NOW)).await.expect("closed");

    let bytes = std::fs::read(&path).expect("the file");
    assert_eq!(bytes.len() as u64, made.bytes);
    assert_eq!(bytes[18..20], [1, 1], "no log belongs to it");
    assert_eq!(std::fs::metadata(&path).expect("it").permissions().mode() & 0o777, 0o600);
    assert_eq!(here.names(), ["backup.db", "store.db", "store.db.lock"], "no draft is left");
    assert_eq!(verify(&path, &unwatched()), Ok(made.clone()));
    let copy = here.open("backup.db").await;
    assert_eq!(accounts(&copy, None, 500).await.expect("people").len() as u64, made.accounts.min(500));
    copy.close(&stamp(NOW)).await.expect("closed");
}

#[tokio::test]
async fn sto_16_a_backup_takes_no_file_s_place_unasked_and_never_the_database_s() {
    let here = Here::new();
    let store = here.open("store.db").await;
    let path = here.path("notes.txt");
    std::fs::write(&path, "notes").expect("a file");
    assert!(matches!(back_up(&store, &path).await, Err(SnapshotError::Exists(_))));
    assert_eq!(std::fs::read(&path).expect("it"), b"notes");
    let forced = |name: &str| {
        let target = Target { path: here.path(name), overwrite: true };
        store.back_up(target, unwatched())
    };
    for own in ["store.db", "store.db-wal", "store.db-shm", "store.db.lock", "store.db-journal"] {
        assert!(matches!(forced(own).await, Err(SnapshotError::Own(_))), "{own}");
    }
    std::os::unix::fs::symlink(here.path("store.db"), here.path("link.db")).expect("a link");
    assert!(matches!(forced("link.db").await, Err(SnapshotError::Own(_))));
    assert!(matches!(forced("nowhere/x.db").await, Err(SnapshotError::File { .. })));
    let made = forced("notes.txt").await.expect("a backup");
    assert_eq!(verify(&path, &unwatched()), Ok(made));
    store.close(&stamp(NOW)).await.expect("closed");
    assert!(back_up(&store, &here.path("late.db")).await.is_err());
    assert!(!here.path("late.db").exists());
}

#[tokio::test]
async fn a_backup_tells_how_far_it_is_and_stops_when_told_to() {
    let here = Here::new();
    let store = here.open("store.db").await;
    let (pages, looked) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let watch: Watch = {
        let (pages, looked) = (Arc::clone(&pages), Arc::clone(&looked));
        Arc::new(move |progress| {
            assert!(progress.done <= progress.total && progress.total > 0);
            match progress.stage {
                Stage::Copying => pages.store(progress.done, Ordering::SeqCst),
                Stage::Verifying => looked.store(true, Ordering::SeqCst),
            }
            true
        })
    };
    let target = |name| Target { path: here.path(name), overwrite: false };
    let made = store.back_up(target("one.db"), watch).await.expect("a backup");
    assert_eq!(pages.load(Ordering::SeqCst) * 4096, made.bytes);
    assert!(looked.load(Ordering::SeqCst));
    let stopped = store.back_up(target("two.db"), Arc::new(|_| false)).await;
    assert_eq!(stopped, Err(SnapshotError::Stopped));
    store.close(&stamp(NOW)).await.expect("closed");
    assert_eq!(here.names(), ["one.db", "store.db", "store.db.lock"]);
}

#[tokio::test]
async fn sto_17_a_damaged_or_foreign_file_is_no_backup() {
    let here = Here::new();
    let store = here.open("store.db").await;
    for n in 0..50 {
        account(&store, &format!("kim{n}@example.org")).await;
    }
    let path = here.path("backup.db");
    back_up(&store, &path).await.expect("a backup");
    store.close(&stamp(NOW)).await.expect("closed");
    let good = std::fs::read(&path).expect("it");
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        std::fs::write(&path, bytes).expect("written");
        verify(&path, &unwatched())
    };
    // The cells of a page, the head of one, half of the file, all of it but the words of another program.
    let refused = [
        with(&|bytes| bytes[4096..8192].fill(0xa5)),
        with(&|bytes| bytes[8192..8200].fill(0xff)),
        with(&|bytes| bytes.truncate(good.len() / 2)),
        with(&|bytes| *bytes = b"not a database, but long enough for one ".repeat(500)),
        with(&Vec::clear),
    ];
    for (n, judged) in refused.into_iter().enumerate() {
        assert!(matches!(judged, Err(SnapshotError::Unsound { .. })), "{n}: {judged:?}");
    }
    assert!(with(&|_| ()).is_ok());
    assert!(matches!(verify(&here.path("missing.db"), &unwatched()), Err(SnapshotError::File { .. })));
    assert!(!here.path("missing.db").exists(), "looking makes nothing");
}

#[tokio::test]
async fn postgresql_is_told_apart() {
    on_postgres(async |place| {
        let url = StoreUrl::parse(&place.url).expect("a good URL");
        let store = Store::open(&url, &Settings::default(), NOW).await.expect("open");
        let here = Here::new();
        assert_eq!(back_up(&store, &here.path("x.db")).await, Err(SnapshotError::NotAFile));
        store.close(&stamp(NOW)).await.expect("closed");
    })
    .await;
}

#[tokio::test]
async fn sto_16_what_a_killed_backup_left_is_gone_with_the_next_one_and_one_under_way_is_not() {
    let here = Here::new();
    let store = here.open("store.db").await;
    let left = here.path(".countersign-backup-AbCdEf");
    let under_way = here.path(".countersign-backup-GhIjKl");
    std::fs::write(&left, "half").expect("a file");
    // Somebody's prank: whoever opens it waits for a writer.
    let pipe = here.path(".countersign-backup-MnOpQr");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, FileType::Fifo, Mode::RUSR, 0).expect("a pipe");
    let held = std::fs::File::create(&under_way).expect("a file");
    held.lock().expect("its lock");
    back_up(&store, &here.path("backup.db")).await.expect("a backup");
    assert!(!left.exists() && under_way.exists() && pipe.exists());
    store.close(&stamp(NOW)).await.expect("closed");
}
