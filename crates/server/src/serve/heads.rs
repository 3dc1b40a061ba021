//! The heads of HTTP/1 requests, as bytes, before the parser sees them: where it would put up with a doubt about where a line
//! or a request ends, the byte that begins the doubt is spoilt, and the parser refuses the request (attack HTTP-01).
//!
//! And of cookies no more is handed on than the gate needs to say that they are too many (attack SES-20): however large a
//! bomb is, its browser gets a page that explains, and no connection holds much of it.

/// Bytes of a line that are looked at: its name, and what matters of its value.
const LOOKED_AT: usize = 64;
/// Bytes of a line that are always handed on: one without a name would end the head.
const NAME: usize = 16;
/// Bytes of cookies in a head that are handed on: more than the gate takes.
const COOKIES: usize = 20 * 1024;

/// Where a connection is.
#[derive(Debug)]
pub(super) struct Heads {
    at: At,
    head: Head,
    line: Line,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// In a head.
    Head,
    /// In a body that has so many bytes to come.
    Body(u64),
    /// Behind the last head that is answered: the connection ends.
    Past,
}

/// What a head said so far.
#[derive(Debug, Default)]
struct Head {
    begun: bool,
    length: Option<u64>,
    chunked: bool,
    cookies: usize,
}

/// The present line.
#[derive(Debug)]
struct Line {
    start: [u8; LOOKED_AT],
    len: usize,
    last: u8,
}

/// A doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Doubt;

impl Default for Heads {
    fn default() -> Self {
        Self { at: At::Head, head: Head::default(), line: Line::new() }
    }
}

impl Heads {
    /// What of the next bytes of a connection is handed on: so many of them, moved to the front.
    pub(super) fn pass(&mut self, bytes: &mut [u8]) -> usize {
        let (mut read, mut kept) = (0, 0);
        while read < bytes.len() {
            let rest = &bytes[read..];
            let (taken, handed_on) = match self.at {
                At::Head => {
                    let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
                    (end, self.hand_on(bytes, read..read + end, kept))
                }
                At::Body(left) => {
                    let length = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                    let left = left - length as u64;
                    self.at = if left == 0 { At::Head } else { At::Body(left) };
                    (length, moved(bytes, read..read + length, kept))
                }
                At::Past => (rest.len(), moved(bytes, read..bytes.len(), kept)),
            };
            read += taken;
            kept += handed_on;
        }
        kept
    }

    /// Whether it is in a head of which a line was read.
    #[cfg(any(test, feature = "fuzz"))]
    pub(super) fn begun(&self) -> bool {
        self.head.begun
    }

    /// Hands on a piece of a line, or the last of it.
    fn hand_on(&mut self, bytes: &mut [u8], piece: std::ops::Range<usize>, to: usize) -> usize {
        let before = self.line.len;
        self.line.add(&bytes[piece.clone()]);
        let room = if self.line.is_cookies() {
            let room = COOKIES.saturating_sub(self.head.cookies).max(NAME);
            room.saturating_sub(before).min(piece.len())
        } else {
            piece.len()
        };
        let mut kept = moved(bytes, piece.start..piece.start + room, to);
        // The end of a line is never dropped, whatever is before it.
        for from in piece.start + room..piece.end {
            if matches!(bytes[from], b'\r' | b'\n') {
                bytes[to + kept] = bytes[from];
                kept += 1;
            }
        }
        if kept > 0 && bytes[to + kept - 1] == b'\n' && self.end_line().is_err() {
            bytes[to + kept - 1] = 0;
            self.at = At::Past;
        }
        kept
    }

    fn end_line(&mut self) -> Result<(), Doubt> {
        let line = std::mem::replace(&mut self.line, Line::new());
        let text = line.text()?;
        if line.is_cookies() {
            self.head.cookies = self.head.cookies.saturating_add(line.len);
        }
        match (self.head.begun, text) {
            // Before a request; the parser passes over it.
            (false, b"") => {}
            (false, _) => self.head.begun = true,
            (true, b"") => self.at = std::mem::take(&mut self.head).ended()?,
            (true, text) => self.head.header(text)?,
        }
        Ok(())
    }
}

impl Head {
    fn header(&mut self, line: &[u8]) -> Result<(), Doubt> {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return Ok(()) };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.chunked = true;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            let digits = value.iter().all(u8::is_ascii_digit);
            let length = str::from_utf8(value).ok().filter(|_| digits).and_then(|text| text.parse().ok());
            // Two, or none, is a doubt as well.
            if self.length.replace(length.ok_or(Doubt)?).is_some() {
                return Err(Doubt);
            }
        }
        Ok(())
    }

    /// What follows. A length beside chunks is how one request is smuggled within another (RFC 9112 section 6.3); chunks are
    /// answered and nothing after them is.
    fn ended(self) -> Result<At, Doubt> {
        match (self.chunked, self.length) {
            (true, Some(_)) => Err(Doubt),
            (true, None) => Ok(At::Past),
            (false, None | Some(0)) => Ok(At::Head),
            (false, Some(length)) => Ok(At::Body(length)),
        }
    }
}

