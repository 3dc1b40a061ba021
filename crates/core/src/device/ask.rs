//! What a device asks for (RFC 8628 section 3.1), by the rules of the authorization endpoint.

use crate::authorize::{Error, Offer, Parameters, Refusal, confirmation, resource, scope};
use crate::client::{Client, GrantType};
use crate::grant::Scopes;
use crate::token::Confirmation;
use crate::url::ResourceId;

/// A request that this client may make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What for: what was asked for and is offered.
    pub scopes: Scopes,
    /// And where.
    pub resources: Vec<ResourceId>,
    /// The key that the device will prove.
    pub confirmation: Option<Confirmation>,
}

/// Checks what was asked. Whether its resources are known here is a fact that the shell looks up.
pub fn check(parameters: &Parameters, client: &Client, offer: Offer<'_>) -> Result<Request, Refusal> {
    if !client.metadata.may_use(GrantType::DeviceCode) {
        let description = "The client is not registered for this grant.";
        return Err(Refusal::new(Error::UnauthorizedClient, description));
    }
    Ok(Request {
        scopes: scope::check(parameters, client, offer)?,
        resources: resource::check(parameters, client, offer.issuer)?,
        confirmation: confirmation::check(parameters)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorize::tests::{client, parameters};
    use crate::url::PublicUrl;

    #[test]
    fn a_device_asks_for_what_its_client_could_ask_for_in_a_browser() {
        let (issuer, custom) = (PublicUrl::parse("https://id.example").unwrap(), Scopes::default());
        let offer = Offer { issuer: &issuer, scopes: &custom, claims: &[] };
        let plain = client();
        let mut device = client();
        device.metadata.grant_types = vec![GrantType::DeviceCode];
        let read = |client: &Client, name: &str, value: &str| {
            let parameters = parameters(&[]).with("scope", None).with(name, Some(value.to_owned()));
            check(&parameters, client, offer).map_err(|refusal| refusal.error)
        };
        assert_eq!(read(&plain, "scope", "openid"), Err(Error::UnauthorizedClient));
        assert_eq!(read(&device, "scope", "openid email").unwrap().scopes.to_string(), "openid email");
        assert_eq!(read(&device, "scope", "account"), Err(Error::InvalidScope));
        assert_eq!(read(&device, "resource", "https://a.example").unwrap().resources.len(), 1);
        assert_eq!(read(&device, "resource", "a"), Err(Error::InvalidTarget));
        let key = Confirmation::Jkt([7; 32]);
        assert_eq!(read(&device, "dpop_jkt", &key.jkt()).unwrap().confirmation, Some(key));
        assert_eq!(read(&device, "dpop_jkt", "x"), Err(Error::InvalidRequest));
    }
}
