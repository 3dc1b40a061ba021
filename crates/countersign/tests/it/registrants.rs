//! What clients that nobody vouched for make the server do, and what they are after they changed.

use countersign_core::Span;
use countersign_testkit::peer::Peer;
use countersign_testkit::{Answer, Client, Options, StoreKind, TestServer};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const NOTES: &str = "https://notes.example/cb";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn options(peer: &Peer) -> Options {
    Options::on(StoreKind::Sqlite).with("COUNTERSIGN_OUTBOUND_ALLOW", &peer.host)
}

async fn register(server: &TestServer, described: &Value) -> anyhow::Result<Answer> {
    Client::tool(server).json(Method::POST, "/oauth2/register", described).await
}

async fn post(server: &TestServer, path: &str, fields: &[(&str, &str)]) -> anyhow::Result<Answer> {
    Answer::read(Client::tool(server).request(Method::POST, path).form(fields).send().await?).await
}

/// The status of the page where somebody logs in to the client, or of what is there instead.
async fn visit(server: &TestServer, client: &str) -> anyhow::Result<StatusCode> {
    let asked = [
        ("client_id", client),
        ("response_type", "code"),
        ("redirect_uri", NOTES),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let url = reqwest::Url::parse_with_params("http://localhost/oauth2/authorize", asked)?;
    let path = format!("{}?{}", url.path(), url.query().unwrap_or_default());
    Ok(Client::tool(server).get(&path).await?.status)
}

#[tokio::test]
async fn oau_59_dos_07_changes_are_counted_and_what_changes_nothing_writes_nothing() -> anyhow::Result<()> {
    let options = Options::on(StoreKind::Memory).with("COUNTERSIGN_REGISTRATION_PER_ADDRESS", "4");
    let server = TestServer::start(options).await?;
    let mut described = json!({"client_name": "Notes", "redirect_uris": [NOTES]});
    let told = register(&server, &described).await?.json();
    let path = format!("/oauth2/register/{}", told["client_id"].as_str().unwrap());
    described["client_id"] = told["client_id"].clone();
    let token = told["registration_access_token"].as_str().unwrap();
    for (name, status, written) in
        [("Notes", 200, 0), ("Memos", 200, 1), ("Memos", 200, 1), ("Notes", 429, 1)]
    {
        described["client_name"] = json!(name);
        let mut tool = Client::tool(&server);
        let answer = tool.send(tool.request(Method::PUT, &path).bearer_auth(token).json(&described)).await?;
        assert_eq!(answer.status, status, "{}", answer.body);
        assert_eq!(server.audited("client.changed").await?, written);
    }
    Ok(())
}

#[tokio::test]
async fn oau_60_strangers_reach_no_host_of_the_operator_and_learn_nothing_of_others() -> anyhow::Result<()> {
    let peer = Peer::start().await?;
    let open = options(&peer).production().with("COUNTERSIGN_REGISTRATION_POLICY", "open");
    let server = TestServer::start(open).await?;
    for member in ["jwks_uri", "sector_identifier_uri", "backchannel_logout_uri"] {
        let answer = register(&server, &json!({"redirect_uris": [NOTES], member: peer.at("/x")})).await?;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{member}");
    }
    let id = peer.at("/client.json");
    peer.tell("/client.json", &json!({"client_id": id, "redirect_uris": [NOTES]}));
    assert_eq!(visit(&server, &id).await?, StatusCode::BAD_REQUEST);
    assert_eq!(peer.asked().len(), 0, "nobody was asked");

    let dev = TestServer::start(options(&peer)).await?;
    peer.tell("/list", &json!({"no": "list"}));
    let mut told = Vec::new();
    for list in ["/nothing", "/list"] {
        let described = json!({"redirect_uris": [NOTES], "sector_identifier_uri": peer.at(list)});
        told.push(register(&dev, &described).await?.json());
    }
    assert_eq!(told[0], told[1], "what is there is not told");
    assert_eq!(told[0]["error"], "invalid_client_metadata");
    Ok(())
}

#[tokio::test]
async fn oau_44_a_client_with_a_document_is_what_it_says_wherever_the_client_speaks() -> anyhow::Result<()> {
    let peer = Peer::start().await?;
    let server = TestServer::start(options(&peer)).await?;
    let id = peer.at("/client.json");
    let document = json!({"client_id": id, "redirect_uris": [NOTES], "grant_types": ["authorization_code"]});
    peer.tell("/client.json", &document);
    let request = [
        ("client_id", &*id),
        ("response_type", "code"),
        ("redirect_uri", NOTES),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let pushed = post(&server, "/oauth2/par", &request).await?;
    assert_eq!(pushed.status, StatusCode::CREATED, "it need not have been here before: {}", pushed.body);
    let revoke = async || {
        anyhow::Ok(post(&server, "/oauth2/revoke", &[("client_id", &*id), ("token", "x")]).await?.status)
    };
    assert_eq!(revoke().await?, StatusCode::OK);
    // It has a key by now, so its name alone is no proof.
    let mut keyed = document.clone();
    keyed["token_endpoint_auth_method"] = json!("private_key_jwt");
    keyed["jwks_uri"] = json!(peer.at("/keys"));
    peer.tell("/client.json", &keyed);
    server.clock.advance(Span::minutes(5));
    assert_eq!(revoke().await?, StatusCode::UNAUTHORIZED);
    peer.tell("/client.json", &document);
    server.clock.advance(Span::minutes(5));
    assert_eq!(revoke().await?, StatusCode::OK);
    peer.forget("/client.json");
    server.clock.advance(Span::hours(23));
    assert_eq!(revoke().await?, StatusCode::OK, "a fault of a day is forgiven");
    server.clock.advance(Span::hours(1));
    assert_eq!(revoke().await?, StatusCode::UNAUTHORIZED);
    Ok(())
}

#[tokio::test]
async fn dos_04_a_document_that_cannot_be_fetched_is_left_alone_and_a_known_client_costs_nobody_anything()
-> anyhow::Result<()> {
    let peer = Peer::start().await?;
    let server = TestServer::start(options(&peer).with("COUNTERSIGN_REGISTRATION_PER_ADDRESS", "2")).await?;
    let id = peer.at("/client.json");
    peer.tell("/client.json", &json!({"client_id": id, "redirect_uris": [NOTES]}));
    assert_eq!(visit(&server, &id).await?, StatusCode::SEE_OTHER);
    for _ in 0..5 {
        server.clock.advance(Span::minutes(5));
        assert_eq!(visit(&server, &id).await?, StatusCode::SEE_OTHER, "it is known");
    }
    peer.forget("/client.json");
    server.clock.advance(Span::minutes(5));
    let before = peer.asked().len();
    for _ in 0..5 {
        assert_eq!(visit(&server, &id).await?, StatusCode::SEE_OTHER);
    }
    assert_eq!(peer.asked().len(), before + 1, "it is asked once a minute at most");
    server.clock.advance(Span::minutes(1));
    assert_eq!(visit(&server, &id).await?, StatusCode::SEE_OTHER);
    assert_eq!(peer.asked().len(), before + 2);
    for (unknown, status) in [("/1", 400), ("/2", 400), ("/3", 429)] {
        assert_eq!(visit(&server, &peer.at(unknown)).await?, status, "{unknown}");
    }
    Ok(())
}
