//! Whether a `DPoP` proof fits the request that it came with (RFC 9449 section 4.3; attacks DPO-01 to DPO-06).
//!
//! Whether it was used before is asked where it is spent: its mark is written with what it protects.

use countersign_jose::DpopProof;
use url::Url;

use crate::client::ClientId;
use crate::replay::{Kind, Mark};
use crate::secret::{MacKey, sha256};
use crate::{Span, Time};

use super::Confirmation;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// How old a proof may be, and how far ahead its clock.
pub const MAX_AGE: Span = Span::seconds(60);

/// A nonce is taken from the server for at least half of this, and at most for all of it.
pub const NONCE_LIFE: Span = Span::minutes(5);

/// What the request is, and what is asked of its proof.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The verified proof.
    pub proof: &'a DpopProof,
    /// The method, as it came.
    pub method: &'a str,
    /// The URL without query, as clients write it.
    pub url: &'a str,
    /// The access token that came along.
    pub token: Option<&'a str>,
    /// A nonce of ours has to be in it.
    pub nonce_demanded: bool,
    /// The nonce in it, if one is, is ours, for this client, and fresh.
    pub nonce_good: bool,
}

/// A proof that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proved {
    /// The key.
    pub key: Confirmation,
    /// It counts once.
    pub mark: Mark,
}

/// Why a proof does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Made for another method, URL or token, or at another time: `invalid_dpop_proof`.
    Unfit,
    /// Without the nonce that is demanded, or with one that does not count: `use_dpop_nonce`.
    Nonce,
}

/// Decides whether the proof fits.
pub fn decide(facts: &Facts<'_>, now: Time) -> Result<Proved, Refusal> {
    let proof = facts.proof;
    let key = Confirmation::parse_jkt(&proof.jkt).ok_or(Refusal::Unfit)?;
    let ath = |token: &str| URL_SAFE_NO_PAD.encode(sha256(token.as_bytes()).as_bytes());
    let token_fits = match facts.token {
        None => proof.ath.is_none(),
        Some(token) => proof.ath.as_deref() == Some(&*ath(token)),
    };
    if proof.htm != facts.method || !same_url(&proof.htu, facts.url) || !token_fits {
        return Err(Refusal::Unfit);
    }
    let age = now.seconds() - proof.iat;
    let over = proof.exp.is_some_and(|exp| exp <= now.seconds());
    let early = proof.nbf.is_some_and(|nbf| nbf > now.seconds() + MAX_AGE.as_seconds());
    if over || early || age.abs() > MAX_AGE.as_seconds() {
        return Err(Refusal::Unfit);
    }
    let missing = facts.nonce_demanded && proof.nonce.is_none();
    if missing || (proof.nonce.is_some() && !facts.nonce_good) {
        return Err(Refusal::Nonce);
    }
    let until = Time::from_micros((proof.iat + 2 * MAX_AGE.as_seconds() + 1).saturating_mul(1_000_000));
    Ok(Proved { key, mark: Mark::new(Kind::Proof, proof.jkt.as_bytes(), proof.jti.as_bytes(), until) })
}

/// Whether the proof names this URL: query and fragment do not count, and spellings that RFC 3986 section 6.2.2 and 6.2.3
/// hold for one are one (RFC 9449 section 4.3).
fn same_url(given: &str, own: &str) -> bool {
    // The parser forgives what no client writes: `https:/host`, backslashes, spaces, a user name.
    let strict = |text: &str| {
        let (scheme, rest) = text.split_once("://")?;
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        let mut url = Url::parse(text).ok().filter(|_| plain && !rest.starts_with('/'))?;
        let bare = url.username().is_empty() && url.password().is_none() && !url.authority().contains('@');
        url.set_query(None);
        url.set_fragment(None);
        (bare && url.scheme().eq_ignore_ascii_case(scheme)).then_some(url)
    };
    strict(given).is_some_and(|given| strict(own).as_ref() == Some(&given))
}

/// A nonce for this client: what makes a proof that was made ahead worthless (RFC 9449 section 8). Nothing is stored: it is a
/// code over the time, in steps of half its life.
pub fn nonce(key: &MacKey, client: &ClientId, now: Time) -> String {
    at_step(key, client, step(now))
}

/// Whether a nonce is ours, for this client, and fresh.
pub fn is_fresh(key: &MacKey, client: &ClientId, nonce: &str, now: Time) -> bool {
    use subtle::ConstantTimeEq as _;
    let present = step(now);
    [present, present - 1]
        .into_iter()
        .any(|step| bool::from(at_step(key, client, step).as_bytes().ct_eq(nonce.as_bytes())))
}

const fn step(now: Time) -> i64 {
    now.seconds().div_euclid(NONCE_LIFE.as_seconds() / 2)
}

