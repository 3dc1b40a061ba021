//! Refusals and failures. A handler says what went wrong; the gate says it in the words of the surface: a page, RFC 9457
//! JSON, or RFC 6749 JSON. What the caller gets is the kind's text alone, never the cause.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use countersign_core::{RequestId, Span};
use countersign_store::db;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::ctx::Ctx;
use crate::extract::room::Full;
use crate::hash_pool::Overloaded;

/// Seconds after which it is worth another try, of every 503.
pub(crate) const SOON: HeaderValue = HeaderValue::from_static("1");

/// What went wrong, by who is to blame and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The request is not one that this route understands.
    InvalidRequest,
    /// Identifier or password is wrong.
    InvalidCredentials,
    /// The token, link, code or session does not count.
    InvalidToken,
    /// Another site may have sent it.
    Csrf,
    /// Proved, but not allowed.
    Forbidden,
    /// Allowed, but not so long after the login.
    ReauthenticationRequired,
    /// Nothing here.
    NotFound,
    /// Not this method.
    MethodNotAllowed,
    /// It is so already, or something else has the name.
    Conflict,
    /// The policy refuses the password.
    PasswordRejected,
    /// More bytes than allowed.
    PayloadTooLarge,
    /// More before the body than allowed.
    HeadersTooLarge,
    /// Not the content type that this route reads.
    UnsupportedMediaType,
    /// Asked for under a name that is not ours.
    WrongHost,
    /// Too often: not before the time that Retry-After says.
    Throttled,
    /// Too many at once: later.
    Overloaded,
    /// Our fault.
    Internal,
}

impl Kind {
    /// The wire, one table: status, stable code, title.
    pub(crate) const fn wire(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::InvalidRequest => (StatusCode::BAD_REQUEST, "invalid_request", "The request is not valid"),
            Self::InvalidCredentials => {
                (StatusCode::UNAUTHORIZED, "invalid_credentials", "Identifier or password is wrong")
            }
            Self::InvalidToken => (StatusCode::UNAUTHORIZED, "invalid_token", "The token does not count"),
            Self::Csrf => (StatusCode::FORBIDDEN, "csrf", "The request may come from another site"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "Not allowed"),
            Self::ReauthenticationRequired => {
                (StatusCode::FORBIDDEN, "reauthentication_required", "Log in again first")
            }
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found", "Nothing here"),
            Self::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Not this method")
            }
            Self::Conflict => (StatusCode::CONFLICT, "conflict", "Something else is there already"),
            Self::PasswordRejected => {
                (StatusCode::BAD_REQUEST, "password_rejected", "The password is not accepted")
            }
            Self::PayloadTooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", "The body is too large")
            }
            Self::HeadersTooLarge => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "payload_too_large",
                "The headers are too large",
            ),
            Self::UnsupportedMediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "Not a content type of this route",
            ),
            Self::WrongHost => (StatusCode::MISDIRECTED_REQUEST, "wrong_host", "Not a name of this server"),
            Self::Throttled => (StatusCode::TOO_MANY_REQUESTS, "throttled", "Too many attempts"),
            Self::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "overloaded", "Too busy right now"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong"),
        }
    }
}

impl Kind {
    /// What to do, where the handler knows nothing better.
    const fn advice(self) -> &'static str {
        match self {
            Self::NotFound => "No route has this path.",
            Self::MethodNotAllowed => "The Allow header names the methods of this path.",
            Self::WrongHost => "Ask this server by the name in its public URL.",
            Self::Throttled => "Retry-After says in how many seconds to try again.",
            Self::HeadersTooLarge => {
                "Request line and headers may have 16 KiB: send fewer or smaller cookies."
            }
            Self::Overloaded => "Try again in a moment.",
            Self::Internal => "Try again. The server's log has more under this request id.",
            _ => self.wire().2,
        }
    }
}

/// One field of the request and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// The field, such as `email`.
    pub(crate) field: Cow<'static, str>,
    /// A stable code, such as `email_invalid`.
    pub(crate) code: &'static str,
    /// What to do, in English.
    pub(crate) detail: Cow<'static, str>,
}

