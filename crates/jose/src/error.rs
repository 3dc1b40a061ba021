//! One error type, by cause.

/// Why a token, a key or a status list was refused.
///
/// No variant carries bytes of what was refused, so an error may be logged (invariant: secrets never reach logs).
/// `code()` is stable; the text of `Display` is not.
///
/// | error | who is to blame | what the caller does |
/// |---|---|---|
/// | `TooLong` `Shape` `Base64` `Json` `Header` | the sender: this is not a token of ours | refuse (401 `invalid_token`) |
/// | `Type` | the sender: a token of another kind | refuse |
/// | `Algorithm` | the sender, or a policy that lists too little | refuse |
/// | `UnknownKey` | nobody yet: the key set may be old | fetch the key set again, rate-limited, and try once more; then refuse |
/// | `Signature` | the sender: forged or damaged | refuse |
/// | `Expired` | time | refuse; a client refreshes |
/// | `NotYetValid` | a clock | refuse; look at the clocks if it happens often |
/// | `Issuer` `Audience` | the sender: meant for somebody else | refuse |
/// | `MissingClaim` `MalformedClaim` | the issuer | refuse |
/// | `MalformedKey` `UnsupportedKey` `WeakKey` `PrivateKey` `DuplicateKid` | whoever made the key or key set | refuse the key or the set, keep the one before |
/// | `StatusList` | the list's issuer | refuse the list; the view grows older, never laxer |
/// | `Serialize` | the program: claims that are no JSON object | 500 |
/// | `Crypto` | the machine: the library could not sign or make a key | 500 |
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// More bytes than the policy allows.
    #[error("the token is too long")]
    TooLong,
    /// Not three parts with two dots between them.
    #[error("the token does not have three parts")]
    Shape,
    /// Not unpadded base64url in its one canonical form.
    #[error("not canonical base64url")]
    Base64,
    /// Not strict JSON: syntax, a duplicate member, too deep, too many members, or not an object.
    #[error("not strict JSON")]
    Json,
    /// A header member is missing, malformed or one that is never accepted.
    #[error("header member `{0}` is missing, malformed or not accepted")]
    Header(&'static str),
    /// `typ` names another kind of token.
    #[error("the token is of another type")]
    Type,
    /// The algorithm is unknown, not in the caller's list, or not the key's.
    #[error("the algorithm is not accepted")]
    Algorithm,
    /// No key of the set has this `kid`.
    #[error("the key is unknown")]
    UnknownKey,
    /// The signature does not verify.
    #[error("the signature does not verify")]
    Signature,
    /// Past `exp` and leeway.
    #[error("the token has expired")]
    Expired,
    /// `nbf` or `iat` lies in the future, beyond the leeway.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iss` is not the issuer that the policy names.
    #[error("the token is from another issuer")]
    Issuer,
    /// `aud` is not what the policy asks for.
    #[error("the token is for another audience")]
    Audience,
    /// A claim that must be there is not.
    #[error("claim `{0}` is missing")]
    MissingClaim(&'static str),
    /// A claim has the wrong JSON type, is out of range, or contradicts another.
    #[error("claim `{0}` is malformed")]
    MalformedClaim(&'static str),
    /// A key is not what its members say.
    #[error("the key is malformed")]
    MalformedKey,
    /// A key of another kind or for another use than verifying with our algorithms.
    #[error("the key is of an unsupported kind")]
    UnsupportedKey,
    /// A key that must not be trusted: size, exponent, a known-bad generator, a point of small order.
    #[error("the key is weak")]
    WeakKey,
    /// A private or symmetric key where only public ones belong.
    #[error("the key is not a public key")]
    PrivateKey,
    /// Two keys of one set have the same `kid`.
    #[error("two keys have the same kid")]
    DuplicateKid,
    /// A status list that does not decode to exactly the size asked for, or is another list.
    #[error("the status list is malformed")]
    StatusList,
    /// Claims that do not serialise to a JSON object.
    #[error("the claims do not serialise to a JSON object")]
    Serialize,
    /// The cryptographic library failed to sign or to make a key.
    #[error("the cryptographic operation failed")]
    Crypto,
}

impl Error {
    /// A stable, machine-readable name for logs and metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::Shape => "shape",
            Self::Base64 => "base64",
            Self::Json => "json",
            Self::Header(_) => "header",
            Self::Type => "type",
            Self::Algorithm => "algorithm",
            Self::UnknownKey => "unknown_key",
            Self::Signature => "signature",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::MissingClaim(_) => "missing_claim",
            Self::MalformedClaim(_) => "malformed_claim",
            Self::MalformedKey => "malformed_key",
            Self::UnsupportedKey => "unsupported_key",
            Self::WeakKey => "weak_key",
            Self::PrivateKey => "private_key",
            Self::DuplicateKid => "duplicate_kid",
            Self::StatusList => "status_list",
            Self::Serialize => "serialize",
            Self::Crypto => "crypto",
        }
    }
}
