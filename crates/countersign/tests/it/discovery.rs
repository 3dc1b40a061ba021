//! What clients read to know this server (attack OAU-71).

use std::collections::BTreeSet;

use countersign_server::router::paths;
use countersign_testkit::{Answer, Client, Options, StoreKind, TestServer, on_every_store_with};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const BOTH: [&str; 2] = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"];

async fn read(server: &TestServer) -> anyhow::Result<Value> {
    let mut reader = Client::tool(server);
    let [openid, oauth] = [reader.get(BOTH[0]).await?, reader.get(BOTH[1]).await?];
    assert_eq!((openid.status, openid.header("content-type")), (StatusCode::OK, "application/json"));
    assert_eq!(openid.body, oauth.body);
    Ok(openid.json())
}

/// Registered names alone: OpenID Connect Discovery, RFC 8414 and what its registry added since.
const KNOWN: [&str; 38] = [
    "acr_values_supported",
    "authorization_endpoint",
    "authorization_response_iss_parameter_supported",
    "backchannel_logout_session_supported",
    "backchannel_logout_supported",
    "claim_types_supported",
    "claims_parameter_supported",
    "claims_supported",
    "client_id_metadata_document_supported",
    "code_challenge_methods_supported",
    "device_authorization_endpoint",
    "dpop_signing_alg_values_supported",
    "end_session_endpoint",
    "grant_types_supported",
    "id_token_signing_alg_values_supported",
    "introspection_endpoint",
    "introspection_endpoint_auth_methods_supported",
    "introspection_endpoint_auth_signing_alg_values_supported",
    "issuer",
    "jwks_uri",
    "pushed_authorization_request_endpoint",
    "registration_endpoint",
    "request_parameter_supported",
    "request_uri_parameter_supported",
    "require_pushed_authorization_requests",
    "response_modes_supported",
    "response_types_supported",
    "revocation_endpoint",
    "revocation_endpoint_auth_methods_supported",
    "revocation_endpoint_auth_signing_alg_values_supported",
    "scopes_supported",
    "subject_types_supported",
    "token_endpoint",
    "token_endpoint_auth_methods_supported",
    "token_endpoint_auth_signing_alg_values_supported",
    "ui_locales_supported",
    "userinfo_endpoint",
    "userinfo_signing_alg_values_supported",
];

#[tokio::test]
async fn oau_71_the_documents_name_what_is_here_and_nothing_else() {
    let custom = [("COUNTERSIGN_CLAIMS_CUSTOM", "team=staff, department=profile")];
    on_every_store_with(&custom, async |server| {
        let document = read(&server).await?;
        assert_eq!(document["issuer"], server.url);
        let known = BTreeSet::from(KNOWN);
        for (name, value) in document.as_object().into_iter().flatten() {
            assert!(known.contains(name.as_str()), "{name}");
            let endpoint = name.ends_with("_endpoint") || name == "jwks_uri";
            let path = value.as_str().and_then(|url| url.strip_prefix(&server.url));
            assert!(
                !endpoint || path.is_some_and(|path| paths(true).any(|known| known == path)),
                "{name}: {value}"
            );
        }
        let lists = |name: &str, wanted: &str| {
            document[name].as_array().is_some_and(|list| list.contains(&json!(wanted)))
        };
        for (name, wanted) in [
            ("id_token_signing_alg_values_supported", "RS256"),
            ("id_token_signing_alg_values_supported", "ES256"),
            ("scopes_supported", "openid"),
            ("scopes_supported", "staff"),
            ("claims_supported", "team"),
            ("claims_supported", "department"),
            ("claims_supported", "updated_at"),
            ("subject_types_supported", "pairwise"),
            ("code_challenge_methods_supported", "S256"),
        ] {
            assert!(lists(name, wanted), "{name} {wanted}");
        }
        assert!(
            !lists("scopes_supported", "profile=department")
                && !lists("id_token_signing_alg_values_supported", "none")
        );
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn oau_71_a_host_header_or_a_path_says_nothing_about_the_issuer() -> anyhow::Result<()> {
    let server = TestServer::start(Options::on(StoreKind::Memory)).await?;
    let mut client = Client::tool(&server);
    for path in BOTH {
        let request = client.request(Method::GET, path).header("host", "evil.example");
        let answer = Answer::read(request.send().await?).await?;
        assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{path}: {}", answer.body);
        let request = client.request(Method::GET, path).header("x-forwarded-host", "evil.example");
        assert_eq!(Answer::read(request.send().await?).await?.json()["issuer"], server.url);
        for other in [
            format!("{path}/tenant"),
            format!("/tenant{path}"),
            path.replace("/.well-known", "/.well-known/.."),
        ] {
            let answer = client.get(&other).await?;
            assert_ne!(answer.status, StatusCode::OK, "{other}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn where_the_public_address_is_https_every_address_in_the_documents_is() -> anyhow::Result<()> {
    let options = Options::on(StoreKind::Sqlite).production();
    let options = options.with("COUNTERSIGN_SERVER_PUBLIC_URL", "https://id.example");
    let server = TestServer::start(options).await?;
    let request = Client::tool(&server).request(Method::GET, BOTH[0]).header("host", "id.example");
    let document = Answer::read(request.send().await?).await?.json();
    assert_eq!(document["issuer"], "https://id.example");
    for (name, value) in document.as_object().into_iter().flatten() {
        assert!(!value.as_str().is_some_and(|value| value.starts_with("http:")), "{name}: {value}");
    }
    Ok(())
}