/// A refusal or failure as the API tells it (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody<'a> {
    /// `about:blank`: the code says it all
    r#type: &'static str,
    /// In English
    title: &'static str,
    status: u16,
    /// Stable, such as `invalid_request`
    code: &'static str,
    /// What to do, in English
    detail: &'a str,
    /// `req_…`, as in the server's log
    request_id: String,
    /// The fields that are wrong
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
}

/// A refusal or failure as the endpoints of OAuth tell it (RFC 6749 section 5.2).
#[derive(Serialize, ToSchema)]
pub(crate) struct OAuthError<'a> {
    /// Such as `invalid_grant`
    pub(crate) error: &'static str,
    /// In English
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) error_description: &'a str,
}

/// A refusal or failure on its way to the caller.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    /// What went wrong.
    pub(crate) kind: Kind,
    /// What to do about it, in English; never the cause.
    pub(crate) detail: Cow<'static, str>,
    /// The fields that are wrong.
    pub(crate) errors: Vec<FieldError>,
    /// The value of `WWW-Authenticate`, where a token was asked for.
    pub(crate) challenge: Option<&'static str>,
    /// When it is worth another try, where that is known.
    pub(crate) retry_after: Option<Span>,
    /// What an endpoint of OAuth calls it, where that is more than the kind says.
    oauth: Option<Box<OAuthPart>>,
    /// For the log alone.
    pub(crate) cause: Option<String>,
    /// The database does not hold what was written there: an alarm, whoever asked (attack STO-17).
    damaged: bool,
}

/// What only endpoints of OAuth say.
#[derive(Debug, Clone)]
struct OAuthPart {
    /// The registered code.
    code: &'static str,
    /// The value of `DPoP-Nonce` (RFC 9449 section 8).
    nonce: Option<String>,
}

impl Problem {
    /// A problem that its kind explains.
    pub(crate) const fn new(kind: Kind) -> Self {
        Self {
            kind,
            detail: Cow::Borrowed(""),
            errors: Vec::new(),
            challenge: None,
            retry_after: None,
            oauth: None,
            cause: None,
            damaged: false,
        }
    }

    /// What an endpoint of OAuth refuses, by its registered code (RFC 6749 section 5.2): 401 where a proof is asked for, else
    /// 400.
    pub(crate) fn oauth(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        let kind = match code {
            "invalid_client" | "invalid_token" => Kind::InvalidToken,
            "insufficient_scope" => Kind::Forbidden,
            _ => Kind::InvalidRequest,
        };
        let part = OAuthPart { code, nonce: None };
        Self { oauth: Some(Box::new(part)), ..Self::new(kind).detail(detail) }
    }

