//! How the answer looks: `response_type` (attack OAU-09), `response_mode` (attack OAU-10), and the way back.

use crate::client::{Client, GrantType, ResponseType};

use super::{Error, Parameters, RedirectUri, Refusal};

/// How the answer travels (OAuth 2.0 Multiple Response Types section 2.1, Form Post Response Mode).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// In the query of a redirect.
    Query,
    /// In a form that the browser posts.
    FormPost,
}

/// Where an answer goes, and what goes with every one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayBack {
    /// Proven to be the client's.
    pub redirect: RedirectUri,
    /// How it travels.
    pub mode: Mode,
    state: Option<String>,
}

/// An answer's parameters, each once.
pub type Answer<'a> = Vec<(&'static str, &'a str)>;

impl WayBack {
    /// The way back to a proven address.
    pub const fn new(redirect: RedirectUri, mode: Mode, state: Option<String>) -> Self {
        Self { redirect, mode, state }
    }

    /// A code (RFC 6749 section 4.1.2), with who issued it (RFC 9207; attack OAU-23).
    pub fn code<'a>(&'a self, code: &'a str, issuer: &'a str) -> Answer<'a> {
        self.answer(vec![("code", code)], issuer)
    }

    /// A refusal (RFC 6749 section 4.1.2.1), likewise.
    pub fn refusal<'a>(&'a self, refusal: Refusal, issuer: &'a str) -> Answer<'a> {
        let said = vec![("error", refusal.error.as_str()), ("error_description", refusal.description)];
        self.answer(said, issuer)
    }

    fn answer<'a>(&'a self, mut said: Answer<'a>, issuer: &'a str) -> Answer<'a> {
        said.extend(self.state.as_deref().map(|state| ("state", state)));
        said.push(("iss", issuer));
        said
    }

    /// The address with an answer in its query. What stands in the query already stays (RFC 6749 section 3.1.2).
    pub fn url(&self, answer: &[(&'static str, &str)]) -> String {
        let uri = self.redirect.as_str();
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let said = query.extend_pairs(answer).finish();
        let joint = match uri.split_once('?') {
            None => "?",
            Some((_, "")) => "",
            Some(_) => "&",
        };
        format!("{uri}{joint}{said}")
    }
}

/// The mode that was asked for. One that is not there is refused, in the query.
pub fn mode(parameters: &Parameters) -> (Mode, Result<(), Refusal>) {
    match parameters.get("response_mode") {
        None | Some("query") => (Mode::Query, Ok(())),
        Some("form_post") => (Mode::FormPost, Ok(())),
        Some(_) => (Mode::Query, Err(Refusal::invalid("response_mode is query or form_post."))),
    }
}

/// One response type is there so far: a code.
pub fn kind(parameters: &Parameters, client: &Client) -> Result<(), Refusal> {
    let metadata = &client.metadata;
    match parameters.get("response_type") {
        None => Err(Refusal::invalid("response_type is missing.")),
        Some("code") if metadata.response_types.contains(&ResponseType::Code) => {
            let may = metadata.may_use(GrantType::AuthorizationCode);
            let refusal =
                Refusal::new(Error::UnauthorizedClient, "The client may not use authorization codes.");
            if may { Ok(()) } else { Err(refusal) }
        }
        Some("code") => {
            Err(Refusal::new(Error::UnauthorizedClient, "The client did not register this response type."))
        }
        Some(_) => Err(Refusal::new(Error::UnsupportedResponseType, "response_type is code.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorize::tests::{client, parameters, proven};

    #[test]
    fn oau_09_only_a_code_that_the_client_may_have_is_answered() {
        let error = |kind: Option<&str>, client: &Client| {
            let parameters = parameters(&[]).with("response_type", kind.map(str::to_owned));
            super::kind(&parameters, client).err().map(|refusal| refusal.error)
        };
        let full = client();
        assert_eq!(error(Some("code"), &full), None);
        assert_eq!(error(None, &full), Some(Error::InvalidRequest));
        for other in
            ["token", "id_token", "id_token token", "code token", "token code", "none", "CODE", "code ", "x"]
        {
            assert_eq!(error(Some(other), &full), Some(Error::UnsupportedResponseType), "{other}");
        }
        let mut machine = client();
        machine.metadata.grant_types = vec![GrantType::ClientCredentials];
        assert_eq!(error(Some("code"), &machine), Some(Error::UnauthorizedClient));
        let mut none = client();
        none.metadata.response_types.clear();
        assert_eq!(error(Some("code"), &none), Some(Error::UnauthorizedClient));
    }

    #[test]
    fn oau_10_an_answer_travels_in_a_query_or_a_form() {
        let read = |mode: Option<&str>| {
            let (mode, known) = mode_of(mode);
            (mode, known.is_ok())
        };
        assert_eq!(read(None), (Mode::Query, true));
        assert_eq!(read(Some("query")), (Mode::Query, true));
        assert_eq!(read(Some("form_post")), (Mode::FormPost, true));
        for other in ["fragment", "jwt", "query.jwt", "web_message", "Query", "x"] {
            assert_eq!(read(Some(other)), (Mode::Query, false), "{other}");
        }
    }

    fn mode_of(mode: Option<&str>) -> (Mode, Result<(), Refusal>) {
        super::mode(&parameters(&[]).with("response_mode", mode.map(str::to_owned)))
    }

    #[test]
    fn oau_06_oau_23_oau_24_each_answer_names_its_issuer_and_says_each_thing_once() {
        let back = |uri: &str| WayBack::new(proven(uri), Mode::Query, Some("a b&c=\u{1f600}".into()));
        let plain = back("https://a.example/cb");
        let url = plain.url(&plain.code("cs_ac_x", "https://id.example"));
        assert_eq!(
            url,
            "https://a.example/cb?code=cs_ac_x&state=a+b%26c%3D%F0%9F%98%80&iss=https%3A%2F%2Fid.example"
        );
        let asking = back("https://a.example/cb?x=1");
        let refusal = Refusal::new(Error::AccessDenied, "No.");
        let url = asking.url(&asking.refusal(refusal, "https://id.example"));
        assert!(
            url.starts_with("https://a.example/cb?x=1&error=access_denied&error_description=No.&state="),
            "{url}"
        );
        assert!(url.ends_with("&iss=https%3A%2F%2Fid.example"));
        let bare = back("https://a.example/cb?");
        assert!(bare.url(&bare.code("c", "i")).starts_with("https://a.example/cb?code=c&"));
    }
}
