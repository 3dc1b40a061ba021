//! `max_age`: how old the login may be (`OpenID` Connect Core section 3.1.2.1; attack OAU-31).

use crate::client::Client;
use crate::session::Session;
use crate::{Span, Time};

use super::{Decision, Error, Parameters, Refusal, Request};

/// The age in whole seconds, or the client's own default.
pub fn check(parameters: &Parameters, client: &Client) -> Result<Option<Span>, Refusal> {
    let Some(text) = parameters.get("max_age") else {
        return Ok(client.metadata.default_max_age.map(|seconds| Span::seconds(i64::from(seconds))));
    };
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = text.parse::<u32>().ok().filter(|_| digits);
    let seconds = seconds.ok_or(Refusal::invalid("max_age is a number of seconds."))?;
    Ok(Some(Span::seconds(i64::from(seconds))))
}

/// A login that is too old is made anew, unless it was made in this request: else `max_age=0` would never end.
pub fn decide(request: &Request, session: &Session, proved: bool, now: Time) -> Option<Decision> {
    let max_age = request.max_age?;
    let old = now - session.authenticated_at > max_age || max_age == Span::ZERO;
    (old && !proved).then(|| request.prompt.or_refuse(Error::LoginRequired, Decision::LogIn))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorize::tests::{client, parameters};

    #[test]
    fn an_age_is_a_number_of_seconds_and_the_client_may_have_a_default() {
        let mut client = client();
        let read = |text: Option<&str>, client: &Client| {
            check(&parameters(&[]).with("max_age", text.map(str::to_owned)), client)
        };
        assert_eq!(read(None, &client), Ok(None));
        client.metadata.default_max_age = Some(60);
        assert_eq!(read(None, &client), Ok(Some(Span::seconds(60))));
        assert_eq!(read(Some("0"), &client), Ok(Some(Span::ZERO)));
        assert_eq!(read(Some("10000"), &client), Ok(Some(Span::seconds(10_000))));
        for bad in ["-1", "+1", "1.5", "x", "1 ", "99999999999"] {
            assert!(read(Some(bad), &client).is_err(), "{bad}");
        }
    }
}
