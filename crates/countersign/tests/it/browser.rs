//! Journeys in a real Chromium (`crates/testkit/browser`): the pages as people meet them. The server runs in real time,
//! since a browser holds a cookie's `Max-Age` against its own clock.

use std::env;
use std::path::PathBuf;

use countersign_testkit::browser::run;
use countersign_testkit::{Client, Options, StoreKind, TestServer};

const EMAIL: &str = "victim@example.org";
const PASSWORD: &str = "correct horse battery staple";

#[tokio::test(flavor = "multi_thread")]
async fn a_first_day_in_both_languages_with_and_without_a_script() {
    let server = server().await;
    play(&server, "journey.mjs", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn csr_09_a_device_is_let_in_by_who_is_asked_in_both_languages_with_and_without_a_script() {
    let server = server().await;
    Client::browser(&server).register(EMAIL, PASSWORD).await.unwrap();
    play(&server, "device.mjs", &[("EMAIL", EMAIL), ("PASSWORD", PASSWORD)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_i4_another_site_reaches_the_token_face_and_never_the_session_face() {
    let server = server().await;
    let mut owner = Client::browser(&server);
    owner.register(EMAIL, PASSWORD).await.unwrap();
    let tokens = owner.tokens(EMAIL, PASSWORD).await.unwrap();
    play(&server, "faces.mjs", &[("EMAIL", EMAIL), ("PASSWORD", PASSWORD), ("ACCESS_TOKEN", &tokens.access)])
        .await;
}

async fn server() -> TestServer {
    TestServer::start(Options::on(StoreKind::Memory).real_time()).await.unwrap()
}

/// Plays a script against the server; pictures of the pages are left in `SCREENSHOT_DIR`, else in the target folder.
async fn play(server: &TestServer, script: &'static str, env: &[(&'static str, &str)]) {
    let mut env: Vec<(&'static str, String)> =
        env.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    env.push(("BASE_URL", server.url.clone()));
    env.push(("SCREENSHOT_DIR", screenshots().display().to_string()));
    let played = tokio::task::spawn_blocking(move || {
        let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
        run(script, &env)
    });
    played.await.unwrap().unwrap();
}

fn screenshots() -> PathBuf {
    env::var_os("SCREENSHOT_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("screenshots"), PathBuf::from)
}
