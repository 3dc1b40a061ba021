//! How many clients nobody vouched for: those that registered themselves, and those of documents (attacks OAU-59, DOS-04, DOS-07).

use countersign_store::client::register::count_unvouched;
use tokio::sync::MutexGuard;

use crate::ctx::Ctx;
use crate::respond::problem::{Kind, Problem};

/// Room for one more. Whoever holds it writes the client down before anybody else counts.
pub(crate) struct Place<'a>(#[expect(dead_code, reason = "it is held, not read")] MutexGuard<'a, ()>);

/// Finds it, if there is some.
pub(crate) async fn place(ctx: &Ctx) -> Result<Place<'_>, Problem> {
    let held = ctx.app.unvouched.lock().await;
    if count_unvouched(&ctx.app.store).await? >= u64::from(ctx.app.config.registration.limit) {
        return Err(Problem::new(Kind::Overloaded)
            .detail("Too many clients are registered. Ask the operator.")
            .cause("registration.limit is reached"));
    }
    Ok(Place(held))
}
