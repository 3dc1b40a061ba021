//! What is answered instead of a code, and whom.

/// An error of the authorization endpoint (RFC 6749 section 4.1.2.1, `OpenID` Connect Core section 3.1.2.6, RFC 8707
/// section 2, RFC 9126 section 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// A parameter is missing or not as it must be.
    InvalidRequest,
    /// The client may not ask for this.
    UnauthorizedClient,
    /// The person said no.
    AccessDenied,
    /// Not a response type that this server has.
    UnsupportedResponseType,
    /// A scope that is not for this client, or none that is known.
    InvalidScope,
    /// Not a resource of this server.
    InvalidTarget,
    /// `prompt=none`, and nobody who will do is logged in.
    LoginRequired,
    /// `prompt=none`, and the person must be asked.
    ConsentRequired,
    /// Request objects are not read here.
    RequestNotSupported,
    /// Likewise by reference.
    RequestUriNotSupported,
    /// Clients do not register in passing.
    RegistrationNotSupported,
    /// A pushed request that does not count, or not any more.
    InvalidRequestUri,
    /// The login is not of a class that was demanded.
    UnmetAuthenticationRequirements,
}

impl Error {
    /// The value of `error`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::AccessDenied => "access_denied",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::RegistrationNotSupported => "registration_not_supported",
            Self::InvalidRequestUri => "invalid_request_uri",
            Self::UnmetAuthenticationRequirements => "unmet_authentication_requirements",
        }
    }
}

/// A refusal that the client is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// What kind.
    pub error: Error,
    /// What to do, in English: printable ASCII without `"` and `\` (RFC 6749 section 4.1.2.1).
    pub description: &'static str,
}

impl Refusal {
    /// A refusal.
    pub const fn new(error: Error, description: &'static str) -> Self {
        Self { error, description }
    }

    /// A parameter is not as it must be.
    pub const fn invalid(description: &'static str) -> Self {
        Self::new(Error::InvalidRequest, description)
    }
}

/// A refusal that only the person in front of the browser is told: there is no address that is known to be the client's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoWayBack {
    /// A parameter came twice, or more came than is ever needed.
    Malformed,
    /// No such client, or it is closed.
    Client,
    /// Not an address that the client registered.
    RedirectUri,
    /// A pushed request that is used, over, or not this client's.
    Pushed,
    /// The request waited too long, or was changed.
    Expired,
}
