//! Heads as strangers write them: what must hold of any bytes.

use super::heads::Heads;

/// However the bytes arrive, the same ones are handed on, none is added, and where a head ends the parser behind it
/// finds its end too, with the same body (attack HTTP-01).
pub(crate) fn heads(input: &[u8]) {
    let (passed, ends) = byte_by_byte(input);
    assert!(passed.len() <= input.len());
    for size in [2, 3, 7, 64, input.len().max(1)] {
        assert!(in_pieces(input, size) == passed, "in pieces of {size}");
    }
    let mut start = 0;
    for end in ends {
        let mut headers = [httparse::EMPTY_HEADER; 512];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(&passed[start..]) {
            Ok(httparse::Status::Complete(length)) => assert_eq!(start + length, end),
            Ok(httparse::Status::Partial) => unreachable!("the parser waits for more than {end}"),
            // It refuses the request, and the connection ends.
            Err(_) => return,
        }
        let Some(length) = body(request.headers) else { return };
        start = end + length;
    }
    // What was spoilt, or did not end, is no request.
    let mut headers = [httparse::EMPTY_HEADER; 512];
    let rest = httparse::Request::new(&mut headers).parse(passed.get(start..).unwrap_or_default());
    assert!(
        !matches!(rest, Ok(httparse::Status::Complete(_))),
        "a request of which the filter knows nothing"
    );
}

/// What is handed on, and where in it each head ends.
fn byte_by_byte(input: &[u8]) -> (Vec<u8>, Vec<usize>) {
    let (mut heads, mut passed, mut ends) = (Heads::default(), Vec::new(), Vec::new());
    for byte in input {
        let before = heads.begun();
        let mut piece = [*byte];
        let kept = heads.pass(&mut piece);
        passed.extend_from_slice(&piece[..kept]);
        if before && !heads.begun() && passed.ends_with(b"\n") {
            ends.push(passed.len());
        }
    }
    (passed, ends)
}

fn in_pieces(input: &[u8], size: usize) -> Vec<u8> {
    let (mut heads, mut passed) = (Heads::default(), Vec::new());
    for piece in input.chunks(size) {
        let mut piece = piece.to_vec();
        let kept = heads.pass(&mut piece);
        passed.extend_from_slice(&piece[..kept]);
    }
    passed
}

/// How long the body is; none: it comes in chunks, and nothing after it is read.
fn body(headers: &[httparse::Header<'_>]) -> Option<usize> {
    let named =
        |name: &'static str| headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
    if named("transfer-encoding").next().is_some() {
        assert!(named("content-length").next().is_none(), "a length beside chunks");
        return None;
    }
    let mut lengths = named("content-length");
    let Some(length) = lengths.next() else { return Some(0) };
    assert!(lengths.next().is_none(), "two lengths");
    let length = str::from_utf8(length.value).ok().and_then(|text| text.parse().ok());
    assert!(length.is_some(), "no length");
    length
}
