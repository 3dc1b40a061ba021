//! What a request at the token endpoint asks for, beside its grant.

use countersign_core::grant::Scopes;
use countersign_core::grant::refresh::Target;
use countersign_core::replay::Mark;
use countersign_core::token::Confirmation;
use countersign_core::token::dpop::Proved;
use countersign_core::url::ResourceId;
use countersign_store::client::Stored;

use crate::ctx::Ctx;
use crate::respond::problem::Problem;

use super::form::Form;

/// What a request for tokens brings, of whatever grant, once its client proved itself.
pub(crate) struct Asked<'a> {
    pub(crate) form: &'a Form,
    pub(crate) client: &'a Stored,
    /// The key that the request proved to have.
    pub(crate) proof: Option<Proved>,
}

impl Asked<'_> {
    /// The key that the request proved to have.
    pub(crate) fn key(&self) -> Option<Confirmation> {
        self.proof.map(|proof| proof.key)
    }

    /// Its proof counts once.
    pub(crate) fn mark(&self) -> Option<&Mark> {
        self.proof.as_ref().map(|proof| &proof.mark)
    }

    /// A field, if there is something in it.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.form.get(name).filter(|value| !value.is_empty())
    }

    /// A field that has to be there.
    pub(crate) fn required(&self, name: &str) -> Result<&str, Problem> {
        self.field(name).ok_or_else(|| Problem::oauth("invalid_request", format!("{name} is missing.")))
    }

    /// The scopes that are named, if any are.
    pub(crate) fn scopes(&self) -> Result<Option<Scopes>, Problem> {
        let Some(text) = self.form.get("scope") else { return Ok(None) };
        let scopes = Scopes::parse(text);
        scopes.map(Some).ok_or_else(|| Problem::oauth("invalid_scope", "Not a list of scopes."))
    }

    /// Where the access token shall count, if that is said (RFC 8707).
    pub(crate) fn target(&self, ctx: &Ctx) -> Result<Option<Target>, Problem> {
        match self.form.get("resource") {
            None => Ok(None),
            Some(text) if text == ctx.app.config.public_url.origin() => Ok(Some(Target::Issuer)),
            Some(text) => match ResourceId::parse(text) {
                Ok(resource) => Ok(Some(Target::Resource(resource))),
                Err(_) => Err(Problem::oauth("invalid_target", "Not a resource of this grant.")),
            },
        }
    }
}