impl Line {
    const fn new() -> Self {
        Self { start: [0; LOOKED_AT], len: 0, last: 0 }
    }

    fn add(&mut self, piece: &[u8]) {
        let held = self.len.min(LOOKED_AT);
        let room = (LOOKED_AT - held).min(piece.len());
        self.start[held..held + room].copy_from_slice(&piece[..room]);
        self.len = self.len.saturating_add(piece.len());
        self.last = match piece {
            [.., last, b'\n'] | [.., last] if *last != b'\n' => *last,
            _ => self.last,
        };
    }

    fn is_cookies(&self) -> bool {
        let name = b"cookie:";
        self.len >= name.len() && self.start[..name.len()].eq_ignore_ascii_case(name)
    }

    /// What is looked at of a line that ended, without its end; that must be CR and LF (RFC 9112 section 2.2 lets us take LF
    /// alone, and others do not). Of one whose length may matter, all of it must be there.
    fn text(&self) -> Result<&[u8], Doubt> {
        if self.last != b'\r' || self.len < 2 {
            return Err(Doubt);
        }
        let text = &self.start[..(self.len - 2).min(LOOKED_AT)];
        let cut = self.len - 2 > LOOKED_AT && text.len() > 15;
        if cut && text[..15].eq_ignore_ascii_case(b"content-length:") { Err(Doubt) } else { Ok(text) }
    }
}

fn moved(bytes: &mut [u8], piece: std::ops::Range<usize>, to: usize) -> usize {
    let length = piece.len();
    if piece.start != to {
        bytes.copy_within(piece, to);
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is handed on, however the bytes arrive.
    fn passed(bytes: &[u8]) -> Vec<u8> {
        let by = |size: usize| {
            let mut heads = Heads::default();
            let mut passed = Vec::new();
            for piece in bytes.chunks(size) {
                let mut piece = piece.to_vec();
                let kept = heads.pass(&mut piece);
                passed.extend_from_slice(&piece[..kept]);
            }
            passed
        };
        let whole = by(bytes.len());
        for size in [1, 2, 3, 7, 64, 1000] {
            assert!(by(size) == whole, "in pieces of {size}");
        }
        whole
    }

    fn is_spoilt(text: &str) -> bool {
        let passed = passed(text.as_bytes());
        assert_eq!(passed.len(), text.len());
        let spoilt = passed.contains(&0);
        assert!(spoilt || passed == text.as_bytes(), "{text:?} is changed");
        spoilt
    }

    #[test]
    fn http_01_where_a_line_or_a_request_ends_is_never_in_doubt() {
        let fine = [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\na\nb\nPOST / HTTP/1.1\r\ncontent-LENGTH:0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\na\n0\r\n\r\nwhatever\ncomes",
            "GET / HTTP/1.1\r\nX-Content-Length: 4\r\nContent-Lengthy: x\r\n\r\n",
        ];
        for text in fine {
            assert!(!is_spoilt(text), "{text:?}");
        }
        let doubtful = [
            "GET / HTTP/1.1\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\n",
            "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n\nGET / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nabcdGET / HTTP/1.1\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding:chunked\r\nCONTENT-LENGTH:4\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: +4\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length:\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
        ];
        for text in doubtful {
            assert!(is_spoilt(text), "{text:?}");
        }
        let padded = format!("POST / HTTP/1.1\r\nContent-Length:{}4\r\n\r\n", " ".repeat(100));
        assert!(is_spoilt(&padded));
    }

    #[test]
    fn ses_20_of_a_cookie_bomb_no_more_is_handed_on_than_is_too_much() {
        let head = |cookies: &str| {
            format!("GET / HTTP/1.1\r\n{cookies}Accept: x\r\n\r\nGET /next HTTP/1.1\r\nCookie: a=b\r\n\r\n")
        };
        let few = head(&format!("Cookie: a={}\r\n", "x".repeat(15_000)));
        assert_eq!(passed(few.as_bytes()), few.as_bytes());
        for cookies in [
            format!("Cookie: a={}\r\n", "x".repeat(300_000)),
            format!("cookie:a={}\r\n", "x".repeat(10_000)).repeat(30),
        ] {
            let passed = String::from_utf8(passed(head(&cookies).as_bytes())).unwrap();
            assert!((COOKIES..COOKIES + 1000).contains(&passed.len()), "{}", passed.len());
            // Each line is still one: none that is empty ends the head before its time.
            assert_eq!(passed.matches("\r\n").count(), head(&cookies).matches("\r\n").count());
            assert_eq!(passed.matches("\r\n\r\n").count(), 2);
            assert!(passed.ends_with("x\r\n\r\nGET /next HTTP/1.1\r\nCookie: a=b\r\n\r\n"), "{passed:.50}");
        }
    }
}
