//! Our cookies in an answer: `Secure; HttpOnly; SameSite=Lax; Path=/`, no `Domain`, at setting and at deletion alike
//! (design section 7; attack SES-16).

use countersign_core::secret::Secret;
use countersign_core::session::Session;
use countersign_core::throttle::known_device::Standing;
use countersign_core::throttle::{KnownDevice, known_device};
use countersign_core::{Locale, Span};
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::ctx::Ctx;
use crate::extract::cookies::{DEVICE, LOCALE, LOGIN, SESSION};
use crate::flows::login::LoggedIn;

/// Gives the browser its session. Without a `life` the cookie ends with the browser; the server's clock decides anyway.
pub(crate) fn session(headers: &mut HeaderMap, secret: &Secret, life: Option<Span>) {
    set(headers, SESSION, &secret.reveal(), life);
}

/// Gives the browser the session of a login, for as long as it was asked for, and makes its device known.
pub(crate) fn log_in(headers: &mut HeaderMap, ctx: &Ctx, logged_in: &LoggedIn) {
    if let Some(secret) = &logged_in.secret {
        renew(headers, ctx, &logged_in.session, secret);
        device(headers, ctx, &logged_in.standing);
    }
}

/// Gives the browser its session's new secret, for as long as the session has.
pub(crate) fn renew(headers: &mut HeaderMap, ctx: &Ctx, kept: &Session, secret: &Secret) {
    session(headers, secret, kept.remember.then_some(kept.absolute_ends_at - ctx.now));
}

/// Takes the session from the browser.
pub(crate) fn no_session(headers: &mut HeaderMap) {
    set(headers, SESSION, "", Some(Span::ZERO));
}

/// Takes from the browser what could be in the way of a new start. Not what makes it a known device: whoever can make a
/// browser send too many cookies could then lock its owner out.
pub(crate) fn start_over(headers: &mut HeaderMap) {
    no_session(headers);
    set(headers, LOGIN, "", Some(Span::ZERO));
}

/// Has the browser forget every cookie of this site, those of its other hosts too: somebody beside us filled them up, and
/// no request gets through until they are gone (attack SES-20). Whoever could do that could have taken them all anyway.
pub(crate) fn forget_site(headers: &mut HeaderMap) {
    headers.insert(HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"cookies\""));
}

/// Remembers what this browser began.
pub(crate) fn login(headers: &mut HeaderMap, secret: &Secret, life: Span) {
    set(headers, LOGIN, &secret.reveal(), Some(life));
}

/// Makes this device known to the account: nobody who guesses elsewhere keeps its owner from logging in here.
pub(crate) fn device(headers: &mut HeaderMap, ctx: &Ctx, account: &Standing) {
    let clock = (ctx.now, ctx.app.random.as_ref());
    let known = KnownDevice::after_login(ctx.known_device.as_ref(), account, clock, &ctx.app.devices);
    set(headers, DEVICE, &known.encode(), Some(known_device::LIFE));
}

/// Remembers the chosen language for 400 days, the most that browsers keep a cookie.
pub(crate) fn locale(headers: &mut HeaderMap, locale: Locale) {
    set(headers, LOCALE, locale.as_str(), Some(Span::days(400)));
}

fn set(headers: &mut HeaderMap, name: &str, value: &str, life: Option<Span>) {
    let age = life.map(|life| format!("; Max-Age={}", life.as_seconds())).unwrap_or_default();
    let cookie = format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax{age}");
    // invariant: our names and values are visible ASCII.
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        headers.append(header::SET_COOKIE, cookie);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::random::Counter;

    #[test]
    fn ses_16_every_cookie_has_the_same_attributes_at_its_deletion_too() {
        let mut headers = HeaderMap::new();
        let secret = Secret::new(&Counter::new(1));
        session(&mut headers, &secret, None);
        session(&mut headers, &secret, Some(Span::days(60)));
        no_session(&mut headers);
        login(&mut headers, &secret, Span::hours(24));
        locale(&mut headers, Locale::Ko);
        let cookies: Vec<_> =
            headers.get_all(header::SET_COOKIE).iter().map(|v| v.to_str().unwrap()).collect();
        assert_eq!(cookies.len(), 5);
        for cookie in &cookies {
            assert!(cookie.starts_with("__Host-Http-"), "{cookie}");
            assert!(cookie.contains("; Path=/; Secure; HttpOnly; SameSite=Lax"), "{cookie}");
            assert!(!cookie.to_lowercase().contains("domain"), "{cookie}");
        }
        assert!(!cookies[0].contains("Max-Age"));
        assert!(cookies[1].ends_with("; Max-Age=5184000"));
        assert_eq!(cookies[2], "__Host-Http-session=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
    }
}
