//! `GET /static/{file}`: the files of the pages, from the binary, under names that change with their content.

use axum::response::Response;
use countersign_pages::assets;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::extract::segment::Segment;
use crate::respond::empty;
use crate::respond::problem::{Kind, Problem};

/// A file for good: another content has another name.
const FOR_GOOD: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

pub(crate) async fn show(Segment(file): Segment, headers: HeaderMap) -> Result<Response, Problem> {
    let asset = assets().iter().find(|asset| asset.path.strip_prefix("/static/") == Some(file.as_str()));
    let asset = asset.ok_or_else(|| Problem::new(Kind::NotFound))?;
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes() == asset.etag.as_bytes());
    let mut response = empty(if known { StatusCode::NOT_MODIFIED } else { StatusCode::OK });
    if !known {
        *response.body_mut() = axum::body::Body::from(asset.bytes);
    }
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(header::CACHE_CONTROL, FOR_GOOD);
    if let Ok(etag) = HeaderValue::try_from(asset.etag.as_str()) {
        headers.insert(header::ETAG, etag);
    }
    Ok(response)
}