fn at_step(key: &MacKey, client: &ClientId, step: i64) -> String {
    let code = key.sign(&[b"dpop\0".as_slice(), &step.to_be_bytes(), client.as_str().as_bytes()].concat());
    URL_SAFE_NO_PAD.encode(&code[..24])
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_micros(1_700_000_000_000_000);
    const URL: &str = "https://id.example/oauth2/token";

    fn proof() -> DpopProof {
        DpopProof {
            jkt: Confirmation::Jkt([7; 32]).jkt(),
            jti: "one".to_owned(),
            htm: "POST".to_owned(),
            htu: URL.to_owned(),
            iat: NOW.seconds(),
            exp: None,
            nbf: None,
            ath: None,
            nonce: None,
        }
    }

    fn facts(proof: &DpopProof) -> Facts<'_> {
        Facts { proof, method: "POST", url: URL, token: None, nonce_demanded: false, nonce_good: false }
    }

    #[test]
    fn dpo_02_a_proof_is_for_one_url_however_it_is_spelt() {
        let fits = [
            URL,
            "HTTPS://ID.example/oauth2/token",
            "https://id.example:443/oauth2/token",
            "https://id.example/oauth2/token?code=x#y",
            "https://id.example/oauth2/../oauth2/token",
        ];
        let differs = [
            "https://id.example/oauth2/token/",
            "https://id.example/oauth2/Token",
            "https://id.example/oauth2",
            "https://id.example:8443/oauth2/token",
            "http://id.example/oauth2/token",
            "https://evil.example/oauth2/token",
            "https://id.example@evil.example/oauth2/token",
            "https://a@id.example/oauth2/token",
            "https:/id.example/oauth2/token",
            "https:\\\\id.example\\oauth2\\token",
            "https:///id.example/oauth2/token",
            " https://id.example/oauth2/token",
            "/oauth2/token",
            "id.example/oauth2/token",
            "",
        ];
        for (urls, expected) in [(&fits[..], true), (&differs[..], false)] {
            for htu in urls {
                let proof = DpopProof { htu: (*htu).to_owned(), ..proof() };
                assert_eq!(decide(&facts(&proof), NOW).is_ok(), expected, "{htu}");
            }
        }
    }

    #[test]
    fn dpo_03_dpo_04_a_proof_is_for_one_method_and_one_token() {
        let ath = |token: &str| Some(URL_SAFE_NO_PAD.encode(sha256(token.as_bytes()).as_bytes()));
        let table = [
            ("as it is", proof(), None, true),
            ("another method", DpopProof { htm: "GET".to_owned(), ..proof() }, None, false),
            ("in lower case", DpopProof { htm: "post".to_owned(), ..proof() }, None, false),
            ("with its token", DpopProof { ath: ath("t"), ..proof() }, Some("t"), true),
            ("with another token", DpopProof { ath: ath("u"), ..proof() }, Some("t"), false),
            ("of no token", proof(), Some("t"), false),
            ("of a token where there is none", DpopProof { ath: ath("t"), ..proof() }, None, false),
        ];
        for (name, proof, token, expected) in table {
            assert_eq!(decide(&Facts { token, ..facts(&proof) }, NOW).is_ok(), expected, "{name}");
        }
    }

    #[test]
    fn dpo_05_a_proof_is_of_now() {
        let second = NOW.seconds();
        let at = |iat| DpopProof { iat, ..proof() };
        let table = [
            ("a minute old", at(second - 60), true),
            ("older", at(second - 61), false),
            ("a clock ahead", at(second + 10), true),
            ("far ahead", at(second + 61), false),
            ("over", DpopProof { exp: Some(second), ..proof() }, false),
            ("not over", DpopProof { exp: Some(second + 1), ..proof() }, true),
            ("not yet", DpopProof { nbf: Some(second + 61), ..proof() }, false),
        ];
        for (name, proof, expected) in table {
            assert_eq!(decide(&facts(&proof), NOW).is_ok(), expected, "{name}");
        }
        let mark = decide(&facts(&at(second + 60)), NOW).unwrap().mark;
        assert!(mark.until > NOW + Span::seconds(120), "the mark outlives the proof");
    }

    #[test]
    fn dpo_06_a_nonce_is_ours_fresh_and_for_its_client() {
        let (key, other) = (MacKey::new(&[1; 32]), MacKey::new(&[2; 32]));
        let (own, stranger) = (ClientId::parse("notes").unwrap(), ClientId::parse("other").unwrap());
        let given = nonce(&key, &own, NOW);
        assert!(is_fresh(&key, &own, &given, NOW));
        assert!(is_fresh(&key, &own, &given, NOW + Span::seconds(149)));
        assert!(!is_fresh(&key, &own, &given, NOW + NONCE_LIFE));
        assert!(!is_fresh(&key, &stranger, &given, NOW));
        assert!(!is_fresh(&other, &own, &given, NOW));
        assert!(!is_fresh(&key, &own, "", NOW));
        let with = DpopProof { nonce: Some(given), ..proof() };
        let bare = proof();
        let demanded = |proof, nonce_good| {
            decide(&Facts { nonce_demanded: true, nonce_good, ..facts(proof) }, NOW).map(drop)
        };
        assert_eq!(demanded(&with, true), Ok(()));
        assert_eq!(demanded(&with, false), Err(Refusal::Nonce));
        assert_eq!(demanded(&bare, false), Err(Refusal::Nonce));
        assert_eq!(decide(&facts(&with), NOW).map(drop), Err(Refusal::Nonce), "one of ours, or none");
    }
}
