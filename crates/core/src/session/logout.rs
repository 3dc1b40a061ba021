//! A logout that a client asks for (`OpenID` Connect RP-Initiated Logout; attack OAU-72).
//!
//! Anybody can make a browser come here. What ends the session without a question is an ID token of this very session,
//! which only its client has; and only to an address that this client registered does the browser go on.

use crate::Time;
use crate::client::{Client, ClientId};

/// What the request says. Whether a hint is an ID token of ours, expired or not, the shell found out.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// `id_token_hint`
    pub hint: Hint<'a>,
    /// `client_id`
    pub client_id: Option<&'a str>,
    /// `post_logout_redirect_uri`
    pub redirect_uri: Option<&'a str>,
    /// `state`
    pub state: Option<&'a str>,
}

/// `id_token_hint`
#[derive(Debug, Clone, Copy)]
pub enum Hint<'a> {
    /// There is none.
    Absent,
    /// It is no ID token of ours.
    Foreign,
    /// It is one.
    Ours {
        /// To whom it was given.
        client: &'a ClientId,
        /// Whom it is about, and which session.
        about: Known<'a>,
    },
}

/// A session as a client knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known<'a> {
    /// `sub`
    pub sub: &'a str,
    /// `sid`
    pub sid: Option<&'a str>,
}

/// What is known.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The client of the hint, if it still is one.
    pub client: Option<&'a Client>,
    /// Whether the browser is signed in.
    pub signed_in: bool,
    /// Its session, as the client of the hint knows it.
    pub session: Option<Known<'a>>,
    /// Now.
    pub now: Time,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The session ends, and the browser goes on.
    End(After),
    /// There is none to end.
    Done(After),
    /// The person is asked, and stays here.
    Ask,
    /// A page says that the request is wrong. Nothing ends.
    Refuse(Refusal),
}

/// Where the browser goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum After {
    /// To the page that says that one is signed out.
    Page,
    /// To the client, at an address that it registered.
    Redirect(String),
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The hint is none of ours, or another client's than the request says.
    Hint,
    /// The client did not register the address.
    RedirectUri,
}

/// Decides.
pub fn decide(request: &Request<'_>, facts: &Facts<'_>) -> Decision {
    let (client, about) = match request.hint {
        Hint::Foreign => return Decision::Refuse(Refusal::Hint),
        // Whose address it would be is not proven: nobody goes there.
        Hint::Absent => return if facts.signed_in { Decision::Ask } else { Decision::Done(After::Page) },
        Hint::Ours { client, about } => (client, about),
    };
    if request.client_id.is_some_and(|named| named != client.as_str()) {
        return Decision::Refuse(Refusal::Hint);
    }
    let after = match request.redirect_uri {
        None => After::Page,
        Some(uri) if is_registered(facts, uri) => After::Redirect(with_state(uri, request.state)),
        Some(_) => return Decision::Refuse(Refusal::RedirectUri),
    };
    if !facts.signed_in {
        Decision::Done(after)
    } else if about.sid.is_some() && facts.session == Some(about) {
        Decision::End(after)
    } else {
        Decision::Ask
    }
}

/// Compared as strings: no prefix, no other query, no other port (section 3). Nobody is led to a client that was closed.
fn is_registered(facts: &Facts<'_>, uri: &str) -> bool {
    let open = facts.client.filter(|client| client.is_open(facts.now));
    open.is_some_and(|client| client.metadata.post_logout_redirect_uris.iter().any(|known| known == uri))
}

