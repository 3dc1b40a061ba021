//! The registered claims that every JWT is checked for (RFC 7519 section 4.1): `iss`, `aud`, `exp`, `nbf`, `iat`.

use crate::json::{Object, Value};
use crate::{Audience, Error, Policy};

/// The last second that a time may name (November 2286): milliseconds taken for seconds are refused, not believed.
pub const MAX_TIME: i64 = 9_999_999_999;

/// Checks issuer, audience and times. A malformed claim is an error, never the same as an absent one (attack JWT-13).
pub(crate) fn check(claims: &Object<'_>, policy: &Policy<'_>) -> Result<(), Error> {
    check_issuer(claims, policy.issuer)?;
    check_audience(claims.get("aud"), policy.audience)?;
    check_times(claims, policy)
}

/// Likewise, but for the end, and for whom: whoever asks looks at `aud` itself.
pub(crate) fn check_hint(claims: &Object<'_>, policy: &Policy<'_>) -> Result<(), Error> {
    check_issuer(claims, policy.issuer)?;
    match check_times(claims, policy) {
        Err(Error::Expired) => Ok(()),
        other => other,
    }
}

fn check_issuer(claims: &Object<'_>, expected: &str) -> Result<(), Error> {
    let issuer = claims.get("iss").ok_or(Error::MissingClaim("iss"))?;
    let issuer = issuer.as_str().ok_or(Error::MalformedClaim("iss"))?;
    if issuer == expected { Ok(()) } else { Err(Error::Issuer) }
}

fn check_audience(claim: Option<&Value<'_>>, expected: Audience<'_>) -> Result<(), Error> {
    let accepted = match (expected, claim) {
        (Audience::None, claim) => claim.is_none(),
        (Audience::Any, _) => true,
        (_, None) => return Err(Error::MissingClaim("aud")),
        (Audience::Exactly(me), Some(Value::String(one))) => one == me,
        (Audience::Exactly(_), Some(Value::Array(_))) => false,
        (Audience::AnyOf(mine) | Audience::OnlyOf(mine), Some(Value::String(one))) => {
            mine.contains(&one.as_ref())
        }
        (Audience::AnyOf(mine), Some(Value::Array(all))) => names(all)?.iter().any(|one| mine.contains(one)),
        (Audience::OnlyOf(mine), Some(Value::Array(all))) => {
            let all = names(all)?;
            !all.is_empty() && all.iter().all(|one| mine.contains(one))
        }
        (_, Some(_)) => return Err(Error::MalformedClaim("aud")),
    };
    if accepted { Ok(()) } else { Err(Error::Audience) }
}

fn names<'a>(all: &'a [Value<'_>]) -> Result<Vec<&'a str>, Error> {
    all.iter().map(Value::as_str).collect::<Option<_>>().ok_or(Error::MalformedClaim("aud"))
}

/// The rules, for whole seconds `now` and `leeway` and times that may have a fraction:
/// `exp` is there; `now < exp + leeway`; `nbf` and `iat`, where they stand, are at most `now + leeway`, and before `exp`.
fn check_times(claims: &Object<'_>, policy: &Policy<'_>) -> Result<(), Error> {
    let exp = NumericDate::read(claims, "exp")?.ok_or(Error::MissingClaim("exp"))?;
    let not_before = NumericDate::read(claims, "nbf")?;
    let issued = NumericDate::read(claims, "iat")?;
    for (name, begin) in [("nbf", not_before), ("iat", issued)] {
        if begin.is_some_and(|begin| begin >= exp) {
            return Err(Error::MalformedClaim(name));
        }
    }
    if exp.ceil() <= policy.now.saturating_sub(policy.leeway()) {
        return Err(Error::Expired);
    }
    let latest = policy.now.saturating_add(policy.leeway());
    if [not_before, issued].into_iter().flatten().any(|begin| begin.ceil() > latest) {
        return Err(Error::NotYetValid);
    }
    Ok(())
}

/// Seconds since 1970, 0 to [`MAX_TIME`], possibly with a fraction (RFC 7519 section 2).
///
/// A double holds every whole second of the range exactly and a fraction to better than a microsecond.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) struct NumericDate(f64);

impl NumericDate {
    /// The claim of this name; `None` only if it is absent.
    pub(crate) fn read(claims: &Object<'_>, name: &'static str) -> Result<Option<Self>, Error> {
        let seconds = match claims.get(name) {
            None => return Ok(None),
            #[expect(clippy::cast_precision_loss, reason = "the range below is far inside 2^53")]
            Some(Value::Integer(seconds)) => *seconds as f64,
            Some(Value::Float(seconds)) => *seconds,
            Some(_) => return Err(Error::MalformedClaim(name)),
        };
        #[expect(clippy::cast_precision_loss, reason = "the constant is far inside 2^53")]
        if !(0.0..=MAX_TIME as f64).contains(&seconds) {
            return Err(Error::MalformedClaim(name));
        }
        Ok(Some(Self(seconds)))
    }

    /// The first whole second that is not before this time. Against whole seconds it compares as the time itself.
    fn ceil(self) -> i64 {
        whole(self.0.ceil())
    }

    /// The last whole second that is not after this time.
    pub(crate) fn floor(self) -> i64 {
        whole(self.0.floor())
    }
}

fn whole(seconds: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "0 to MAX_TIME, without a fraction")]
    let seconds = seconds as i64;
    seconds
}
