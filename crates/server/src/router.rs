//! The whole URL table. One row a path: who may come (faces), in which words it answers, who may ask from elsewhere
//! (CORS, CSRF), who may keep the answer. Every row stands behind the gate, and every row is in the authorization test.

pub use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, any, delete, get, post, put};

use crate::app::App;
use crate::middleware::Access;
use crate::middleware::gate::gate;
use crate::routes::api::admin;
use crate::routes::{api, dev, health, locale, oauth2, pages, static_files, status_list, well_known};

/// One row of the table.
#[derive(Clone, Copy)]
pub(crate) struct Route {
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    methods: fn() -> MethodRouter<App>,
}

const fn row(path: &'static str, access: Access, methods: fn() -> MethodRouter<App>) -> Route {
    Route { path, access, methods }
}

/// Every path that answers.
#[rustfmt::skip]
pub(crate) const TABLE: &[Route] = &[
    // Pages.
    row("/", Access::PAGE, || get(pages::home::show)),
    row("/login", Access::PAGE, || get(pages::login::show).post(pages::login::submit)),
    row("/register", Access::PAGE, || get(pages::register::show).post(pages::register::submit)),
    row("/verify", Access::PAGE, || get(pages::verify::show).post(pages::verify::submit)),
    row("/verify/resend", Access::PAGE, || post(pages::verify::resend)),
    row("/recover", Access::PAGE, || get(pages::recover::show).post(pages::recover::submit)),
    row("/reset", Access::PAGE, || get(pages::reset::show).post(pages::reset::submit)),
    row("/account", Access::PAGE, || get(pages::account::show)),
    row("/account/profile", Access::PAGE, || get(pages::profile::show).post(pages::profile::submit)),
    row("/account/sessions", Access::PAGE, || get(pages::sessions::show)),
    row("/account/sessions/end-others", Access::PAGE, || post(pages::sessions::end_others)),
    row("/account/sessions/{id}/end", Access::PAGE, || post(pages::sessions::end_one)),
    row("/account/apps", Access::PAGE, || get(pages::apps::show)),
    row("/account/apps/remove", Access::PAGE, || post(pages::apps::remove)),
    row("/account/security", Access::PAGE, || get(pages::security::show).post(pages::security::submit)),
    row("/logout", Access::PAGE, || get(pages::logout::show).post(pages::logout::submit)),
    row("/consent", Access::PAGE, || get(pages::consent::show).post(pages::consent::submit)),
    row("/device", Access::PAGE, || get(pages::device::show).post(pages::device::submit)),
    row("/select", Access::PAGE, || get(pages::select::show).post(pages::select::submit)),
    row("/locale", Access::PAGE, || post(locale::choose)),
    row("/static/{file}", Access::STATIC, || get(static_files::show)),
    // The API.
    row("/api/v1/accounts", Access::COOKIE, || post(api::accounts::register)),
    row("/api/v1/accounts/verify", Access::COOKIE, || post(api::verify::verify)),
    row("/api/v1/login", Access::COOKIE, || post(api::login::login)),
    row("/api/v1/recover", Access::COOKIE, || post(api::recover::recover)),
    row("/api/v1/reset", Access::COOKIE, || post(api::reset::reset)),
    row("/api/v1/session", Access::EITHER, || get(api::session::show).delete(api::session::end)),
    row("/api/v1/sessions", Access::EITHER, || get(api::sessions::list).delete(api::sessions::end_others)),
    row("/api/v1/sessions/{id}", Access::EITHER, || delete(api::sessions::end_one)),
    row("/api/v1/password", Access::EITHER, || put(api::password::change)),
    row("/api/v1/profile", Access::EITHER, || get(api::profile::show).put(api::profile::replace)),
    // The administration: a session of an administrator, or a token with the scope `admin`.
    row("/api/v1/admin/clients", Access::EITHER, || get(admin::clients::list).post(admin::clients::create)),
    row("/api/v1/admin/clients/{id}", Access::EITHER,
        || get(admin::clients::show).put(admin::clients::replace).delete(admin::clients::end)),
    row("/api/v1/admin/clients/{id}/secret", Access::EITHER, || post(admin::clients::rotate)),
    row("/api/v1/admin/clients/{id}/disable", Access::EITHER, || post(admin::clients::disable)),
    row("/api/v1/admin/clients/{id}/enable", Access::EITHER, || post(admin::clients::enable)),
    row("/api/v1/admin/clients/{id}/check", Access::EITHER, || get(admin::clients::check)),
    row("/api/v1/admin/resources", Access::EITHER, || get(admin::resources::list).post(admin::resources::add)),
    row("/api/v1/admin/grants", Access::EITHER, || get(admin::grants::list)),
    row("/api/v1/admin/grants/{id}", Access::EITHER, || get(admin::grants::show).delete(admin::grants::revoke)),
    row("/api/v1/openapi.json", Access::PUBLIC, || get(api::openapi::show)),
    // OAuth 2.
    row("/oauth2/authorize", Access::AUTHORIZE, || get(oauth2::authorize::show).post(oauth2::authorize::submit)),
    row("/oauth2/userinfo", Access::OAUTH, || get(oauth2::userinfo::show).post(oauth2::userinfo::submit)),
    row("/oauth2/logout", Access::AUTHORIZE, || get(oauth2::logout::show).post(oauth2::logout::submit)),
    row("/oauth2/par", Access::OAUTH, || post(oauth2::par::push)),
    row("/oauth2/token", Access::OAUTH, || post(oauth2::token::token)),
    row("/oauth2/device_authorization", Access::OAUTH, || post(oauth2::device_authorization::ask)),
    row("/oauth2/introspect", Access::OAUTH, || post(oauth2::introspect::introspect)),
    row("/oauth2/revoke", Access::OAUTH, || post(oauth2::revoke::revoke)),
    row("/oauth2/register", Access::OAUTH, || post(oauth2::register::register)),
    row("/oauth2/register/{id}", Access::OAUTH,
        || get(oauth2::register::show).put(oauth2::register::replace).delete(oauth2::register::end)),
    row("/.well-known/openid-configuration", Access::PUBLIC, || get(well_known::openid)),
    row("/.well-known/oauth-authorization-server", Access::PUBLIC, || get(well_known::oauth)),
    row("/.well-known/jwks.json", Access::PUBLIC, || get(well_known::jwks)),
    row("/statuslists/{id}", Access::PUBLIC, || get(status_list::show)),
    // Operations.
    row("/healthz", Access::HEALTH, || get(health::alive)),
    row("/readyz", Access::HEALTH, || get(health::ready)),
];

/// Paths of the dev mode alone.
#[rustfmt::skip]
pub(crate) const DEV_TABLE: &[Route] = &[
    row("/dev/inbox", Access::PAGE, || get(dev::inbox::show)),
];

/// Every path that answers: what the authorization test goes through, so that no route is ever without it (I17).
pub fn paths(dev: bool) -> impl Iterator<Item = &'static str> {
    table(dev).map(|route| route.path)
}

fn table(dev: bool) -> impl Iterator<Item = &'static Route> {
    TABLE.iter().chain(if dev { DEV_TABLE } else { &[] })
}

/// The service as a router, to be served or mounted at the root of an application's own.
pub fn router(app: &App) -> Router {
    let gated = |access| from_fn_with_state((app.clone(), access), gate);
    let routes = table(app.config.dev).fold(Router::new(), |router, route| {
        router.route(route.path, (route.methods)().layer(gated(route.access)))
    });
    let nothing = |access: Access| any(health::nothing).layer(gated(access));
    routes
        .route("/api/{*rest}", nothing(Access::COOKIE))
        .route("/oauth2/{*rest}", nothing(Access::OAUTH))
        .fallback_service(nothing(Access::PAGE).with_state(app.clone()))
        .with_state(app.clone())
}
