//! Bodies: at most 64 KiB (design section 7).

use axum::body::Body;
use countersign_core::throttle::Prefix;
use http::request::Parts;
use http::{HeaderMap, header};
use http_body_util::BodyExt as _;

use crate::ctx::Ctx;
use crate::respond::problem::{Kind, Problem};

use super::head;
use super::room::{Full, Held};

/// The most that a route reads.
pub(crate) const MAX_BODY: usize = 64 * 1024;

/// Reads a body whose content type is exactly `media_type`, in UTF-8 (attacks CSR-02, HTTP-21).
pub(crate) async fn read(parts: &Parts, body: Body, media_type: &str) -> Result<Vec<u8>, Problem> {
    let headers = &parts.headers;
    if !has_type(headers, media_type) {
        return Err(Problem::new(Kind::UnsupportedMediaType).detail(format!(
            "Send Content-Type: {media_type}, once and without other parameters than charset=utf-8."
        )));
    }
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(
            Problem::new(Kind::UnsupportedMediaType).detail("Send the body without Content-Encoding.")
        );
    }
    let ctx = parts.extensions.get::<Ctx>().ok_or_else(|| Problem::new(Kind::Internal))?;
    let room = &ctx.app.bodies;
    let mut held = room.enter(Prefix::of(ctx.ip));
    held.grow(head::size(&parts.uri, headers))?;
    tokio::select! {
        biased;
        read = collect(body, &mut held) => read,
        () = room.outstayed() => Err(Full.into()),
    }
}

/// Copies it piece by piece, so that a piece of a few bytes keeps no more than these: the connection's buffer behind it
/// may be a thousand times as large.
async fn collect(mut body: Body, held: &mut Held) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|_| Problem::new(Kind::InvalidRequest).detail("The body did not arrive."))?;
        // What follows a body is no part of it.
        let Ok(piece) = frame.into_data() else { continue };
        if bytes.len() + piece.len() > MAX_BODY {
            return Err(too_large());
        }
        held.grow(piece.len())?;
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// Whether the request says that more is to come than any route reads: the gate refuses it before anything else.
pub(crate) fn is_declared_too_large(headers: &HeaderMap) -> bool {
    let declared =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    declared.is_some_and(|declared| declared > MAX_BODY as u64)
}

/// More than any route reads.
pub(crate) fn too_large() -> Problem {
    Problem::new(Kind::PayloadTooLarge).detail("A body may have 64 KiB.")
}

pub(crate) fn has_type(headers: &HeaderMap, media_type: &str) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let Some(Ok(value)) = values.next().map(http::HeaderValue::to_str) else { return false };
    let (essence, parameters) = value.split_once(';').unwrap_or((value, "charset=utf-8"));
    let parameters = parameters.trim_matches([' ', '\t']);
    values.next().is_none()
        && essence.trim_end_matches([' ', '\t']).eq_ignore_ascii_case(media_type)
        && ["charset=utf-8", "charset=\"utf-8\""].iter().any(|known| parameters.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csr_02_http_21_only_the_exact_content_type_is_read() {
        let has = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::CONTENT_TYPE, value.parse().unwrap());
            }
            has_type(&headers, "application/json")
        };
        for good in ["application/json", "Application/JSON", "application/json; charset=utf-8"] {
            assert!(has(&[good]), "{good}");
        }
        for bad in [
            &["text/plain; application/json"][..],
            &["application/json;x"],
            &["application/json; charset=utf-7"],
            &["application/json; charset=utf-8; x=y"],
            &["application/jsonx"],
            &["application/json, text/plain"],
            &["application/json", "application/json"],
            &["application/x-www-form-urlencoded"],
            &["multipart/form-data; boundary=x"],
            &[""],
            &[],
        ] {
            assert!(!has(bad), "{bad:?}");
        }
    }
}