    /// Says what to do.
    pub(crate) fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = detail.into();
        self
    }

    /// Names a field.
    pub(crate) fn field(
        mut self,
        field: impl Into<Cow<'static, str>>,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.errors.push(FieldError { field: field.into(), code, detail: detail.into() });
        self
    }

    /// Asks for a token (RFC 6750 section 3).
    pub(crate) const fn challenge(mut self, challenge: &'static str) -> Self {
        self.challenge = Some(challenge);
        self
    }

    /// Gives a nonce to put into the next `DPoP` proof (RFC 9449 section 8).
    pub(crate) fn nonce(mut self, nonce: String) -> Self {
        if let Some(part) = &mut self.oauth {
            part.nonce = Some(nonce);
        }
        self
    }

    /// The stable code.
    pub(crate) fn code(&self) -> &'static str {
        self.oauth.as_ref().map_or(self.kind.wire().1, |part| part.code)
    }

    /// Says when it is worth another try.
    pub(crate) const fn retry_after(mut self, span: Span) -> Self {
        self.retry_after = Some(span);
        self
    }

    /// The value of `Retry-After` (RFC 9110 section 10.2.3): whole seconds, not a moment too early.
    pub(crate) fn retry_after_value(&self) -> Option<HeaderValue> {
        match self.retry_after {
            Some(span) => Some(HeaderValue::from((span + Span::from_micros(999_999)).as_seconds())),
            None => (self.kind == Kind::Overloaded).then_some(SOON),
        }
    }

    /// Tells the log, and the log alone.
    pub(crate) fn cause(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Counts it and tells the log what happened: once, by the gate, or by the page that puts it into words of its own. Never what the
    /// caller sent.
    pub(crate) fn log(&self, ctx: &Ctx) {
        let (status, code) = (self.kind.wire().0, self.code());
        let cause = self.cause.as_deref().unwrap_or("");
        ctx.app.metrics.refused(code);
        if self.damaged {
            tracing::error!(request_id = %ctx.request, code, cause, "the database is damaged: restore a backup");
        } else if self.kind == Kind::Internal {
            tracing::error!(request_id = %ctx.request, code, cause, "request failed");
        } else if status.is_server_error() {
            tracing::warn!(request_id = %ctx.request, code, cause, "request put off");
        } else if status == StatusCode::FORBIDDEN {
            // Somebody tried what they may not (ASVS 16.3.2): unlike a typing error, worth a line at the usual level.
            let ip = ctx.ip.map(tracing::field::display);
            tracing::info!(request_id = %ctx.request, ip, code, cause, "request refused");
        } else {
            tracing::debug!(request_id = %ctx.request, code, cause, "request refused");
        }
    }

    /// As RFC 9457 JSON.
    pub(crate) fn to_json(&self, request: RequestId) -> Vec<u8> {
        let (status, code, title) = self.kind.wire();
        let body = ProblemBody {
            r#type: "about:blank",
            title,
            status: status.as_u16(),
            code,
            detail: if self.detail.is_empty() { self.kind.advice() } else { &self.detail },
            request_id: request.to_string(),
            errors: &self.errors,
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }

    /// As RFC 6749 section 5.2 JSON, for the endpoints under `/oauth2`.
    pub(crate) fn to_oauth_json(&self) -> Vec<u8> {
        let by_kind = match self.kind {
            Kind::InvalidToken | Kind::InvalidCredentials => "invalid_token",
            Kind::Throttled | Kind::Overloaded => "temporarily_unavailable",
            Kind::Internal => "server_error",
            _ => "invalid_request",
        };
        let error = self.oauth.as_ref().map_or(by_kind, |part| part.code);
        serde_json::to_vec(&OAuthError { error, error_description: &self.detail }).unwrap_or_default()
    }
}

impl IntoResponse for Problem {
    /// The status and headers; the gate writes the body, in the words of the surface.
    fn into_response(self) -> Response {
        let mut response = self.kind.wire().0.into_response();
        if let Some(challenge) = self.challenge {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        let nonce = self.oauth.as_ref().and_then(|part| part.nonce.as_ref());
        if let Some(nonce) = nonce.and_then(|nonce| HeaderValue::try_from(nonce).ok()) {
            response.headers_mut().insert("dpop-nonce", nonce);
        }
        if let Some(value) = self.retry_after_value() {
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        response.extensions_mut().insert(std::sync::Arc::new(self));
        response
    }
}

impl From<db::Error> for Problem {
    /// The store's trouble is never the caller's fault: 503 where a later try may help, else 500.
    fn from(error: db::Error) -> Self {
        let kind = match error {
            db::Error::Unavailable(_) | db::Error::UnknownOutcome | db::Error::InUse(_) => Kind::Overloaded,
            db::Error::Nul { .. } => Kind::InvalidRequest,
            _ => Kind::Internal,
        };
        let damaged = matches!(error, db::Error::Corrupt { .. } | db::Error::Damaged(_));
        Self { damaged, ..Self::new(kind).cause(error.to_string()) }
    }
}

impl From<Full> for Problem {
    fn from(_: Full) -> Self {
        Self::new(Kind::Overloaded).detail("Too much is being sent at once. Try again in a second.")
    }
}

impl From<Overloaded> for Problem {
    fn from(_: Overloaded) -> Self {
        Self::new(Kind::Overloaded).detail("Too many logins at once. Try again in a second.")
    }
}
