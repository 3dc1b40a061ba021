//! One process at a time, and what it acknowledged outlives it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use countersign_store::db::{Db, Error, Outcome, Settings, StoreUrl};

use crate::support::{NOW, SCHEMA, apply, in_a_file, names, parent, where_it_lasts};

#[tokio::test]
async fn a_second_process_is_kept_out_until_the_first_has_closed() {
    where_it_lasts(async |place| {
        let db = place.store().await;
        assert!(db.is_owner());
        let second = place.open().await.expect_err("kept out");
        assert!(matches!(&second, Error::InUse(_)), "{second}");
        if let Some(path) = place.url.strip_prefix("sqlite:") {
            let link = format!("{path}.link");
            std::os::unix::fs::symlink(path, &link).expect("a link");
            let url = StoreUrl::parse(&format!("sqlite:{link}")).expect("a good URL");
            let second = Db::open(&url, &Settings::default()).await;
            assert!(matches!(second, Err(Error::InUse(_))), "kept out by a link too");
        }
        db.close().await;
        assert!(matches!(db.apply(vec![parent(1, "ann")]).await, Err(Error::Unavailable(_))));
        assert!(matches!(db.read("SELECT 1", &[]).await, Err(Error::Unavailable(_))));
        assert!(matches!(db.scan("SELECT 1", vec![]).await, Err(Error::Unavailable(_))));
        place.open_again().await.close().await;
    })
    .await;
}

#[tokio::test]
async fn only_its_owner_can_read_the_files_of_a_store() {
    in_a_file(async |place| {
        let db = place.store().await;
        let path = place.url.trim_start_matches("sqlite:");
        for end in ["", "-wal", "-shm", ".lock"] {
            let file = std::fs::metadata(format!("{path}{end}")).expect("a file");
            assert_eq!(file.permissions().mode() & 0o777, 0o600, "{path}{end}");
        }
        db.close().await;
        assert!(!std::fs::exists(format!("{path}-wal")).expect("a look"), "checkpointed at close");
    })
    .await;
}

#[tokio::test]
async fn a_file_that_is_no_database_and_a_missing_folder_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "not a database, but long enough to be taken for one".repeat(99)).expect("a file");
    for path in [path, folder.path().join("missing/store.db")] {
        let url = StoreUrl::parse(&format!("sqlite:{}", path.display())).expect("a good URL");
        let opened = Db::open(&url, &Settings::default()).await;
        assert!(matches!(opened, Err(Error::Unavailable(_))), "{opened:?}");
    }
}

const CHILD: &str = "STORE_TEST_CHILD";

/// I12. The child is this same test, told by the environment to write until it is killed.
#[tokio::test]
async fn acknowledged_batches_survive_a_kill_minus_nine() {
    if let Ok(url) = std::env::var(CHILD) {
        return write_until_killed(&url).await;
    }
    in_a_file(async |place| {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "processes::acknowledged_batches_survive_a_kill_minus_nine"])
            .env(CHILD, &place.url)
            .stdout(Stdio::piped())
            .spawn()
            .expect("a child");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let acknowledged =
            lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("ack ")?.parse().ok());
        let last: u8 = acknowledged.take(150).last().expect("acknowledged batches");
        child.kill().expect("SIGKILL");
        child.wait().expect("gone");
        assert_eq!(last, 149);
        let db = place.open_again().await;
        let survived = names(&db).await;
        for n in 0..=last {
            assert!(survived.contains(&format!("{n:03}")), "{n} was acknowledged and is gone");
        }
        db.close().await;
    })
    .await;
}

async fn write_until_killed(url: &str) {
    let url = StoreUrl::parse(url).expect("a good URL");
    let db = Db::open(&url, &Settings::default()).await.expect("open");
    db.migrate(SCHEMA, NOW).await.expect("migrate");
    for n in 0..=u8::MAX {
        assert_eq!(apply(&db, vec![parent(n, &format!("{n:03}"))]).await, Outcome::Applied(vec![1]));
        writeln!(std::io::stdout(), "ack {n}").expect("a parent that reads");
    }
    std::future::pending::<()>().await;
}
