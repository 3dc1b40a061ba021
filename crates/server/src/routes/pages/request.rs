//! The request that a page of a flow is about: read from the page's URL or form, checked anew.

use axum::response::Response;
use countersign_core::Locale;
use countersign_core::authorize::Waiting;
use http::HeaderMap;

use crate::ctx::Ctx;
use crate::extract::cookies::{Cookies, LOCALE};
use crate::flows::authorize::{Known, read};
use crate::flows::waiting::unseal;
use crate::respond::authorize::no_way_back;
use crate::respond::problem::Problem;
use crate::routes::oauth2::authorize::finish;

/// A request that waits, and what is known of it.
pub(crate) struct Opened {
    pub(crate) waiting: Waiting,
    pub(crate) known: Known,
}

/// Opens it; what has become of one that does not count any more is the answer. The page speaks the language that the client
/// asked for, unless the person chose one (`ui_locales`).
pub(crate) async fn open(
    mut ctx: Ctx,
    sealed: &str,
    headers: &HeaderMap,
) -> Result<(Ctx, Result<Opened, Box<Response>>), Problem> {
    let waiting = match unseal(&ctx, sealed) {
        Ok(waiting) => waiting,
        Err(reason) => {
            let response = no_way_back(&ctx, reason);
            return Ok((ctx, Err(Box::new(response))));
        }
    };
    if Cookies::of(headers).get(LOCALE).and_then(Locale::parse).is_none() {
        let mut asked = waiting.parameters.get("ui_locales").unwrap_or("").split(' ');
        let language = |tag: &str| Locale::parse(tag.split('-').next().unwrap_or(tag));
        ctx.locale = asked.find_map(language).unwrap_or(ctx.locale);
    }
    let opened = match read(&ctx, &waiting).await? {
        Ok(known) => Ok(Opened { waiting, known }),
        Err(failure) => Err(Box::new(finish(&ctx, failure.into(), &waiting))),
    };
    Ok((ctx, opened))
}
