//! What every connection asks: the session check at once, everything else through the router.
//!
//! `GET /api/v1/session` by cookie is what a busy deployment is asked most, and the way through a router and its layers
//! costs several times the check itself. Where the answer lies in memory it is given here: the very answer that the
//! router would give (a test compares them), or none, and then the router is asked.

use std::convert::Infallible;
use std::future::{Future, ready};
use std::sync::Arc;

use axum::Router;
use bytes::Bytes;
use futures_util::future::Either;
use http::{HeaderMap, HeaderValue, Method, Request, Response, header};
use http_body_util::Full;
use hyper::body::Incoming;
use tower::ServiceExt as _;

use crate::app::App;
use crate::extract::client::{Peer, authorization};
use crate::extract::cookies::{Cookies, SESSION};
use crate::metrics::OpenConnection;
use crate::middleware::{Access, cors, host};
use crate::respond::headers;
use crate::respond::session::who_am_i;

/// A body that lies in memory, or one of the router's.
pub(crate) type Body = http_body_util::Either<Full<Bytes>, axum::body::Body>;

/// The path that is answered here.
const PATH: &str = "/api/v1/session";
const ACCESS: Access = Access::EITHER;

/// The service behind a listener.
#[derive(Clone)]
pub struct Front(Arc<Inner>);

struct Inner {
    app: App,
    router: Router,
    headers: HeaderMap,
}

impl std::fmt::Debug for Front {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Front")
    }
}

impl Front {
    /// In front of this router of this service.
    pub fn new(app: &App, router: Router) -> Self {
        let mut headers = HeaderMap::with_capacity(16);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers::finish(&app.config, ACCESS, &mut headers);
        cors::open(&mut headers);
        Self(Arc::new(Inner { app: app.clone(), router, headers }))
    }

    /// Counts a connection until what this returns is dropped.
    pub(crate) fn connection(&self) -> OpenConnection {
        self.0.app.metrics.connection()
    }

    /// Answers one request.
    pub(crate) fn answer(
        &self,
        peer: Peer,
        mut request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<Body>, Infallible>> + Send + use<> {
        if let Some(body) = self.at_once(&request) {
            self.0.app.metrics.answered_from_memory();
            let mut response = Response::new(Body::Left(Full::new(body)));
            *response.headers_mut() = self.0.headers.clone();
            return Either::Left(ready(Ok(response)));
        }
        request.extensions_mut().insert(peer);
        let answer = self.0.router.clone().oneshot(request.map(axum::body::Body::new));
        Either::Right(async { answer.await.map(|response| response.map(Body::Right)) })
    }

    /// The session that asks by its cookie, as JSON, if that is what is asked for, all is as it should be, and nothing has
    /// to be waited for. It asks what the gate and the extractor ask, in their words.
    fn at_once(&self, request: &Request<Incoming>) -> Option<Bytes> {
        let app = &self.0.app;
        let (uri, headers) = (request.uri(), request.headers());
        let plain = request.method() == Method::GET && uri.path() == PATH && uri.query().is_none();
        if !plain || authorization(headers).is_some() {
            return None;
        }
        if host::decide(uri, headers, &app.config.public_url, app.config.dev) != host::Verdict::Ours {
            return None;
        }
        let secret = Cookies::of(headers).secret(SESSION)?;
        let now = app.clock.now();
        let live = app.store.session_at_hand(secret.hash())?;
        live.check(app.store.live(), now).ok()?;
        app.store.touch(&live, now, &app.policy.session);
        Some(who_am_i(&live, now))
    }
}
