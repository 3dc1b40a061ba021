//! Clients that are described by a document of their own: their id is the URL where it lies (OAuth Client ID Metadata
//! Document, as the Model Context Protocol uses it). Whoever owns the URL vouches for what it says, and nobody else.

use serde_json::{Map, Value};

use crate::outbound::{Exception, Target};

use super::register::{self, Registrar, Rejection, Terms};
use super::{AuthMethod, ClientId, Metadata};

/// Whether a client's id is the URL of its document: `https`, with a path, in one spelling, without a query.
pub fn is_document(id: &ClientId, exceptions: &[Exception]) -> bool {
    let text = id.as_str();
    let Ok(target) = Target::parse(text) else { return false };
    let path = target.path_and_query();
    // What the parser would change was not written by whoever owns the URL.
    target.admit(exceptions).is_ok() && path.len() > 1 && !path.contains('?') && target.to_string() == text
}

/// Reads the document that was found at the id.
pub fn read(id: &ClientId, document: &Map<String, Value>, terms: &Terms<'_>) -> Result<Metadata, Rejection> {
    if document.get("client_id").and_then(Value::as_str) != Some(id.as_str()) {
        return Err(Rejection::member("client_id", "must be the URL of the document, to the letter"));
    }
    if document.contains_key("client_secret") || document.contains_key("client_secret_expires_at") {
        return Err(Rejection::member("client_secret", "is no secret in a document that everybody reads"));
    }
    let mut document = document.clone();
    // Nobody shares a secret with it, so it is public unless it says that it has a key.
    document.entry("token_endpoint_auth_method").or_insert_with(|| "none".into());
    let terms = Terms { registrar: Registrar::Anybody, ..*terms };
    let metadata = register::read(&document, &terms)?;
    match metadata.token_endpoint_auth_method {
        AuthMethod::None | AuthMethod::PrivateKeyJwt => Ok(metadata),
        _ => Err(Rejection::member("token_endpoint_auth_method", "must be none or private_key_jwt")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Profile;
    use serde_json::json;

    const TERMS: Terms<'static> =
        Terms { profile: Profile::Oauth21, registrar: Registrar::Anybody, dev: false, exceptions: &[] };

    #[test]
    fn an_id_is_a_document_only_if_it_is_a_url_in_its_one_spelling() {
        let is_document = |text: &str| is_document(&ClientId::parse(text).unwrap(), &[]);
        assert!(is_document("https://app.example.com/client.json"));
        assert!(is_document("https://app.example.com:8443/oauth/client"));
        for text in [
            "countersign",
            "https://app.example.com",
            "https://app.example.com/",
            "http://app.example.com/client.json",
            "https://App.example.com/client.json",
            "https://app.example.com:443/client.json",
            "https://app.example.com/a/../client.json",
            "https://app.example.com/./client.json",
            "https://app.example.com/client.json?x=1",
            "https://app.example.com/client.json#x",
            "https://user@app.example.com/client.json",
            "https://127.0.0.1:6379/client.json",
            "https://localhost/client.json",
            "urn:client",
        ] {
            assert!(!is_document(text), "{text}");
        }
    }

    #[test]
    fn a_document_speaks_for_its_own_url_and_has_no_secret() {
        let id = ClientId::parse("https://app.example.com/client.json").unwrap();
        let with = |more: Value| {
            let mut document = json!({
                "client_id": "https://app.example.com/client.json",
                "client_name": "App",
                "redirect_uris": ["http://127.0.0.1/callback", "https://app.example.com/cb"],
            });
            document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            read(&id, document.as_object().unwrap(), &TERMS)
        };
        assert_eq!(with(json!({})).unwrap().token_endpoint_auth_method, AuthMethod::None);
        for (member, more) in [
            ("client_id", json!({"client_id": "https://app.example.com/other.json"})),
            ("client_id", json!({"client_id": null})),
            ("client_secret", json!({"client_secret": "x"})),
            (
                "token_endpoint_auth_method",
                json!({"token_endpoint_auth_method": "client_secret_jwt", "redirect_uris": ["https://app.example.com/cb"]}),
            ),
            ("redirect_uris", json!({"redirect_uris": ["javascript:alert(1)"]})),
            ("redirect_uris", json!({"redirect_uris": null})),
            ("grant_types", json!({"grant_types": ["client_credentials"]})),
        ] {
            assert_eq!(with(more.clone()).unwrap_err().member, member, "{more}");
        }
    }
}
