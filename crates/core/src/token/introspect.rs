//! Who may learn what a token is (RFC 7662 section 4; attack OAU-66).

use crate::client::{AuthMethod, Client};

/// Whether the client may even ask: whoever proves nothing is not told about tokens.
pub const fn may_ask(client: &Client) -> bool {
    !matches!(client.metadata.token_endpoint_auth_method, AuthMethod::None)
}

/// Whether the client may learn about this token: it is its own, or it is for the client, which is an API whose identifier
/// is its `client_id`. To everybody else no token is active.
pub fn may_see(client: &Client, given_to: &str, audience: &[String]) -> bool {
    let own = client.id.as_str();
    given_to == own || audience.iter().any(|api| api == own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Time;
    use crate::client::{ClientId, Metadata, Origin, Profile};

    #[test]
    fn oau_66_a_token_is_seen_by_its_client_and_by_the_api_that_it_is_for() {
        let client = |id, method| Client {
            id: ClientId::parse(id).unwrap(),
            origin: Origin::Operator,
            profile: Profile::Oauth21,
            first_party: false,
            disabled: false,
            created_at: Time::from_micros(0),
            expires_at: None,
            index: None,
            metadata: Metadata { token_endpoint_auth_method: method, ..Metadata::default() },
        };
        let api = client("https://api.example", AuthMethod::ClientSecretBasic);
        let audience = ["https://api.example".to_owned()];
        assert!(may_see(&api, "notes", &audience));
        assert!(may_see(&api, "https://api.example", &[]));
        assert!(!may_see(&api, "notes", &["https://api.example/".to_owned()]));
        assert!(may_ask(&api));
        assert!(!may_ask(&client("notes", AuthMethod::None)));
    }
}
