//! `/account/profile`: what the account tells of itself.

use axum::response::Response;
use countersign_core::account::DisplayName;
use countersign_core::account::profile::{Field, Profile};
use countersign_core::audit::Actor;
use countersign_pages::{NameProblem, ProfileItem, ProfilePage};
use http::StatusCode;

use crate::ctx::Ctx;
use crate::extract::caller::Visitor;
use crate::extract::form::{Form, Query};
use crate::flows::profile::{Draft, change, read};
use crate::respond::page;
use crate::respond::problem::{Kind, Problem};

const PATH: &str = "/account/profile";

/// As it is now.
pub(crate) async fn show(ctx: Ctx, query: Query, visitor: Visitor) -> Result<Response, Problem> {
    let Some(live) = visitor.0 else { return Ok(super::login::first(PATH)) };
    let (account, told) = read(&ctx, live.session.account).await?;
    let item = |field| ProfileItem { field, text: told.profile.get(field).unwrap_or(""), refused: false };
    let shown = ProfilePage {
        name: account.name.as_ref().map_or("", DisplayName::as_str),
        name_problem: None,
        fields: Field::ALL.map(item).into(),
        saved: query.get("saved").is_some(),
    };
    Ok(page::show(&ctx, (StatusCode::OK, PATH, true), &shown))
}

/// Fields: `name`, and those of the profile. All is saved, or nothing.
pub(crate) async fn submit(ctx: Ctx, visitor: Visitor, form: Form) -> Result<Response, Problem> {
    let Some(live) = visitor.0 else { return Ok(super::login::first(PATH)) };
    let name = match form.text("name").trim() {
        "" => Ok(None),
        typed => DisplayName::parse(typed).map(Some),
    };
    // Whether a field can be what was typed does not depend on what it was.
    let refused = |field| Profile::default().with(field, form.text(field.as_str())).is_err();
    let item = |field: Field| ProfileItem { field, text: form.text(field.as_str()), refused: refused(field) };
    let fields: Vec<_> = Field::ALL.map(item).into();
    let name = match name {
        Ok(name) if fields.iter().all(|item| !item.refused) => name,
        name => {
            let name_problem = name.err().map(|_| NameProblem::Invalid);
            let shown = ProfilePage { name: form.text("name"), name_problem, fields, saved: false };
            return Ok(page::show(&ctx, (StatusCode::BAD_REQUEST, PATH, true), &shown));
        }
    };
    let account = live.session.account;
    change::<Problem>(&ctx, Actor::Account(account), account, |before| {
        let typed = |profile: Profile, field: Field| profile.with(field, form.text(field.as_str()));
        let profile = Field::ALL.into_iter().try_fold(before.profile, typed);
        // Judged above: nothing of it is refused here.
        let profile =
            profile.map_err(|error| Problem::new(Kind::InvalidRequest).detail(error.to_string()))?;
        Ok(Draft { name: name.clone(), profile, locale: before.locale })
    })
    .await?;
    Ok(page::see_other("/account/profile?saved=1"))
}
