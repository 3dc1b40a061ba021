//! How many connections there may be, and how long each may take for what (design section 7; attacks HTTP-03, HTTP-06).

use std::time::Duration;

use ipnet::IpNet;

use crate::config::Config;

/// Request line and headers together, as far as HTTP/1 itself reads them. The gate answers whatever is over its own,
/// smaller limit in words; what is over this one gets a bare 431. Cookies never are: no more of them is handed on than the
/// gate needs (`heads`). With 10,000 connections that send no more than this each, it is 400 MiB.
pub(super) const MAX_HEAD_READ: usize = 40 * 1024;
/// The same for HTTP/2, where cookies count whole.
pub(super) const MAX_HEADERS_READ: u32 = 96 * 1024;
/// Requests of one HTTP/2 connection at the same time.
pub(super) const MAX_STREAMS: u32 = 64;
/// What a peer may send ahead on one HTTP/2 stream: more than the largest body that is read.
pub(super) const STREAM_WINDOW: u32 = 96 * 1024;
/// And on all streams of a connection together.
pub(super) const CONNECTION_WINDOW: u32 = 256 * 1024;

/// What an HTTP/2 peer may have us do for nothing, on one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tolerance {
    /// Requests taken back beyond those that it let us answer (CVE-2023-44487): browsers do take back some, a flood takes
    /// back all.
    pub(super) taken_back: usize,
    /// Of these, requests that nobody has looked at yet.
    pub(super) unseen: usize,
    /// Streams that it makes us reset by errors of its own (CVE-2025-8671), over the connection's whole life; none: any
    /// number.
    pub(super) errors: Option<usize>,
}

impl Tolerance {
    /// For anybody.
    pub(super) const PEER: Self = Self { taken_back: 100, unseen: 32, errors: Some(32) };
    /// For a proxy of ours, on whose connection many people's requests come, for days: one of them must not cost all
    /// others theirs. What it passes on is bounded by its own limits, and what is asked for by those of whoever asks.
    pub(super) const PROXY: Self = Self { taken_back: 10_000, unseen: 1_000, errors: None };
}

/// The limits of one listener.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at the same time.
    pub connections: usize,
    /// Connections at the same time from one address (of IPv6: one /64).
    pub per_address: usize,
    /// TLS handshakes in a second from one address: each costs more than a hundred requests.
    pub handshakes: usize,
    /// Whose addresses stand for many people: neither limit of an address is for them.
    pub proxies: Vec<IpNet>,
    /// How long things may take.
    pub times: Times,
}

/// How long things may take, counted in ticks: a single clock looks after all connections, once a tick.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// A second. Tests have shorter ones, and wait for less.
    pub tick: Duration,
    /// From the first byte of a request to the last of its headers; also from the connection to its first request.
    pub head: u64,
    /// From the last header to the answer: a little more than the gate allows, which says so in words.
    pub request: u64,
    /// From the first byte of an answer to the last, for a peer that does not read.
    pub answer: u64,
    /// Between two requests.
    pub idle: u64,
    /// Between two requests, and for headers, while seats are scarce.
    pub crowded: u64,
    /// From being asked to leave to being thrown out.
    pub drain: u64,
    /// Between two looks at the certificate files.
    pub certificates: u64,
}

impl Times {
    /// Those of the design.
    pub const DESIGN: Self = Self {
        tick: Duration::from_secs(1),
        head: 10,
        request: 35,
        answer: 30,
        idle: 75,
        crowded: 3,
        drain: 10,
        certificates: 10,
    };

    /// So many ticks.
    pub(super) fn span(&self, ticks: u64) -> Duration {
        self.tick.saturating_mul(u32::try_from(ticks).unwrap_or(u32::MAX))
    }
}

impl Limits {
    /// Those of a configuration, where this process may have `descriptors` files open.
    pub fn of(config: &Config, descriptors: Option<u64>) -> Self {
        let room = descriptors.map_or(usize::MAX, |all| usize::try_from(all).unwrap_or(usize::MAX));
        let connections = config.connections.min(room.saturating_sub(RESERVED).max(1));
        if connections < config.connections {
            tracing::warn!(
                connections,
                "the limit on open files allows fewer connections than server.connections: raise it (LimitNOFILE= in \
                 the systemd unit, `ulimit -n`)"
            );
        }
        Self {
            connections,
            per_address: config.connections_per_address,
            handshakes: (config.connections_per_address / 10).max(10),
            proxies: config.trusted_proxies.clone(),
            times: Times::DESIGN,
        }
    }
}

/// Descriptors that are not for connections of clients: database, mail, sockets, log.
const RESERVED: usize = 128;
