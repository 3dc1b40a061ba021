//! What every connection asks: a few requests at once, everything else through the router.
//!
//! `GET /api/v1/session`, by either face, and the public keys are what a busy deployment is asked most, and the way
//! through a router and its layers costs several times their answers. Where the answer lies in memory it is given here:
//! the very answer that the router would give (tests compare them), or none, and then the router is asked. Nothing is
//! refused here.

use std::convert::Infallible;
use std::future::{Future, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use axum::Router;
use bytes::Bytes;
use countersign_core::session::Face;
use futures_util::future::Either;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use tower::ServiceExt as _;

use crate::app::App;
use crate::extract::access_token::Token;
use crate::extract::body::is_declared_too_large;
use crate::extract::client::{Authorization, Peer, authorization};
use crate::extract::cookies::{Cookies, SESSION};
use crate::extract::head;
use crate::metrics::OpenConnection;
use crate::middleware::{Access, cors, host};
use crate::respond::discovery;
use crate::respond::document::has;
use crate::respond::headers;
use crate::respond::session::who_am_i;
use crate::routes::well_known;

/// A body that lies in memory, or one of the router's.
pub(crate) type Body = http_body_util::Either<Full<Bytes>, axum::body::Body>;

/// The service behind a listener.
#[derive(Clone)]
pub struct Front(Arc<Inner>);

struct Inner {
    app: App,
    router: Router,
    session: HeaderMap,
    jwks: HeaderMap,
    discovery: HeaderMap,
}

impl std::fmt::Debug for Front {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Front")
    }
}

impl Front {
    /// In front of this router of this service.
    pub fn new(app: &App, router: Router) -> Self {
        let mut session = HeaderMap::with_capacity(16);
        session.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let mut jwks = HeaderMap::with_capacity(16);
        jwks.insert(header::CONTENT_TYPE, HeaderValue::from_static(well_known::JWKS_TYPE));
        jwks.insert(header::CACHE_CONTROL, HeaderValue::from_static(well_known::JWKS_CACHE));
        let mut discovery = HeaderMap::with_capacity(16);
        discovery.insert(header::CONTENT_TYPE, HeaderValue::from_static(discovery::TYPE));
        discovery.insert(header::CACHE_CONTROL, HeaderValue::from_static(discovery::CACHE));
        let public = Access::PUBLIC;
        for (access, headers) in
            [(Access::EITHER, &mut session), (public, &mut jwks), (public, &mut discovery)]
        {
            headers::finish(&app.config, access, headers);
            cors::open(headers);
        }
        Self(Arc::new(Inner { app: app.clone(), router, session, jwks, discovery }))
    }

    /// Counts a connection until what this returns is dropped.
    pub(crate) fn connection(&self) -> OpenConnection {
        self.0.app.metrics.connection()
    }

    pub(crate) fn app(&self) -> &App {
        &self.0.app
    }

    /// Answers one request.
    pub(crate) fn answer(
        &self,
        peer: Peer,
        mut request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<Body>, Infallible>> + Send + use<> {
        // A defect here is one of a short cut: the router answers, and whoever watches the count hears of it (attack DOS-06).
        let at_once = catch_unwind(AssertUnwindSafe(|| self.at_once(&request))).unwrap_or_else(|_| {
            self.0.app.metrics.panics.inc();
            None
        });
        if let Some(response) = at_once {
            self.0.app.metrics.answered_from_memory(response.status());
            return Either::Left(ready(Ok(response)));
        }
        request.extensions_mut().insert(peer);
        let answer = self.0.router.clone().oneshot(request.map(axum::body::Body::new));
        Either::Right(async { answer.await.map(|response| response.map(Body::Right)) })
    }

    /// The answer, if all is as it should be and nothing has to be waited for. What the gate asks is asked in its words.
    fn at_once(&self, request: &Request<Incoming>) -> Option<Response<Body>> {
        let config = &self.0.app.config;
        let (uri, headers) = (request.uri(), request.headers());
        if request.method() != Method::GET || uri.query().is_some() {
            return None;
        }
        let answer = match uri.path() {
            "/api/v1/session" => Self::session,
            "/.well-known/jwks.json" => Self::jwks,
            "/.well-known/openid-configuration" | "/.well-known/oauth-authorization-server" => {
                Self::discovery
            }
            _ => return None,
        };
        let ours = host::decide(uri, headers, &config.public_url, config.dev) == host::Verdict::Ours;
        if ours && !is_declared_too_large(headers) && !head::is_too_large(uri, headers) {
            answer(self, headers)
        } else {
            None
        }
    }

    /// Who asks, by the face that decides (I2).
    fn session(&self, headers: &HeaderMap) -> Option<Response<Body>> {
        let body = match authorization(headers) {
            None => self.by_cookie(headers)?,
            Some(Authorization::Bearer(token)) => self.by_token(token)?,
            Some(Authorization::Dpop(_) | Authorization::Unusable) => return None,
        };
        Some(respond(body, self.0.session.clone()))
    }

    fn by_cookie(&self, headers: &HeaderMap) -> Option<Bytes> {
        let app = &self.0.app;
        let secret = Cookies::of(headers).secret(SESSION)?;
        let now = app.now();
        let live = app.store.session_at_hand(secret.hash())?;
        live.check(app.store.live(), now).ok()?;
        app.store.touch(&live, now, &app.policy.session);
        Some(who_am_i(&live, Face::Cookie, now))
    }

    fn by_token(&self, token: &str) -> Option<Bytes> {
        let app = &self.0.app;
        let now = app.now();
        let token = Token::remembered(app, token, now)?;
        if !token.says_account(app) || !token.is_of_built_in() || token.key.is_some() {
            return None;
        }
        let grant = app.store.grant_at_hand(token.place())?;
        let session = grant.session()?;
        token.admit(app, &grant, now).then(|| who_am_i(session, Face::Token, now))
    }

    /// The public keys, or 304 for whoever has them.
    fn jwks(&self, asked: &HeaderMap) -> Option<Response<Body>> {
        let keys = self.0.app.keyring.published()?;
        let (body, etag) = keys.jwks();
        tagged(asked, (body, etag), self.0.jwks.clone())
    }

    /// What clients read to know this server, or 304 likewise.
    fn discovery(&self, asked: &HeaderMap) -> Option<Response<Body>> {
        let found = &self.0.app.discovery;
        tagged(asked, (found.body.clone(), &found.etag), self.0.discovery.clone())
    }
}

fn tagged(asked: &HeaderMap, (body, etag): (Bytes, &str), mut headers: HeaderMap) -> Option<Response<Body>> {
    headers.insert(header::ETAG, HeaderValue::try_from(etag).ok()?);
    if has(asked, etag) {
        let mut response = respond(Bytes::new(), headers);
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Some(response);
    }
    Some(respond(body, headers))
}

fn respond(body: Bytes, headers: HeaderMap) -> Response<Body> {
    let mut response = Response::new(Body::Left(Full::new(body)));
    *response.headers_mut() = headers;
    response
}
