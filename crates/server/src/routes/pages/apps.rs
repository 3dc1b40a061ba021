//! `/account/apps`: the applications that the account let in, and the way to take that back.

use axum::response::Response;
use countersign_core::Time;
use countersign_core::client::ClientId;
use countersign_core::grant::Scopes;
use countersign_pages::{AppItem, AppsPage};
use countersign_store::consent::{consents_of, offline_clients_of};
use http::StatusCode;

use crate::ctx::Ctx;
use crate::extract::caller::Visitor;
use crate::extract::form::{Form, Query};
use crate::flows::consent::withdraw;
use crate::respond::page;
use crate::respond::problem::{Kind, Problem};

const PATH: &str = "/account/apps";

/// An application, as far as it is known.
struct App {
    client: ClientId,
    name: String,
    scopes: Scopes,
    since: Time,
}

/// The list.
pub(crate) async fn show(ctx: Ctx, query: Query, visitor: Visitor) -> Result<Response, Problem> {
    let Some(live) = visitor.0 else { return Ok(super::login::first(PATH)) };
    let (store, account) = (&ctx.app.store, live.session.account);
    let consents = consents_of(store, account).await?;
    let mut known: Vec<_> = consents.into_iter().map(|it| (it.client, it.scopes, it.created_at)).collect();
    // Our own applications ask for no consent, and may stay all the same.
    for (client, scopes, since) in offline_clients_of(store, account).await? {
        if !known.iter().any(|(known, ..)| *known == client) {
            known.push((client, scopes, since));
        }
    }
    let mut apps = Vec::with_capacity(known.len());
    for (client, scopes, since) in known {
        let stored = store.client(&client).await?;
        let name = stored.map_or_else(|| client.to_string(), |stored| stored.client.shown_name().to_owned());
        apps.push(App { client, name, scopes, since });
    }
    let items = apps.iter().map(item).collect();
    let removed = query.get("removed").is_some();
    Ok(page::show(&ctx, (StatusCode::OK, PATH, true), &AppsPage { items, removed }))
}

fn item(app: &App) -> AppItem<'_> {
    let scopes = app.scopes.words().collect();
    AppItem { client: app.client.as_str(), name: &app.name, scopes, since: app.since }
}

/// Takes it back. Field: `client`.
pub(crate) async fn remove(ctx: Ctx, visitor: Visitor, form: Form) -> Result<Response, Problem> {
    let Some(live) = visitor.0 else { return Ok(super::login::first(PATH)) };
    let client = ClientId::parse(form.text("client")).ok_or_else(|| Problem::new(Kind::InvalidRequest))?;
    withdraw(&ctx, live.session.account, &client).await?;
    Ok(page::see_other("/account/apps?removed=1"))
}
