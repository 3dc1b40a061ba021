//! STO-18 with the program itself: another master key, and a lost one.

use super::program::{KIM, PASSWORD, Place};

const OTHER: [u8; 32] = *b"quite another key, 0123456789 ab";

#[tokio::test]
async fn sto_18_everything_is_sealed_anew_under_another_master_key() -> anyhow::Result<()> {
    let place = Place::new()?;
    let server = place.start()?;
    place.create(KIM)?;
    let (_, tokens) = server.log_in(KIM, PASSWORD).await?;
    place.file("next.key", OTHER, 0o600)?;
    let reseal = ["keys", "reseal", "--new-master-key-file", "next.key"];
    let beside = place.run(&reseal)?;
    assert!(beside.code == Some(1) && beside.err.contains("stop it first"), "{beside:?}");
    assert!(server.stop()?.success());
    let open = place.file("open.key", OTHER, 0o644)?.display().to_string();
    let refused = place.run(&["keys", "reseal", "--new-master-key-file", &open])?;
    assert!(refused.code == Some(1) && refused.err.contains("chmod 600"), "{refused:?}");

    let resealed = place.run(&reseal)?;
    assert!(
        resealed.code == Some(0) && resealed.out.contains("Now set server.master_key_file"),
        "{resealed:?}"
    );
    let early = place.run(&["--listen", "127.0.0.1:0"])?;
    assert!(early.code == Some(1) && early.err.contains("Put that file back"), "{early:?}");
    std::fs::rename(place.path("next.key"), place.path("data/master.key"))?;
    let server = place.start()?;
    assert_eq!(server.who(&tokens).await?, 200, "the signing key is the same");
    assert_eq!(place.json(&["audit", "--kind", "store.resealed"])?[0]["actor"], "operator");
    Ok(())
}

#[tokio::test]
async fn sto_18_with_a_lost_master_key_it_begins_anew_and_keeps_the_accounts() -> anyhow::Result<()> {
    let place = Place::new()?;
    let server = place.start()?;
    place.create(KIM)?;
    let (_, tokens) = server.log_in(KIM, PASSWORD).await?;
    assert!(server.stop()?.success());
    place.file("data/master.key", OTHER, 0o600)?;
    let lost = place.run(&["--listen", "127.0.0.1:0"])?;
    assert!(lost.code == Some(1) && lost.err.contains("keys reseal --lost"), "{lost:?}");
    let begun = place.run(&["keys", "reseal", "--lost"])?;
    assert!(begun.code == Some(0) && begun.out.contains("every access and refresh token"), "{begun:?}");
    let server = place.start()?;
    assert_eq!(server.who(&tokens).await?, 401);
    let (status, tokens) = server.log_in(KIM, PASSWORD).await?;
    assert_eq!((status, server.who(&tokens).await?), (200, 200));
    Ok(())
}
