//! An application that logs people in with Countersign: axum, openidconnect, and nothing of Countersign's own.
//! The tokens stay here; the browser holds the name of a session that this process remembers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreIdToken, CoreUserInfoClaims};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet, EndpointSet,
    IssuerUrl, LogoutRequest, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier,
    PostLogoutRedirectUrl, ProviderMetadataWithLogout, RedirectUrl, RefreshToken, Scope, TokenResponse,
    reqwest,
};

type Oidc = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

struct App {
    oidc: Oidc,
    provider: ProviderMetadataWithLogout,
    http: reqwest::Client,
    home: String,
    /// By `state`: what the callback has to know.
    begun: Mutex<HashMap<String, (PkceCodeVerifier, Nonce)>>,
    /// By cookie.
    sessions: Mutex<HashMap<String, Session>>,
}

struct Session {
    name: String,
    id_token: CoreIdToken,
    refresh: Option<RefreshToken>,
}

/// What went wrong is for the log; the browser learns only that it did.
struct Failed(anyhow::Error);

impl<E: Into<anyhow::Error>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        eprintln!("{:?}", self.0);
        (StatusCode::INTERNAL_SERVER_ERROR, "That did not work. Begin again at /login.").into_response()
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let from = |name: &str, else_: &str| std::env::var(name).unwrap_or_else(|_| else_.to_owned());
    let issuer = IssuerUrl::new(from("ISSUER", "http://localhost:8080"))?;
    let port: u16 = from("PORT", "3000").parse()?;
    let home = format!("http://localhost:{port}/");
    let http = reqwest::ClientBuilder::new().redirect(reqwest::redirect::Policy::none()).build()?;
    let provider = ProviderMetadataWithLogout::discover_async(issuer, &http).await?;
    let oidc = CoreClient::from_provider_metadata(
        provider.clone(),
        ClientId::new(std::env::var("CLIENT_ID")?),
        Some(ClientSecret::new(std::env::var("CLIENT_SECRET")?)),
    )
    .set_redirect_uri(RedirectUrl::new(format!("{home}callback"))?);
    let app = App { oidc, provider, http, home, begun: Mutex::default(), sessions: Mutex::default() };
    let routes = Router::new()
        .route("/", get(home_page))
        .route("/login", get(login))
        .route("/callback", get(callback))
        .route("/refresh", get(refresh))
        .route("/logout", get(logout))
        .with_state(Arc::new(app));
    let listener = tokio::net::TcpListener::bind(("localhost", port)).await?;
    println!("Running on http://localhost:{port}/");
    Ok(axum::serve(listener, routes).await?)
}

async fn home_page(State(app): State<Arc<App>>, jar: CookieJar) -> Html<String> {
    let name = session(&app, &jar, |session| session.name.clone());
    Html(match name {
        Some(name) => format!(
            "<h1>Hello {}</h1><p><a href=\"/refresh\">Refresh</a> <a href=\"/logout\">Sign out</a></p>",
            escape(&name)
        ),
        None => "<h1>Hello stranger</h1><p><a href=\"/login\">Sign in</a></p>".to_owned(),
    })
}

async fn login(State(app): State<Arc<App>>, jar: CookieJar) -> (CookieJar, Redirect) {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state, nonce) = app
        .oidc
        .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
        .add_scope(Scope::new("profile".to_owned()))
        .add_scope(Scope::new("email".to_owned()))
        .set_pkce_challenge(challenge)
        .url();
    app.begun.lock().unwrap().insert(state.secret().clone(), (verifier, nonce));
    (jar.add(cookie("app-login", state.secret())), Redirect::to(url.as_str()))
}

async fn callback(
    State(app): State<Arc<App>>,
    jar: CookieJar,
    Query(answer): Query<HashMap<String, String>>,
) -> Result<(CookieJar, Redirect), Failed> {
    let state = jar.get("app-login").map(|cookie| cookie.value().to_owned());
    let state =
        state.filter(|state| answer.get("state") == Some(state)).ok_or_else(|| anyhow::anyhow!("state"))?;
    let begun = app.begun.lock().unwrap().remove(&state);
    let (verifier, nonce) = begun.ok_or_else(|| anyhow::anyhow!("nothing was begun"))?;
    let code = answer.get("code").ok_or_else(|| anyhow::anyhow!("no code: {answer:?}"))?;
    let exchange = app.oidc.exchange_code(AuthorizationCode::new(code.clone()))?.set_pkce_verifier(verifier);
    let tokens = exchange.request_async(&app.http).await?;
    let id_token = tokens.id_token().ok_or_else(|| anyhow::anyhow!("no ID token"))?.clone();
    let subject = id_token.claims(&app.oidc.id_token_verifier(), &nonce)?.subject().clone();
    let user: CoreUserInfoClaims =
        app.oidc.user_info(tokens.access_token().clone(), Some(subject))?.request_async(&app.http).await?;
    let name = user.name().and_then(|name| name.get(None)).map(|name| name.to_string());
    let name = name.or_else(|| user.email().map(|email| email.to_string()));
    let name = name.unwrap_or_else(|| user.subject().to_string());
    let id = CsrfToken::new_random().secret().clone();
    let session = Session { name, id_token, refresh: tokens.refresh_token().cloned() };
    app.sessions.lock().unwrap().insert(id.clone(), session);
    Ok((jar.add(cookie("app", &id)), Redirect::to("/")))
}

async fn refresh(State(app): State<Arc<App>>, jar: CookieJar) -> Result<&'static str, Failed> {
    let token = session(&app, &jar, |session| session.refresh.clone()).flatten();
    let token = token.ok_or_else(|| anyhow::anyhow!("nobody is signed in"))?;
    let fresh = app.oidc.exchange_refresh_token(&token)?.request_async(&app.http).await?;
    session(&app, &jar, |session| session.refresh = fresh.refresh_token().cloned().or(Some(token)));
    Ok("refreshed")
}

async fn logout(State(app): State<Arc<App>>, jar: CookieJar) -> Result<Redirect, Failed> {
    let id = jar.get("app").map(|cookie| cookie.value().to_owned()).unwrap_or_default();
    let Some(session) = app.sessions.lock().unwrap().remove(&id) else { return Ok(Redirect::to("/")) };
    let end = app.provider.additional_metadata().end_session_endpoint.clone();
    let request = LogoutRequest::from(end.ok_or_else(|| anyhow::anyhow!("the provider has no logout"))?)
        .set_id_token_hint(&session.id_token)
        .set_post_logout_redirect_uri(PostLogoutRedirectUrl::new(app.home.clone())?);
    Ok(Redirect::to(request.http_get_url().as_str()))
}

fn session<T>(app: &App, jar: &CookieJar, use_it: impl FnOnce(&mut Session) -> T) -> Option<T> {
    let id = jar.get("app")?.value();
    app.sessions.lock().unwrap().get_mut(id).map(use_it)
}

fn cookie(name: &'static str, value: &str) -> Cookie<'static> {
    Cookie::build((name, value.to_owned())).http_only(true).same_site(SameSite::Lax).path("/").build()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
