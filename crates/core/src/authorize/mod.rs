//! The authorization endpoint (RFC 6749 section 3.1, `OpenID` Connect Core section 3.1.2): from a request to a code.
//!
//! Two lists of steps. [`check`] looks at what was asked and whether this client may ask it: the same for a request in a
//! URL, in a form, and one that is pushed (RFC 9126). [`decide`] looks at who is there: log in, choose, consent, or issue.
//! Each step returns what the next ones need, so none can be left out: a refusal is sent to an address only by way of a
//! [`WayBack`], and there is none before the redirect URI is proven.

pub mod acr;
pub mod administer;
pub mod claims;
pub mod code;
pub mod confirmation;
pub mod hint;
pub mod max_age;
pub mod nonce;
pub mod objects;
pub mod parameters;
pub mod pkce;
pub mod prompt;
pub mod pushed;
pub mod redirect_uri;
pub mod refusal;
pub mod resource;
pub mod response;
pub mod scope;
pub mod state;
pub mod waiting;

use crate::claims::CustomClaim;
use crate::client::Client;
use crate::consent::{self, Consent};
use crate::grant::Scopes;
use crate::session::Session;
use crate::token::Confirmation;
use crate::url::{PublicUrl, ResourceId};
use crate::{Span, Time};

pub use code::Code;
pub use hint::Hint;
pub use parameters::Parameters;
pub use pkce::Challenge;
pub use prompt::Prompt;
pub use pushed::Reference;
pub use redirect_uri::RedirectUri;
pub use refusal::{Error, NoWayBack, Refusal};
pub use response::{Mode, WayBack};
pub use waiting::Waiting;

/// A code counts for so long (RFC 6749 section 4.1.2).
pub const CODE_LIFE: Span = Span::seconds(60);

/// A login that was made for a request counts as made for it for so long, as long as a login may take.
pub const PROOF_LIFE: Span = Span::minutes(10);

/// What is asked, and by whom.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// As it came.
    pub parameters: &'a Parameters,
    /// The client that `client_id` names.
    pub client: &'a Client,
    /// Whether it is, or was, pushed.
    pub pushed: bool,
}

/// What this server is and has.
#[derive(Debug, Clone, Copy)]
pub struct Offer<'a> {
    /// The issuer.
    pub issuer: &'a PublicUrl,
    /// Scopes of the configuration, beside the standard ones.
    pub scopes: &'a Scopes,
    /// Claims of the configuration, and the scopes that give them.
    pub claims: &'a [CustomClaim],
}

/// A request that this client may make, whoever is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Where the answer goes.
    pub back: WayBack,
    /// The redirect URI as it was sent; none where the client has only one and left it out.
    pub redirect_uri: Option<String>,
    /// The challenge that the code's verifier must fit.
    pub challenge: Option<Challenge>,
    /// For the ID token.
    pub nonce: Option<String>,
    /// What is granted: what was asked for and is offered.
    pub scopes: Scopes,
    /// Where tokens shall count beside the issuer, if anywhere.
    pub resources: Vec<ResourceId>,
    /// The key that the code is bound to.
    pub confirmation: Option<Confirmation>,
    /// What to ask of the person.
    pub prompt: Prompt,
    /// How old the login may be.
    pub max_age: Option<Span>,
    /// Claims asked for one by one.
    pub claims: claims::Asked,
}

impl Request {
    /// What people are asked to allow: the scopes, and those of claims that are asked for one by one.
    pub fn to_allow(&self) -> Scopes {
        self.scopes.union(&self.claims.scopes)
    }
}

/// Why there is no [`Request`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Nobody is sent anywhere.
    Page(NoWayBack),
    /// The client is told.
    Answer(Box<WayBack>, Refusal),
}

/// Checks what was asked.
pub fn check(asked: Asked<'_>, offer: Offer<'_>) -> Result<Request, Failure> {
    let redirect = redirect_uri::prove(asked).map_err(Failure::Page)?;
    let state = state::check(asked.parameters).map_err(Failure::Page)?;
    let (mode, known) = response::mode(asked.parameters);
    let back = WayBack::new(redirect, mode, state);
    known.and_then(|()| rest(asked, offer, back.clone())).map_err(|it| Failure::Answer(Box::new(back), it))
}

/// The steps whose refusals the client is told.
fn rest(asked: Asked<'_>, offer: Offer<'_>, back: WayBack) -> Result<Request, Refusal> {
    let Asked { parameters, client, .. } = asked;
    objects::check(parameters)?;
    pushed::check(asked)?;
    response::kind(parameters, client)?;
    let challenge = pkce::check(parameters, client)?;
    let nonce = nonce::check(parameters)?;
    let scopes = scope::check(parameters, client, offer)?;
    let resources = resource::check(parameters, client, offer.issuer)?;
    let confirmation = confirmation::check(parameters)?;
    let prompt = prompt::check(parameters)?;
    let max_age = max_age::check(parameters, client)?;
    let claims = claims::check(parameters, client, offer.claims)?;
    Ok(Request {
        back,
        redirect_uri: parameters.get("redirect_uri").map(str::to_owned),
        challenge,
        nonce,
        scopes,
        resources,
        confirmation,
        prompt,
        max_age,
        claims,
    })
}

/// Who is there, and what is known of them.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The session of this browser.
    pub session: Option<&'a Session>,
    /// Whom the client expects.
    pub hint: Hint,
    /// What the account let this client do so far.
    pub consent: Option<&'a Consent>,
    /// Whether the account may administer this server.
    pub administers: bool,
    /// What happened since the request came.
    pub waiting: &'a Waiting,
    /// Now.
    pub now: Time,
}

/// What happens next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// A code is issued.
    Issue,
    /// Somebody must log in.
    LogIn,
    /// Somebody did, and the browser kept no cookie (I5).
    NoCookie,
    /// The person says whether it is this account.
    Select,
    /// The person says whether the client may.
    Consent,
    /// The client is told no.
    Refuse(Refusal),
}

/// Decides what a checked request comes to.
pub fn decide(request: &Request, client: &Client, facts: Facts<'_>) -> Decision {
    let Some(session) = facts.session else {
        let unreadable = hint::decide(facts.hint, request.prompt, false);
        return match facts.waiting.proved {
            _ if unreadable.is_some() => unreadable.unwrap_or(Decision::LogIn),
            Some(_) => Decision::NoCookie,
            None => request.prompt.or_refuse(Error::LoginRequired, Decision::LogIn),
        };
    };
    // Not for as long as a request may wait: it would count as a new login when it is an old one (attack OAU-31).
    let proved =
        facts.waiting.proved == Some(session.id) && facts.now - session.authenticated_at <= PROOF_LIFE;
    let steps = [
        hint::decide(facts.hint, request.prompt, proved),
        prompt::decide_login(request.prompt, proved),
        max_age::decide(request, session, proved, facts.now),
        prompt::decide_select(request.prompt, proved || facts.waiting.selected == Some(session.id)),
        acr::decide(request.claims.acr.as_deref(), session),
        administer::decide(request, facts.administers),
        consent::decide(request, client, facts.consent, facts.waiting.consented == Some(session.id)),
    ];
    steps.into_iter().flatten().next().unwrap_or(Decision::Issue)
}

#[cfg(test)]
pub(crate) mod tests;
