//! A password about to be set: judged, then hashed, both where hashing belongs.

use std::sync::Arc;

use countersign_core::account::{Account, DisplayName, Email};
use countersign_core::credential::Password;
use countersign_core::credential::policy::{Context, Rejection, check};

use crate::app::PUBLIC_NAME;
use crate::ctx::Ctx;
use crate::hash_pool::Asker;
use crate::respond::problem::Problem;

/// Whose password it will be: what an attacker would try first.
pub(crate) struct Owner {
    pub(crate) email: Option<Email>,
    pub(crate) name: Option<DisplayName>,
}

impl Owner {
    pub(crate) fn of(account: &Account) -> Self {
        Self { email: account.email.clone(), name: account.name.clone() }
    }
}

/// The password's hash (PHC string), or why it may not be chosen.
pub(crate) async fn choose(
    ctx: &Ctx,
    password: &Arc<Password>,
    (owner, asker): (Owner, Asker),
) -> Result<Result<String, Rejection>, Problem> {
    let judged = Arc::clone(password);
    let judge = move || {
        let context =
            Context { email: owner.email.as_ref(), name: owner.name.as_ref(), service: PUBLIC_NAME };
        check(&judged, &context)
    };
    match ctx.app.hashes.run(asker, judge).await? {
        Ok(()) => Ok(Ok(ctx.app.hashes.hash(Arc::clone(password), asker).await?)),
        Err(rejection) => Ok(Err(rejection)),
    }
}
