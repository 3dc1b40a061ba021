//! Which request the present task works for. Whatever is logged meanwhile is marked with it, however deep below the
//! handler, and nobody hands it down for that.

use std::future::Future;

use countersign_core::RequestId;

tokio::task_local! {
    static PRESENT: RequestId;
}

/// The request that the present task, or the present job of a hash thread, works for.
pub fn current() -> Option<RequestId> {
    PRESENT.try_with(|request| *request).ok()
}

/// Runs a request's work.
pub(crate) fn working_for<F: Future>(request: RequestId, work: F) -> impl Future<Output = F::Output> {
    PRESENT.scope(request, work)
}

/// Runs work of a thread for the request, if it is one's.
pub(crate) fn in_thread<T>(request: Option<RequestId>, work: impl FnOnce() -> T) -> T {
    match request {
        Some(request) => PRESENT.sync_scope(request, work),
        None => work(),
    }
}
