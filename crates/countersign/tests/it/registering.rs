//! Clients that register themselves (RFC 7591), look after their registration (RFC 7592), or are described by a document.

use countersign_core::{Span, client::ClientId};
use countersign_server::admin::{self, ClientCommand, Command, Reply};
use countersign_testkit::peer::Peer;
use countersign_testkit::{
    Answer, Client, Options, StoreKind, TestServer, on_every_store, on_every_store_with,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const NOTES: &str = "https://notes.example/cb";

fn notes() -> Value {
    json!({"client_name": "Notes", "redirect_uris": [NOTES]})
}

fn machine() -> Value {
    json!({"grant_types": ["client_credentials"]})
}

async fn register(server: &TestServer, described: &Value) -> anyhow::Result<Answer> {
    Client::tool(server).json(Method::POST, "/oauth2/register", described).await
}

async fn register_by(server: &TestServer, token: &str, described: &Value) -> anyhow::Result<Answer> {
    let mut tool = Client::tool(server);
    tool.send(tool.request(Method::POST, "/oauth2/register").bearer_auth(token).json(described)).await
}

/// A registration that was accepted: where it is managed, and by which token.
fn registered(answer: &Answer) -> (String, String, String) {
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    let told = answer.json();
    let text = |name: &str| told[name].as_str().unwrap().to_owned();
    let uri = text("registration_client_uri");
    let path = uri.find("/oauth2/").map(|at| uri[at..].to_owned()).unwrap();
    (text("client_id"), path, text("registration_access_token"))
}

async fn manage(
    server: &TestServer,
    method: Method,
    path: &str,
    (token, body): (&str, Option<&Value>),
) -> anyhow::Result<Answer> {
    let mut tool = Client::tool(server);
    let request = tool.request(method, path).bearer_auth(token);
    tool.send(match body {
        Some(body) => request.json(body),
        None => request,
    })
    .await
}

async fn known(server: &TestServer, id: &str) -> bool {
    server.app.store.client(&ClientId::parse(id).unwrap()).await.unwrap().is_some()
}

#[tokio::test]
async fn a_client_registers_looks_at_changes_and_ends_its_registration() {
    on_every_store(async |server| {
        let answer = register(&server, &notes()).await?;
        let (id, path, token) = registered(&answer);
        let told = answer.json();
        assert_eq!((&told["client_name"], &told["redirect_uris"][0]), (&json!("Notes"), &json!(NOTES)));
        assert_eq!((&told["token_endpoint_auth_method"], &told["grant_types"]), (&json!("client_secret_basic"), &json!(["authorization_code"])));
        assert_eq!(told["client_secret_expires_at"], 0);
        assert!(told["client_id_issued_at"].is_i64() && told["client_secret"].as_str().is_some_and(|s| s.len() > 43));
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("access-control-allow-origin"), "*");

        let shown = manage(&server, Method::GET, &path, (&token, None)).await?;
        assert_eq!((shown.status, &shown.json()["client_name"]), (StatusCode::OK, &json!("Notes")));
        assert_eq!(shown.json()["registration_access_token"], token.as_str());
        assert!(shown.json().get("client_secret").is_none(), "only its hash is kept");

        let mut other = json!({"client_id": id, "client_name": "메모", "redirect_uris": [NOTES], "token_endpoint_auth_method": "none"});
        let changed = manage(&server, Method::PUT, &path, (&token, Some(&other))).await?;
        assert_eq!((changed.status, &changed.json()["client_name"]), (StatusCode::OK, &json!("메모")));
        other["redirect_uris"] = json!(["javascript:alert(1)"]);
        let refused = manage(&server, Method::PUT, &path, (&token, Some(&other))).await?;
        assert_eq!((refused.status, &refused.json()["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_redirect_uri")));
        let shown = manage(&server, Method::GET, &path, (&token, None)).await?;
        assert_eq!(shown.json()["redirect_uris"], json!([NOTES]), "what was refused changed nothing");

        let gone = manage(&server, Method::DELETE, &path, (&token, None)).await?;
        assert_eq!((gone.status, gone.body.as_str()), (StatusCode::NO_CONTENT, ""));
        assert!(!known(&server, &id).await);
        for method in [Method::GET, Method::DELETE] {
            let after = manage(&server, method, &path, (&token, None)).await?;
            assert_eq!((after.status, &after.json()["error"]), (StatusCode::UNAUTHORIZED, &json!("invalid_token")));
        }
        for (kind, times) in [("client.created", 1), ("client.changed", 1), ("client.disabled", 1), ("client.deleted", 1)] {
            assert_eq!(server.audited(kind).await?, times, "{kind}");
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn oau_58_a_registration_is_nobody_elses_and_says_nothing_that_is_not_its_own() -> anyhow::Result<()> {
    let server = TestServer::start(Options::on(StoreKind::Sqlite)).await?;
    let (id, path, token) = registered(&register(&server, &notes()).await?);
    let (other, other_path, other_token) = registered(&register(&server, &notes()).await?);
    let body = json!({"client_id": id, "redirect_uris": ["https://evil.example/cb"]});
    for wrong in ["", "x", &other_token, &token[1..], &format!("{token}A")] {
        for (method, body) in [(Method::GET, None), (Method::PUT, Some(&body)), (Method::DELETE, None)] {
            let answer = manage(&server, method.clone(), &path, (wrong, body)).await?;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} with {wrong}");
            assert!(answer.header("www-authenticate").starts_with("Bearer"));
        }
    }
    let built_in = manage(&server, Method::DELETE, "/oauth2/register/countersign", (&token, None)).await?;
    assert_eq!(built_in.status, StatusCode::UNAUTHORIZED);
    for contradiction in [
        json!({"client_id": other, "redirect_uris": [NOTES]}),
        json!({"redirect_uris": [NOTES]}),
        json!({"client_id": id, "redirect_uris": [NOTES], "registration_access_token": token}),
        json!({"client_id": id, "redirect_uris": [NOTES], "client_secret_expires_at": 1}),
    ] {
        let answer = manage(&server, Method::PUT, &path, (&token, Some(&contradiction))).await?;
        assert_eq!(
            (answer.status, &answer.json()["error"]),
            (StatusCode::BAD_REQUEST, &json!("invalid_client_metadata"))
        );
    }
    for described in [
        json!({"redirect_uris": [NOTES], "scope": "openid admin"}),
        json!({"redirect_uris": [NOTES], "scope": "account"}),
    ] {
        assert_eq!(register(&server, &described).await?.status, StatusCode::BAD_REQUEST);
    }
    let forged = json!({"redirect_uris": [NOTES], "client_id": "countersign", "first_party": true, "trusted": true,
        "origin": "built_in", "profile": "oidc", "disabled": false, "internal.attribute": "x"});
    let (forged, ..) = registered(&register(&server, &forged).await?);
    let stored = server.app.store.client(&ClientId::parse(&forged).unwrap()).await?.unwrap();
    assert!(!stored.client.first_party && stored.client.origin.as_str() == "registered");
    assert_eq!(stored.client.profile.as_str(), "oauth21");
    // And neither token lies anywhere in clear.
    let files = String::from_utf8_lossy(&server.files()?).into_owned();
    assert!(!files.contains(&token) && !files.contains(&other_token) && files.contains(&id));
    let gone = manage(&server, Method::DELETE, &other_path, (&other_token, None)).await?;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    Ok(())
}

#[tokio::test]
async fn oau_58_who_may_register_is_the_operators_to_say() -> anyhow::Result<()> {
    let closed =
        TestServer::start(Options::on(StoreKind::Memory).with("COUNTERSIGN_REGISTRATION_POLICY", "closed"))
            .await?;
    let answer = register(&closed, &notes()).await?;
    assert_eq!((answer.status, &answer.json()["error"]), (StatusCode::FORBIDDEN, &json!("access_denied")));

    let file = tempfile::NamedTempFile::new()?;
    let listed = "0123456789abcdef0123456789abcdef";
    std::fs::write(file.path(), listed)?;
    let options = Options::on(StoreKind::Memory)
        .with("COUNTERSIGN_REGISTRATION_POLICY", "token")
        .with("COUNTERSIGN_REGISTRATION_TOKEN_FILE", file.path().to_str().unwrap());
    let server = TestServer::start(options).await?;
    let Reply::Invited { token, .. } =
        admin::execute(&server.app, Command::Client(ClientCommand::Invite { life: 3600 })).await?
    else {
        anyhow::bail!("no token")
    };
    for wrong in [None, Some("x"), Some(&token.reveal()[..60])] {
        let answer = match wrong {
            None => register(&server, &notes()).await?,
            Some(wrong) => register_by(&server, wrong, &notes()).await?,
        };
        assert_eq!(
            (answer.status, &answer.json()["error"]),
            (StatusCode::UNAUTHORIZED, &json!("invalid_token"))
        );
    }
    for good in [token.reveal(), listed] {
        let (id, ..) = registered(&register_by(&server, good, &machine()).await?);
        let stored = server.app.store.client(&ClientId::parse(&id).unwrap()).await?.unwrap();
        assert!(stored.client.expires_at.is_none() && stored.client.index.is_some());
    }
    server.clock.advance(Span::hours(1));
    assert_eq!(register_by(&server, token.reveal(), &notes()).await?.status, StatusCode::UNAUTHORIZED);
    Ok(())
}

#[tokio::test]
async fn in_production_registration_is_closed_and_open_only_to_clients_that_people_log_in_to()
-> anyhow::Result<()> {
    let production = || Options::on(StoreKind::Sqlite).production();
    let server = TestServer::start(production()).await?;
    assert_eq!(register(&server, &notes()).await?.status, StatusCode::FORBIDDEN);
    let server = TestServer::start(production().with("COUNTERSIGN_REGISTRATION_POLICY", "open")).await?;
    assert_eq!(register(&server, &notes()).await?.status, StatusCode::CREATED);
    let refused = register(&server, &machine()).await?;
    assert_eq!(
        (refused.status, &refused.json()["error"]),
        (StatusCode::BAD_REQUEST, &json!("invalid_client_metadata"))
    );
    let local = json!({"redirect_uris": ["http://localhost:3000/cb"]});
    assert_eq!(register(&server, &local).await?.status, StatusCode::BAD_REQUEST);
    Ok(())
}

#[tokio::test]
async fn oau_59_dos_07_registrations_are_counted_bounded_and_forgotten() {
    let settings = [("COUNTERSIGN_REGISTRATION_PER_ADDRESS", "4"), ("COUNTERSIGN_REGISTRATION_LIMIT", "3")];
    on_every_store_with(&settings, async |server| {
        let mut ids = Vec::new();
        for _ in 0..3 {
            ids.push(registered(&register(&server, &notes()).await?).0);
        }
        let full = register(&server, &notes()).await?;
        assert_eq!(
            (full.status, &full.json()["error"]),
            (StatusCode::SERVICE_UNAVAILABLE, &json!("temporarily_unavailable"))
        );
        let often = register(&server, &notes()).await?;
        assert_eq!(often.status, StatusCode::TOO_MANY_REQUESTS);
        assert!(!often.header("retry-after").is_empty());
        assert_eq!(server.audited("limit.hit").await?, 1);
        server.clock.advance(Span::days(30));
        server.run_jobs().await;
        for id in &ids {
            assert!(!known(&server, id).await, "it is forgotten");
        }
        assert_eq!(register(&server, &notes()).await?.status, StatusCode::CREATED);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn oau_05_oau_59_what_is_wrong_is_told_and_registers_nothing() -> anyhow::Result<()> {
    let server = TestServer::start(Options::on(StoreKind::Memory)).await?;
    let with = |member: &str, value: Value| {
        let mut described = notes();
        described[member] = value;
        described
    };
    let table = [
        (with("redirect_uris", json!(["https://notes.example/cb#x"])), "invalid_redirect_uri"),
        (with("redirect_uris", json!(["http://notes.example/cb"])), "invalid_redirect_uri"),
        (with("redirect_uris", json!(["https://*.example/cb"])), "invalid_redirect_uri"),
        (with("redirect_uris", json!(["data:text/html,x"])), "invalid_redirect_uri"),
        (with("redirect_uris", json!(["myapp:/cb"])), "invalid_redirect_uri"),
        (
            with("redirect_uris", json!([format!("https://a.example/{}", "a".repeat(2048))])),
            "invalid_redirect_uri",
        ),
        (with("client_name", json!("<script>")), "invalid_client_metadata"),
        (with("client_name", json!("\u{202e}elgooG")), "invalid_client_metadata"),
        (with("jwks", json!({"keys": [{"kty": "oct", "k": "AAAA"}]})), "invalid_client_metadata"),
        (with("jwks_uri", json!("https://169.254.169.254/latest")), "accepted"),
        (with("jwks_uri", json!("https://localhost/jwks")), "invalid_client_metadata"),
        (with("backchannel_logout_uri", json!("http://127.0.0.1:22/")), "invalid_client_metadata"),
    ];
    for (described, code) in table {
        let answer = register(&server, &described).await?;
        if code == "accepted" {
            // An address is judged when it is asked, and only then.
            assert_eq!(answer.status, StatusCode::CREATED, "{described}");
        } else {
            assert_eq!(
                (answer.status, &answer.json()["error"]),
                (StatusCode::BAD_REQUEST, &json!(code)),
                "{described}"
            );
            assert!(!answer.json()["error_description"].as_str().unwrap().is_empty());
        }
    }
    for (content_type, body) in [("text/plain", "{}"), ("application/json", "[]"), ("application/json", "{")]
    {
        let tool = Client::tool(&server);
        let request = tool.request(Method::POST, "/oauth2/register").header("content-type", content_type);
        let answer = Answer::read(request.body(body).send().await?).await?;
        assert!(
            answer.status.is_client_error() && answer.json()["error"] == "invalid_request",
            "{}",
            answer.body
        );
    }
    assert_eq!(server.audited("client.created").await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_sector_is_asked_whether_it_lists_every_redirect_uri() -> anyhow::Result<()> {
    let peer = Peer::start().await?;
    let server =
        TestServer::start(Options::on(StoreKind::Memory).with("COUNTERSIGN_OUTBOUND_ALLOW", &peer.host))
            .await?;
    let described = json!({
        "redirect_uris": ["https://a.example/cb", "https://b.example/cb"],
        "subject_type": "pairwise",
        "sector_identifier_uri": peer.at("/sector"),
    });
    let refused = async |why: &str| {
        let answer = register(&server, &described).await?;
        assert_eq!(
            (answer.status, &answer.json()["error"]),
            (StatusCode::BAD_REQUEST, &json!("invalid_client_metadata")),
            "{why}"
        );
        anyhow::Ok(())
    };
    refused("it is not there").await?;
    peer.tell("/sector", &json!({"not": "a list"}));
    refused("it is no list").await?;
    peer.tell("/sector", &json!(["https://a.example/cb"]));
    refused("one is missing").await?;
    peer.tell("/sector", &json!(["https://b.example/cb", "https://a.example/cb"]));
    registered(&register(&server, &described).await?);
    Ok(())
}

/// What the server makes of a client's name.
async fn look(server: &TestServer, id: &str) -> anyhow::Result<Option<Value>> {
    let command = Command::Client(ClientCommand::Show { client: id.to_owned() });
    match admin::execute(&server.app, command).await {
        Ok(Reply::Client(entry)) => Ok(Some(serde_json::to_value(entry)?)),
        Ok(other) => anyhow::bail!("{other:?}"),
        Err(admin::AdminError::NoClient(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[tokio::test]
async fn a_client_is_what_the_document_at_its_url_says_for_as_long_as_it_says_it() -> anyhow::Result<()> {
    let peer = Peer::start().await?;
    let server =
        TestServer::start(Options::on(StoreKind::Memory).with("COUNTERSIGN_OUTBOUND_ALLOW", &peer.host))
            .await?;
    let id = peer.at("/client.json");
    let document =
        |name: &str| json!({"client_id": id, "client_name": name, "redirect_uris": ["http://127.0.0.1/cb"]});
    assert_eq!(look(&server, &id).await?, None, "nothing is there yet");
    peer.tell(
        "/client.json",
        &json!({"client_id": peer.at("/other.json"), "redirect_uris": ["http://127.0.0.1/cb"]}),
    );
    // One that says nothing of use is left alone for a minute.
    server.clock.advance(Span::minutes(1));
    assert_eq!(look(&server, &id).await?, None, "it speaks for another");

    server.clock.advance(Span::minutes(1));
    peer.tell("/client.json", &document("Agent"));
    let told = look(&server, &id).await?.unwrap();
    assert_eq!((&told["origin"], &told["metadata"]["client_name"]), (&json!("document"), &json!("Agent")));
    assert_eq!(told["metadata"]["token_endpoint_auth_method"], "none");
    let asked = peer.asked().len();
    peer.tell("/client.json", &document("Another"));
    assert_eq!(look(&server, &id).await?.unwrap()["metadata"]["client_name"], "Agent");
    assert_eq!(peer.asked().len(), asked, "it is fresh for five minutes, whatever it says");

    server.clock.advance(Span::minutes(5));
    assert_eq!(look(&server, &id).await?.unwrap()["metadata"]["client_name"], "Another");
    peer.forget("/client.json");
    server.clock.advance(Span::hours(23));
    assert_eq!(
        look(&server, &id).await?.unwrap()["metadata"]["client_name"],
        "Another",
        "a fault of a day is forgiven"
    );
    server.clock.advance(Span::hours(1));
    assert_eq!(look(&server, &id).await?, None);
    // One that an operator closed stays closed.
    let close = Command::Client(ClientCommand::Disable { client: id.clone() });
    admin::execute(&server.app, close).await?;
    peer.tell("/client.json", &document("Again"));
    assert_eq!(look(&server, &id).await?.unwrap()["state"], "disabled");
    Ok(())
}

#[tokio::test]
async fn oau_60_dos_04_nobody_is_asked_for_a_document_where_registration_is_not_open() -> anyhow::Result<()> {
    let peer = Peer::start().await?;
    for policy in ["token", "closed"] {
        let options = Options::on(StoreKind::Memory)
            .with("COUNTERSIGN_OUTBOUND_ALLOW", &peer.host)
            .with("COUNTERSIGN_REGISTRATION_POLICY", policy);
        let server = TestServer::start(options).await?;
        assert_eq!(look(&server, &peer.at("/client.json")).await?, None);
    }
    // Nor where the operator did not name the host.
    let server = TestServer::start(Options::on(StoreKind::Memory)).await?;
    assert_eq!(look(&server, &peer.at("/client.json")).await?, None);
    assert_eq!(peer.asked().len(), 0);
    Ok(())
}
