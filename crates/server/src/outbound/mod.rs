//! Requests that this server makes to addresses that others name: keys of clients, their documents, notices of logouts.
//!
//! Whoever can name an address must not get to what only this machine reaches, nor hold anything up (attacks OAU-60 to
//! OAU-62): the URL is judged, then every address of its host, and the connection goes to one that was judged. No
//! redirect is followed, no proxy of the environment used, nothing unpacked; a request takes five seconds at most, an
//! answer has a size, and only so many are under way at once, and fewer of them to one host.

mod connect;
mod exchange;
mod seats;
#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;
use countersign_core::Span;
use countersign_core::client::{Client, Origin};
use countersign_core::outbound::{Exception, Target, TargetError};
use http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use crate::config::Config;

pub use self::connect::TrustError;
use self::connect::{Lookups, Trust};
use self::seats::Seats;

/// A whole request, from waiting for a seat to the last byte of the answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most that an answer may have.
pub const MAX_ANSWER: usize = 64 * 1024;

/// The client.
#[derive(Debug)]
pub struct Outbound {
    trust: Trust,
    operators: Lane,
    strangers: Lane,
    patience: Duration,
}

/// Whose address it is. Requests to those of strangers take nothing from those to others (attack OAU-62), and lead into no
/// network of the operator (attack OAU-60).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// An operator said it.
    Operators,
    /// Somebody for whom nobody vouches.
    Strangers,
}

/// What requests take while they are under way.
#[derive(Debug, Default)]
struct Lane {
    exceptions: Vec<Exception>,
    seats: Seats,
    lookups: Lookups,
}

/// What came back. The status is whatever the peer said, but for redirects, which are errors.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers, all of them the peer's words.
    pub headers: HeaderMap,
    /// At most [`MAX_ANSWER`] bytes.
    pub body: Bytes,
}

impl Outbound {
    /// Gets ready; nothing is connected. The certificates that peers are held against are the machine's, and those of
    /// `outbound.ca_file`.
    pub fn new(config: &Config) -> Result<Self, TrustError> {
        Ok(Self {
            trust: connect::trust(config.outbound.ca_file.as_deref())?,
            operators: Lane::with(&config.outbound.allow),
            // In dev mode the network is a developer's, and so are the strangers.
            strangers: Lane::with(if config.dev { &config.outbound.allow } else { &[] }),
            patience: PATIENCE,
        })
    }

    /// Whether a URL can be asked at all, as far as it says itself: what registration refuses early.
    pub fn admits(&self, whose: Whose, url: &str) -> Result<(), TargetError> {
        Target::parse(url)?.admit(&self.lane(whose).exceptions).map(|_| ())
    }

    /// Fetches a document that should be JSON: the caller looks at [`Answer::json`].
    pub async fn get_json(&self, whose: Whose, url: &str) -> Result<Answer, OutboundError> {
        let request = http::Request::get(url).header(header::ACCEPT, "application/json");
        self.send((whose, url), request, Bytes::new()).await
    }

    /// Sends a form.
    pub async fn post_form(
        &self,
        whose: Whose,
        url: &str,
        fields: &[(&str, &str)],
    ) -> Result<Answer, OutboundError> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request =
            http::Request::post(url).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send((whose, url), request, Bytes::from(body)).await
    }

    async fn send(
        &self,
        (whose, url): (Whose, &str),
        request: http::request::Builder,
        body: Bytes,
    ) -> Result<Answer, OutboundError> {
        let target = Target::parse(url)?;
        let lane = self.lane(whose);
        let reach = target.admit(&lane.exceptions)?;
        let exchange = async {
            let _seat = lane.seats.take(target.host()).await;
            let stream = connect::connect((&self.trust, &lane.lookups), &target, reach).await?;
            exchange::exchange(stream, &target, request, body).await
        };
        tokio::time::timeout(self.patience, exchange).await.map_err(|_| OutboundError::TooSlow)?
    }

    const fn lane(&self, whose: Whose) -> &Lane {
        match whose {
            Whose::Operators => &self.operators,
            Whose::Strangers => &self.strangers,
        }
    }
}

impl Lane {
    fn with(exceptions: &[Exception]) -> Self {
        Self { exceptions: exceptions.to_vec(), ..Self::default() }
    }
}

impl Whose {
    /// Whose the addresses of a client are.
    pub fn of(client: &Client) -> Self {
        match client.origin {
            Origin::BuiltIn | Origin::Operator => Self::Operators,
            Origin::Registered | Origin::Document => Self::Strangers,
        }
    }
}

impl Answer {
    /// The body as JSON, if the peer says that it is that, with status 200. Never quotes the body in its error.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, OutboundError> {
        if self.status != StatusCode::OK {
            return Err(OutboundError::Status(self.status));
        }
        let said = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = said.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        let essence = essence.to_ascii_lowercase();
        let is_json = essence == "application/json"
            || (essence.starts_with("application/") && essence.ends_with("+json"));
        if !is_json {
            return Err(OutboundError::ContentType);
        }
        serde_json::from_slice(&self.body).map_err(|_| OutboundError::NotJson)
    }

    /// How long the peer says that it may be kept (RFC 9111 section 5.2.2.1); none: it does not say.
    pub fn max_age(&self) -> Option<Span> {
        let said = self.headers.get(header::CACHE_CONTROL)?.to_str().ok()?;
        let mut directives = said.split(',').map(str::trim);
        if directives
            .clone()
            .any(|word| ["no-store", "no-cache"].iter().any(|no| word.eq_ignore_ascii_case(no)))
        {
            return Some(Span::ZERO);
        }
        directives.find_map(|word| {
            let (name, seconds) = word.split_once('=')?;
            let seconds = name.eq_ignore_ascii_case("max-age").then(|| seconds.parse::<u32>().ok())??;
            Some(Span::seconds(seconds.into()))
        })
    }
}

/// Why there is no answer. Says nothing that a peer sent; safe for a log, and for whoever registered the URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The URL.
    #[error("the URL {0}")]
    Target(#[from] TargetError),
    /// One of the addresses of the host, all of which must be fit.
    #[error("the host has an address that is not public")]
    Address,
    /// No addresses.
    #[error("the host was not found")]
    NotFound,
    /// Nobody there.
    #[error("the host cannot be reached")]
    Unreachable,
    /// Not who it should be, or no TLS at all.
    #[error("TLS failed: the certificate must be valid for the host")]
    Tls,
    /// No answer in time.
    #[error("there was no whole answer in time")]
    TooSlow,
    /// No HTTP.
    #[error("the answer is no HTTP")]
    Protocol,
    /// Somewhere else.
    #[error("the answer is a redirect, which is not followed")]
    Redirect,
    /// Packed.
    #[error("the answer has a Content-Encoding, which is not unpacked")]
    Encoded,
    /// Over [`MAX_ANSWER`].
    #[error("the answer is larger than 64 KiB")]
    TooLarge,
    /// Not 200.
    #[error("the answer has status {0}")]
    Status(StatusCode),
    /// Not JSON by its own word.
    #[error("the answer's Content-Type is not JSON")]
    ContentType,
    /// Not JSON.
    #[error("the answer is no JSON of the right shape")]
    NotJson,
}
