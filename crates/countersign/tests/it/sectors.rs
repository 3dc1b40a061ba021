//! Sectors of pairwise clients that nobody vouched for: none chooses one that is not its own (attack OAU-76).

use countersign_core::Span;
use countersign_core::client::ClientId;
use countersign_server::admin::{self, ClientCommand, Command, Reply};
use countersign_testkit::peer::Peer;
use countersign_testkit::{Answer, Client, Options, StoreKind, TestServer};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const OWN: &str = "https://evil.example/cb";
const VICTIMS: &str = "https://victim.example/cb";

async fn server(peer: &Peer) -> anyhow::Result<TestServer> {
    TestServer::start(Options::on(StoreKind::Memory).with("COUNTERSIGN_OUTBOUND_ALLOW", &peer.host)).await
}

async fn register(server: &TestServer, described: &Value) -> anyhow::Result<Answer> {
    Client::tool(server).json(Method::POST, "/oauth2/register", described).await
}

/// `described` over a pairwise client of one host.
fn pairwise(described: &Value) -> Value {
    let mut all = json!({"subject_type": "pairwise", "redirect_uris": [OWN]});
    all.as_object_mut().unwrap().extend(described.as_object().unwrap().clone());
    all
}

#[tokio::test]
async fn oau_76_no_client_registers_or_changes_itself_into_the_sector_of_another() -> anyhow::Result<()> {
    let peer = Peer::start().await?;
    let server = server(&peer).await?;
    let list = peer.at("/sector");
    peer.tell("/sector", &json!([VICTIMS, "com.victim.app:/cb"]));
    let device = "urn:ietf:params:oauth:grant-type:device_code";
    for stranger in [
        json!({"redirect_uris": [], "grant_types": [device], "sector_identifier_uri": list}),
        json!({"redirect_uris": ["com.victim.app:/cb"], "token_endpoint_auth_method": "none",
            "application_type": "native", "sector_identifier_uri": list}),
        json!({"redirect_uris": [VICTIMS], "grant_types": ["authorization_code", device]}),
    ] {
        let answer = register(&server, &pairwise(&stranger)).await?;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{stranger}");
    }
    let told = register(&server, &pairwise(&json!({}))).await?.json();
    let (id, token) = (&told["client_id"], told["registration_access_token"].as_str().unwrap());
    let path = format!("/oauth2/register/{}", id.as_str().unwrap());
    for (change, may) in [
        (json!({"redirect_uris": [VICTIMS]}), false),
        (json!({"redirect_uris": [VICTIMS], "sector_identifier_uri": list}), false),
        (json!({"redirect_uris": [], "grant_types": [device], "sector_identifier_uri": list}), false),
        (json!({"subject_type": "public"}), false),
        (json!({"client_name": "Notes", "redirect_uris": [OWN, "https://evil.example/other"]}), true),
    ] {
        let mut body = pairwise(&change);
        body["client_id"] = id.clone();
        let mut tool = Client::tool(&server);
        let answer = tool.send(tool.request(Method::PUT, &path).bearer_auth(token).json(&body)).await?;
        let status = if may { StatusCode::OK } else { StatusCode::BAD_REQUEST };
        assert_eq!(answer.status, status, "{change}: {}", answer.body);
    }
    Ok(())
}

/// The redirect URIs of a client, where it is one.
async fn uris(server: &TestServer, id: &str) -> anyhow::Result<Option<Value>> {
    match admin::execute(&server.app, Command::Client(ClientCommand::Show { client: id.to_owned() })).await {
        Ok(Reply::Client(entry)) => {
            Ok(Some(serde_json::to_value(entry)?["metadata"]["redirect_uris"].clone()))
        }
        Err(admin::AdminError::NoClient(_)) => Ok(None),
        other => anyhow::bail!("{other:?}"),
    }
}

#[tokio::test]
async fn oau_76_a_document_proves_its_sector_and_stays_in_it() -> anyhow::Result<()> {
    let peer = Peer::start().await?;
    let server = server(&peer).await?;
    let id = peer.at("/client.json");
    let document = |change: &Value| {
        let mut all = pairwise(change);
        all["client_id"] = json!(id);
        all
    };
    let listed = document(&json!({"sector_identifier_uri": peer.at("/sector")}));
    peer.tell("/client.json", &listed);
    peer.tell("/sector", &json!([VICTIMS]));
    assert_eq!(uris(&server, &id).await?, None, "the list does not name it");
    peer.tell("/sector", &json!([OWN]));
    server.clock.advance(Span::minutes(1));
    assert_eq!(uris(&server, &id).await?, Some(json!([OWN])));
    peer.tell("/client.json", &document(&json!({"redirect_uris": [VICTIMS]})));
    server.clock.advance(Span::hours(1));
    assert_eq!(uris(&server, &id).await?, Some(json!([OWN])), "it is what it was");
    let stored = server.app.store.client(&ClientId::parse(&id).unwrap()).await?.unwrap();
    assert_eq!(stored.client.metadata.redirect_uris, [OWN]);
    server.clock.advance(Span::hours(24));
    assert_eq!(uris(&server, &id).await?, None, "and no client at all while it says otherwise");
    Ok(())
}