fn with_state(uri: &str, state: Option<&str>) -> String {
    let Some(state) = state else { return uri.to_owned() };
    let said = url::form_urlencoded::Serializer::new(String::new()).append_pair("state", state).finish();
    let joint = if uri.contains('?') { "&" } else { "?" };
    format!("{uri}{joint}{said}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Metadata, Origin, Profile};

    const NOW: Time = Time::from_micros(1_700_000_000_000_000);

    fn client() -> Client {
        Client {
            id: ClientId::parse("notes").unwrap(),
            origin: Origin::Operator,
            profile: Profile::Oidc,
            first_party: false,
            disabled: false,
            created_at: Time::from_micros(0),
            expires_at: None,
            index: None,
            metadata: Metadata {
                post_logout_redirect_uris: vec![
                    "https://a.example/out".into(),
                    "https://a.example/q?x=1".into(),
                ],
                ..Metadata::default()
            },
        }
    }

    #[test]
    fn oau_72_only_an_id_token_of_this_session_ends_it_and_only_a_registered_address_is_gone_to() {
        let client = client();
        let this = Known { sub: "acc_1", sid: Some("s1") };
        let ours = |about| Hint::Ours { client: &client.id, about };
        let page = || Decision::End(After::Page);
        let back = |to: &str| Decision::End(After::Redirect(to.to_owned()));
        let (uri, refuse) = ("https://a.example/out", Decision::Refuse(Refusal::RedirectUri));
        let table = [
            (ours(this), None, None, page()),
            (ours(this), Some(uri), None, back(uri)),
            (ours(this), Some(uri), Some("a b"), back("https://a.example/out?state=a+b")),
            (ours(this), Some("https://a.example/q?x=1"), Some("s"), back("https://a.example/q?x=1&state=s")),
            (ours(this), Some("https://a.example/out?x=1"), None, refuse.clone()),
            (ours(this), Some("https://a.example/out/"), None, refuse.clone()),
            (ours(this), Some("javascript:alert(1)"), None, refuse.clone()),
            (ours(Known { sid: Some("s2"), ..this }), Some(uri), None, Decision::Ask),
            (ours(Known { sub: "acc_2", ..this }), Some(uri), None, Decision::Ask),
            (ours(Known { sid: None, ..this }), Some(uri), None, Decision::Ask),
            (Hint::Absent, Some(uri), Some("s"), Decision::Ask),
            (Hint::Absent, None, None, Decision::Ask),
            (Hint::Foreign, Some(uri), None, Decision::Refuse(Refusal::Hint)),
        ];
        for (hint, redirect_uri, state, expected) in table {
            let request = Request { hint, client_id: None, redirect_uri, state };
            let facts = Facts { client: Some(&client), signed_in: true, session: Some(this), now: NOW };
            assert_eq!(decide(&request, &facts), expected, "{hint:?} {redirect_uri:?}");
        }
    }

    #[test]
    fn oau_72_another_clients_hint_is_refused_and_whoever_is_signed_out_goes_on() {
        let client = client();
        let about = Known { sub: "acc_1", sid: Some("s1") };
        let hint = Hint::Ours { client: &client.id, about };
        let nobody = Facts { client: Some(&client), signed_in: false, session: None, now: NOW };
        let ask = |client_id, redirect_uri| Request { hint, client_id, redirect_uri, state: None };
        let uri = Some("https://a.example/out");
        assert_eq!(decide(&ask(Some("other"), uri), &nobody), Decision::Refuse(Refusal::Hint));
        let to = After::Redirect("https://a.example/out".into());
        assert_eq!(decide(&ask(Some("notes"), uri), &nobody), Decision::Done(to));
        let gone = Facts { client: None, ..nobody };
        assert_eq!(decide(&ask(None, uri), &gone), Decision::Refuse(Refusal::RedirectUri));
        let closed =
            [Client { disabled: true, ..client.clone() }, Client { expires_at: Some(NOW), ..client.clone() }];
        for closed in &closed {
            let closed = Facts { client: Some(closed), ..nobody };
            assert_eq!(decide(&ask(None, uri), &closed), Decision::Refuse(Refusal::RedirectUri));
            assert_eq!(decide(&ask(None, None), &closed), Decision::Done(After::Page));
        }
        let absent = Request { hint: Hint::Absent, ..ask(None, uri) };
        assert_eq!(decide(&absent, &nobody), Decision::Done(After::Page));
    }
}
