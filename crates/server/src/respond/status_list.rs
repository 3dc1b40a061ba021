//! Status lists signed (IETF Token Status List), at most once a second for each.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use countersign_core::revocation::{ListId, Seq};
use countersign_core::{Span, Time};
use countersign_jose::{Header, StatusBits, StatusList, StatusListToken};
use parking_lot::Mutex;

use crate::ctx::Ctx;

use super::problem::{Kind, Problem};

/// A reader may keep a list for so long, in seconds.
const TTL: i64 = 30;
/// A signed list is handed out for so long, unless something ended meanwhile.
const FRESH: Span = Span::seconds(1);

/// The lists signed last.
#[derive(Default)]
pub(crate) struct SignedLists(Mutex<HashMap<ListId, Arc<Signed>>>);

/// A list as it went out.
pub(crate) struct Signed {
    /// The JWT.
    pub(crate) token: Bytes,
    /// The same for all tokens of one state of the log that are close enough in time for the oldest to be good still.
    pub(crate) etag: String,
    seq: Seq,
    at: Time,
}

impl SignedLists {
    /// The list `id` with these bits, which are those of entry `seq` of the log.
    pub(crate) fn signed(
        &self,
        ctx: &Ctx,
        (id, seq): (ListId, Seq),
        bits: &[u8],
    ) -> Result<Arc<Signed>, Problem> {
        let now = ctx.now;
        let fresh = |signed: &&Arc<Signed>| signed.seq == seq && now - signed.at < FRESH && signed.at <= now;
        if let Some(signed) = self.0.lock().get(&id).filter(fresh) {
            return Ok(Arc::clone(signed));
        }
        let signed = Arc::new(sign(ctx, (id, seq), bits)?);
        let mut lists = self.0.lock();
        // Lists end, and what nobody asks for need not be kept.
        lists.retain(|_, signed| now - signed.at < FRESH);
        lists.insert(id, Arc::clone(&signed));
        Ok(signed)
    }
}

fn sign(ctx: &Ctx, (id, seq): (ListId, Seq), bits: &[u8]) -> Result<Signed, Problem> {
    let internal = |error: countersign_jose::Error| Problem::new(Kind::Internal).cause(error.code());
    let public_url = &ctx.app.config.public_url;
    let issued_at = ctx.now.seconds();
    let claims = StatusListToken {
        iss: public_url.origin().to_owned(),
        sub: public_url.join(&format!("/statuslists/{id}")),
        iat: issued_at,
        exp: issued_at + 2 * TTL,
        ttl: TTL.unsigned_abs(),
        status_list: StatusList::new(&status_bits(bits)).map_err(internal)?,
        seq: seq.0.unsigned_abs(),
    };
    let keys = ctx.app.keyring.keys();
    let token = keys.signing().sign(&Header { typ: StatusListToken::TYP }, &claims).map_err(internal)?;
    Ok(Signed { token: token.into(), etag: etag(seq, issued_at), seq, at: ctx.now })
}

/// Whoever is told that its copy is the same has one that was made at most a `ttl` ago, and lives as long again.
fn etag(seq: Seq, issued_at: i64) -> String {
    // Weak: the tokens of one tag say the same and are not the same bytes (RFC 9110 section 8.8.1).
    format!("W/\"{}-{}\"", seq.0, issued_at.div_euclid(TTL))
}

fn status_bits(bytes: &[u8]) -> StatusBits {
    let mut bits = StatusBits::new(bytes.len() * 8);
    let ended = bytes.iter().enumerate().filter(|(_, byte)| **byte != 0);
    for (place, byte) in ended {
        for bit in (0..8).filter(|bit| byte & (1 << bit) != 0) {
            bits.set(place * 8 + bit, true);
        }
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bits_of_the_store_are_those_of_the_list() {
        let bytes = [0, 0b1000_0001, 0, 0xff];
        assert_eq!(status_bits(&bytes).as_bytes(), bytes);
        assert_eq!(status_bits(&bytes).get(8), Some(true));
        assert_eq!(status_bits(&bytes).get(9), Some(false));
    }

    #[test]
    fn a_tag_changes_with_the_log_and_before_its_token_runs_out() {
        assert_eq!(etag(Seq(7), 60), etag(Seq(7), 89));
        assert_ne!(etag(Seq(7), 60), etag(Seq(8), 60));
        assert_ne!(etag(Seq(7), 89), etag(Seq(7), 90));
    }
}
