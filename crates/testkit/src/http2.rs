//! HTTP/2 from outside: a well-behaved client, and frames as no client would send them.

use anyhow::Context as _;
use bytes::Bytes;
use h2::client::SendRequest;
use http::{HeaderMap, Method, Request, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::server::TestServer;

/// A client on one connection.
#[derive(Debug, Clone)]
pub struct Http2 {
    send: SendRequest<Bytes>,
    base: String,
}

/// An answer, read whole.
#[derive(Debug, Clone)]
pub struct Http2Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers, in the order in which they came.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Http2 {
    /// On a connection that was made.
    ///
    /// # Errors
    /// The server does not speak HTTP/2.
    pub async fn on<T>(server: &TestServer, io: T) -> anyhow::Result<Self>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (send, connection) = h2::client::handshake(io).await?;
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self { send, base: server.url.clone() })
    }

    /// In clear, with prior knowledge.
    ///
    /// # Errors
    /// The server does not speak HTTP/2.
    pub async fn connect(server: &TestServer) -> anyhow::Result<Self> {
        Self::on(server, TcpStream::connect(server.address).await?).await
    }

    /// A request for a path, to be sent.
    pub fn request(&self, method: Method, path: &str) -> http::request::Builder {
        Request::builder().method(method).uri(format!("{}{path}", self.base))
    }

    /// Sends it and reads the answer.
    ///
    /// # Errors
    /// The server resets the stream, or closes.
    pub async fn send(&mut self, request: http::request::Builder, body: &str) -> anyhow::Result<Http2Answer> {
        let mut ready = self.send.clone().ready().await?;
        let (answer, mut stream) = ready.send_request(request.body(())?, body.is_empty())?;
        if !body.is_empty() {
            stream.send_data(Bytes::copy_from_slice(body.as_bytes()), true)?;
        }
        let (head, mut body) = answer.await?.into_parts();
        let mut read = Vec::new();
        while let Some(piece) = body.data().await {
            let piece = piece?;
            body.flow_control().release_capacity(piece.len())?;
            read.extend(piece);
        }
        Ok(Http2Answer { status: head.status, headers: head.headers, body: read.into() })
    }

    /// Sends a request and all of its body but the end, and returns what comes of it: an answer, while it is not whole.
    ///
    /// # Errors
    /// The server closes.
    pub async fn send_without_end(
        &mut self,
        request: http::request::Builder,
        body: Bytes,
    ) -> anyhow::Result<impl Future<Output = anyhow::Result<StatusCode>> + Send + use<>> {
        let mut ready = self.send.clone().ready().await?;
        let (answer, mut stream) = ready.send_request(request.body(())?, false)?;
        stream.send_data(body, false)?;
        Ok(async move {
            let status = answer.await?.status();
            drop(stream);
            Ok(status)
        })
    }

    /// `GET`
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    pub async fn get(&mut self, path: &str) -> anyhow::Result<Http2Answer> {
        self.send(self.request(Method::GET, path), "").await
    }
}

/// Frame types of RFC 9113 section 6.
pub mod kind {
    /// DATA
    pub const DATA: u8 = 0;
    /// HEADERS
    pub const HEADERS: u8 = 1;
    /// `RST_STREAM`
    pub const RESET: u8 = 3;
    /// SETTINGS
    pub const SETTINGS: u8 = 4;
    /// PING
    pub const PING: u8 = 6;
    /// GOAWAY
    pub const GOAWAY: u8 = 7;
    /// `WINDOW_UPDATE`
    pub const WINDOW_UPDATE: u8 = 8;
    /// CONTINUATION
    pub const CONTINUATION: u8 = 9;
}
/// `END_STREAM`
pub const END_STREAM: u8 = 1;
/// `END_HEADERS`
pub const END_HEADERS: u8 = 4;

/// A frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// One of [`kind`].
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// Its stream.
    pub stream: u32,
    /// What is in it.
    pub payload: Vec<u8>,
}

impl Frame {
    /// A frame.
    pub fn new(kind: u8, flags: u8, stream: u32, payload: impl Into<Vec<u8>>) -> Self {
        Self { kind, flags, stream, payload: payload.into() }
    }

    /// As it is sent.
    pub fn bytes(&self) -> Vec<u8> {
        let length = u32::try_from(self.payload.len()).unwrap_or(0).to_be_bytes();
        let mut bytes = length[1..].to_vec();
        bytes.extend([self.kind, self.flags]);
        bytes.extend(self.stream.to_be_bytes());
        bytes.extend(&self.payload);
        bytes
    }
}

/// Headers as HPACK has them at its plainest: new names, no table, no Huffman code. Whatever they are, they are written
/// down. Only for what is shorter than 127 bytes.
pub fn literal(headers: &[(&[u8], &[u8])]) -> Vec<u8> {
    let text = |bytes: &[u8]| [&[u8::try_from(bytes.len()).unwrap_or(0)], bytes].concat();
    headers.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}

/// A connection whose frames are made by hand.
#[derive(Debug)]
pub struct RawHttp2(TcpStream);

impl RawHttp2 {
    /// Connects in clear and sends the preface and empty settings.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn connect(server: &TestServer) -> anyhow::Result<Self> {
        let mut stream = TcpStream::connect(server.address).await?;
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await?;
        let mut raw = Self(stream);
        raw.send(&[Frame::new(kind::SETTINGS, 0, 0, [])]).await?;
        Ok(raw)
    }

    /// Sends frames in one go.
    ///
    /// # Errors
    /// The server has closed.
    pub async fn send(&mut self, frames: &[Frame]) -> anyhow::Result<()> {
        let bytes: Vec<u8> = frames.iter().flat_map(Frame::bytes).collect();
        Ok(self.0.write_all(&bytes).await?)
    }

    /// The next frame; none when the server has closed.
    ///
    /// # Errors
    /// None in time.
    pub async fn next(&mut self) -> anyhow::Result<Option<Frame>> {
        let frame = tokio::time::timeout(std::time::Duration::from_secs(20), read(&mut self.0));
        Ok(frame.await.context("no frame in time")?.ok())
    }

    /// Reads until the server closes, and returns the code of its GOAWAY, if there was one.
    ///
    /// # Errors
    /// It does not close.
    pub async fn goaway(&mut self) -> anyhow::Result<Option<u32>> {
        let mut code = None;
        while let Some(frame) = self.next().await? {
            if frame.kind == kind::GOAWAY {
                code = frame.payload[4..8].try_into().ok().map(u32::from_be_bytes);
            }
        }
        Ok(code)
    }
}

async fn read(stream: &mut TcpStream) -> anyhow::Result<Frame> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; usize::try_from(length)?];
    stream.read_exact(&mut payload).await?;
    let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
    Ok(Frame { kind: head[3], flags: head[4], stream, payload })
}
