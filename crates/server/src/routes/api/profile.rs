//! `/api/v1/profile`: what the account tells of itself, by either face.

use axum::response::Response;
use countersign_core::account::Account;
use countersign_core::account::profile::{Field, Told};
use countersign_core::audit::Actor;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ctx::Ctx;
use crate::extract::caller::Caller;
use crate::extract::json::Json;
use crate::flows::profile::{Draft, change, read};
use crate::respond::problem::Problem;
use crate::respond::session::{json, to_bytes};

use super::input::Fields;

/// What an account may tell of itself, under the names of the standard claims. What is not there is not told.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = Profile)]
pub(crate) struct Body {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    given_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    family_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    middle_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nickname: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_username: Option<String>,
    /// A page about the person: `https://…`
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    /// `https://…`
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<String>,
    /// `https://…`
    #[serde(skip_serializing_if = "Option::is_none")]
    website: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gender: Option<String>,
    /// `YYYY-MM-DD`, `0000-MM-DD` or `YYYY`
    #[serde(skip_serializing_if = "Option::is_none")]
    birthdate: Option<String>,
    /// Such as `Asia/Seoul`
    #[serde(skip_serializing_if = "Option::is_none")]
    zoneinfo: Option<String>,
    /// Such as `+82 2 312 3456`; kept as `+8223123456`
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    street_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locality: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    postal_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<String>,
    /// `en` or `ko`. A change that does not name it leaves it as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<String>,
}

impl Body {
    fn of(account: &Account, told: &Told) -> Self {
        let mut shown = Self {
            name: account.name.as_ref().map(|name| name.as_str().to_owned()),
            locale: Some(account.locale.as_str().to_owned()),
            ..Self::default()
        };
        for field in Field::ALL {
            *shown.field(field) = told.profile.get(field).map(str::to_owned);
        }
        shown
    }

    const fn field(&mut self, field: Field) -> &mut Option<String> {
        match field {
            Field::GivenName => &mut self.given_name,
            Field::FamilyName => &mut self.family_name,
            Field::MiddleName => &mut self.middle_name,
            Field::Nickname => &mut self.nickname,
            Field::PreferredUsername => &mut self.preferred_username,
            Field::Profile => &mut self.profile,
            Field::Picture => &mut self.picture,
            Field::Website => &mut self.website,
            Field::Gender => &mut self.gender,
            Field::Birthdate => &mut self.birthdate,
            Field::Zoneinfo => &mut self.zoneinfo,
            Field::PhoneNumber => &mut self.phone_number,
            Field::StreetAddress => &mut self.street_address,
            Field::Locality => &mut self.locality,
            Field::Region => &mut self.region,
            Field::PostalCode => &mut self.postal_code,
            Field::Country => &mut self.country,
        }
    }
}

/// The profile, and what of it cannot be changed here.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnProfile {
    #[serde(flatten)]
    profile: Body,
    email: Option<String>,
    email_verified: bool,
    phone_number_verified: bool,
    /// Seconds since 1970
    updated_at: i64,
}

/// What the account tells of itself.
#[utoipa::path(get, path = "/api/v1/profile", operation_id = "show_profile", tag = "accounts",
    responses((status = 200, body = OwnProfile), (status = 401, description = "invalid_token")))]
pub(crate) async fn show(ctx: Ctx, caller: Caller) -> Result<Response, Problem> {
    let (account, told) = read(&ctx, caller.account()).await?;
    Ok(json(to_bytes(&OwnProfile {
        profile: Body::of(&account, &told),
        email: account.email.as_ref().map(|email| email.display().to_owned()),
        email_verified: account.email_verified_at.is_some(),
        phone_number_verified: told.profile.phone_number_verified(),
        updated_at: told.updated_at.seconds(),
    })))
}

/// Replace what the account tells of itself: what is left out is told no more. Answers like GET.
#[utoipa::path(put, path = "/api/v1/profile", operation_id = "change_profile", tag = "accounts", request_body = Body,
    responses(
        (status = 200, body = OwnProfile),
        (status = 400, description = "invalid_request with what is wrong in `errors`"),
        (status = 401, description = "invalid_token"),
        (status = 403, description = "csrf")))]
pub(crate) async fn replace(ctx: Ctx, caller: Caller, Json(body): Json<Body>) -> Result<Response, Problem> {
    let account = caller.account();
    change(&ctx, Actor::Account(account), account, |before| edited(before, body.clone())).await?;
    show(ctx, caller).await
}

fn edited(before: Draft, mut body: Body) -> Result<Draft, Problem> {
    let mut fields = Fields::new();
    let name = fields.name(body.name.as_deref());
    let locale = fields.locale(body.locale.as_deref()).unwrap_or(before.locale);
    let mut profile = before.profile;
    for field in Field::ALL {
        let typed = body.field(field).as_deref().unwrap_or_default();
        match profile.clone().with(field, typed) {
            Ok(changed) => profile = changed,
            Err(error) => fields.refuse(field.as_str(), "invalid", error.problem()),
        }
    }
    fields.done(Some(Draft { name, locale, profile }))
}
