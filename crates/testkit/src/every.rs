//! One test, every store.

use crate::server::{Options, TestServer};
use crate::stores::StoreKind;

/// Runs a test on a dev server of each store that can be tested here.
///
/// # Panics
/// A server does not start, or the test fails.
pub async fn on_every_store(test: impl AsyncFn(TestServer) -> anyhow::Result<()>) {
    on_every_store_with(&[], test).await;
}

/// The same with settings, as the environment would set them.
///
/// # Panics
/// A server does not start, or the test fails.
pub async fn on_every_store_with(
    settings: &[(&str, &str)],
    test: impl AsyncFn(TestServer) -> anyhow::Result<()>,
) {
    for kind in StoreKind::testable() {
        let options =
            settings.iter().fold(Options::on(kind), |options, (name, value)| options.with(name, value));
        let server = TestServer::start(options).await.unwrap_or_else(|error| panic!("{kind:?}: {error:#}"));
        test(server).await.unwrap_or_else(|error| panic!("{kind:?}: {error:#}"));
    }
}
