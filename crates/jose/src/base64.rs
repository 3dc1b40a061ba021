//! Base64url as JOSE writes it: no padding, one encoding for each byte string (RFC 7515 section 2, attack JWT-23).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::Error;

/// Encodes without padding.
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Appends the encoding to `out`.
pub(crate) fn encode_onto(bytes: impl AsRef<[u8]>, out: &mut String) {
    URL_SAFE_NO_PAD.encode_string(bytes, out);
}

/// Decodes; refuses padding, foreign characters and set bits behind the last byte.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, Error> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Error::Base64)
}

/// Decodes into `buffer` and returns the part that was written; text that needs more room is refused.
pub(crate) fn decode_into<'b>(text: &str, buffer: &'b mut [u8]) -> Result<&'b [u8], Error> {
    let written = URL_SAFE_NO_PAD.decode_slice(text, buffer).map_err(|_| Error::Base64)?;
    Ok(&buffer[..written])
}

/// Decodes exactly `N` bytes.
pub(crate) fn decode_array<const N: usize>(text: &str) -> Result<[u8; N], Error> {
    decode(text)?.try_into().map_err(|_| Error::Base64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_text_decodes() {
        assert_eq!(decode("AQ").unwrap(), [1]);
        assert_eq!(decode("-_8").unwrap(), [0xfb, 0xff]);
        for other in ["AR", "AQ=", "AQ==", "+/8", "A", "AQ\n", " AQ", "A%3d", "AQ.", "é"] {
            assert_eq!(decode(other), Err(Error::Base64), "{other:?}");
        }
    }

    #[test]
    fn a_buffer_takes_what_fits_and_no_more() {
        let mut buffer = [0; 4];
        assert_eq!(decode_into("AQID", &mut buffer).unwrap(), [1, 2, 3]);
        assert_eq!(decode_into("AQIDBAU", &mut buffer), Err(Error::Base64));
    }
}
