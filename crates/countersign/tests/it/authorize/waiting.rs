//! Requests that wait for a person: sealed, posted, pushed.

use anyhow::{Context, ensure};
use countersign_core::Span;
use countersign_core::client::{AuthMethod, Profile};
use countersign_testkit::{Answer, Client, Options, StoreKind, TestServer, on_every_store, patiently};
use reqwest::{Method, StatusCode};

use crate::people::{at_once, member};
use crate::support::{KIM, LEE};

use super::{add_client, answer, error, follow, request, sealed, told, visit};

/// The fields of a request, as a form carries them.
fn fields(more: &[(&str, &str)]) -> String {
    request(more).split_off("/oauth2/authorize?".len())
}

async fn push(server: &TestServer, more: &[(&str, &str)]) -> anyhow::Result<Answer> {
    let asked = Client::tool(server).request(Method::POST, "/oauth2/par");
    let asked = asked.header("content-type", "application/x-www-form-urlencoded").body(fields(more));
    Answer::read(asked.send().await?).await
}

/// The path that a browser opens with a reference.
async fn pushed(server: &TestServer, more: &[(&str, &str)]) -> anyhow::Result<String> {
    let answer = push(server, more).await?;
    ensure!(answer.status == StatusCode::CREATED, "{} {}", answer.status, answer.body);
    let json = answer.json();
    ensure!(json["expires_in"] == 60 && answer.header("cache-control") == "no-store", "{json}");
    let reference = json["request_uri"].as_str().context("no reference")?.to_owned();
    Ok(format!("/oauth2/authorize?client_id=notes&request_uri={reference}"))
}

fn is_page(answer: &Answer) -> bool {
    answer.status == StatusCode::BAD_REQUEST && answer.body.contains("Something went wrong")
}

#[tokio::test]
async fn csr_09_a_form_of_another_site_is_sealed_and_answered_by_a_get() {
    on_every_store(async |server| {
        add_client(&server, |_| ()).await?;
        let mut browser = member(&server, KIM).await?;
        let foreign = |body: String| {
            let asked = Client::tool(&server).request(Method::POST, "/oauth2/authorize");
            let asked =
                asked.header("sec-fetch-site", "cross-site").header("origin", "https://notes.example");
            asked.header("content-type", "application/x-www-form-urlencoded").body(body)
        };
        let posted = Answer::read(foreign(fields(&[])).send().await?).await?;
        ensure!(posted.location().starts_with("/oauth2/authorize?continue="), "{}", posted.location());
        ensure!(posted.cookies().is_empty());
        let question = follow(&mut browser, posted).await?;
        ensure!(told(&answer(&mut browser, &question, "allow").await?)?["state"] == "s-1");
        // Wrong ones are answered at once, to the client or on a page.
        let wrong = Answer::read(foreign(fields(&[("scope", "x")])).send().await?).await?;
        ensure!(error(&wrong)? == "invalid_scope");
        let stray =
            Answer::read(foreign(fields(&[("redirect_uri", "https://evil.example")])).send().await?).await?;
        ensure!(is_page(&stray));
        // Nobody consents by a form of another site, nor by a link.
        let question = visit(&mut browser, &request(&[("prompt", "consent")])).await?;
        let choice = [("request", &*sealed(&question)?), ("choice", "allow")];
        let by_foreign = browser.request(Method::POST, "/consent").form(&choice);
        let answered = browser.send(by_foreign.header("sec-fetch-site", "cross-site")).await?;
        ensure!(answered.status == StatusCode::FORBIDDEN, "{}", answered.status);
        let linked = browser.get(&format!("/consent?request={}&choice=allow", choice[0].1)).await?;
        ensure!(linked.status == StatusCode::OK && linked.body.contains("consent-allow"));
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn red_05_what_one_browser_did_counts_in_no_other() {
    on_every_store(async |server| {
        add_client(&server, |_| ()).await?;
        let (mut kim, mut lee) = (member(&server, KIM).await?, member(&server, LEE).await?);
        let question = visit(&mut lee, &request(&[("prompt", "consent")])).await?;
        let choice = [("request", &*sealed(&question)?), ("choice", "allow")];
        let consented = lee.form("/consent", &choice).await?;
        let asked = follow(&mut kim, consented.clone()).await?;
        ensure!(asked.body.contains("consent-allow"), "Kim never said yes: {}", asked.location());
        ensure!(told(&follow(&mut lee, consented).await?)?.contains_key("code"));
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn i6_a_request_waits_an_hour_whole_and_unchanged_however_long_it_is() {
    on_every_store(async |server| {
        add_client(&server, |_| ()).await?;
        let mut browser = member(&server, KIM).await?;
        let (state, nonce) = ("s".repeat(4096), "n".repeat(2048));
        for more in [&[][..], &[("state", &*state), ("nonce", &*nonce)]] {
            let question = visit(&mut browser, &request(more)).await?;
            let (sealed, long) = (sealed(&question)?, !more.is_empty());
            ensure!(sealed.starts_with("n.") == long && sealed.len() <= 6 * 1024, "{}", sealed.len());
            let mut broken = sealed.clone();
            broken.replace_range(20..21, if &sealed[20..21] == "A" { "B" } else { "A" });
            for wrong in [broken.as_str(), "", "n.", "x", &sealed[..sealed.len() - 1]] {
                ensure!(is_page(&browser.get(&format!("/consent?request={wrong}")).await?), "{wrong}");
                ensure!(is_page(&browser.get(&format!("/oauth2/authorize?continue={wrong}")).await?));
            }
            server.clock.advance(if long { Span::minutes(9) } else { Span::minutes(59) });
            let path = format!("/consent?request={sealed}");
            let shown = browser.get(&path).await?;
            ensure!(shown.status == StatusCode::OK);
            if long {
                ensure!(
                    sealed == self::sealed(&shown)?,
                    "dos_07: it is kept once, however often it is shown"
                );
                server.clock.advance(Span::minutes(9));
            }
            server.clock.advance(Span::minutes(1));
            ensure!(is_page(&browser.get(&path).await?));
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn dos_07_nobody_makes_a_request_that_waits_as_long_as_he_likes() {
    on_every_store(async |server| {
        add_client(&server, |_| ()).await?;
        let mut browser = member(&server, KIM).await?;
        let long = "x".repeat(50_000);
        for name in ["login_hint", "ui_locales", "acr_values", "claims_locales", "display", "unknown"] {
            let tool = Client::tool(&server).request(Method::POST, "/oauth2/authorize");
            let tool = tool.header("content-type", "application/x-www-form-urlencoded");
            let posted = Answer::read(tool.body(fields(&[(name, &long)])).send().await?).await?;
            let kept = posted.location().strip_prefix("/oauth2/authorize?continue=").context("no request")?;
            ensure!(!kept.starts_with("n.") && kept.len() < 2000, "{name}: {}", kept.len());
            ensure!(follow(&mut browser, posted).await?.body.contains("consent-allow"), "{name}");
        }
        let id_token = [("id_token_hint", &*long)];
        let tool = Client::tool(&server).request(Method::POST, "/oauth2/authorize");
        let tool = tool.header("content-type", "application/x-www-form-urlencoded").body(fields(&id_token));
        ensure!(is_page(&Answer::read(tool.send().await?).await?));
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn oau_50_oau_51_a_pushed_request_counts_as_it_was_pushed_for_its_client_until_it_completes() {
    on_every_store(async |server| {
        add_client(&server, |client| client.metadata.require_pushed_authorization_requests = true).await?;
        let mut browser = member(&server, KIM).await?;
        ensure!(error(&browser.get(&request(&[])).await?)? == "invalid_request", "it must be pushed");
        let path = pushed(&server, &[]).await?;
        let more = format!("{path}&scope=openid+profile&state=evil&redirect_uri=https%3A%2F%2Fevil.example");
        let question = visit(&mut browser, &more).await?;
        ensure!(
            question.body.contains("See your email address") && !question.body.contains("See who you are")
        );
        // It is there until it completes, longer than the browser had time to come.
        server.clock.advance(Span::seconds(59));
        ensure!(visit(&mut browser, &path).await?.status == StatusCode::OK);
        server.clock.advance(Span::minutes(5));
        ensure!(is_page(&visit(&mut browser, &path).await?), "the reference is too old");
        let done = answer(&mut browser, &question, "allow").await?;
        ensure!(told(&done)?["state"] == "s-1");
        let used = pushed(&server, &[]).await?;
        ensure!(told(&visit(&mut browser, &used).await?)?.contains_key("code"));
        ensure!(is_page(&visit(&mut browser, &used).await?), "it completed");
        let stranger = pushed(&server, &[]).await?.replace("client_id=notes", "client_id=countersign");
        ensure!(is_page(&visit(&mut browser, &stranger).await?));
        let denied = pushed(&server, &[("prompt", "consent")]).await?;
        let question = visit(&mut browser, &denied).await?;
        ensure!(error(&answer(&mut browser, &question, "deny").await?)? == "access_denied");
        ensure!(is_page(&answer(&mut browser, &question, "allow").await?), "it completed with a no");
        for forged in ["urn:ietf:params:oauth:request_uri:x", "urn:ietf:params:oauth:request_uri:"] {
            let path = format!("/oauth2/authorize?client_id=notes&request_uri={forged}");
            ensure!(browser.get(&path).await?.status == StatusCode::BAD_REQUEST, "{forged}");
        }
        Ok(())
    })
    .await;
}

/// What is asked otherwise than usual.
type Parameters<'a> = &'a [(&'a str, &'a str)];

async fn visit_by(mut browser: Client, path: String) -> anyhow::Result<Answer> {
    browser.get(&path).await
}

#[tokio::test]
async fn i9_oau_50_of_fifty_browsers_with_one_pushed_request_one_gets_a_code() {
    on_every_store(async |server| {
        add_client(&server, |client| client.first_party = true).await?;
        let browser = member(&server, KIM).await?;
        for _ in 0..4 {
            let path = pushed(&server, &[]).await?;
            let answers = at_once(50, |_| {
                let (browser, path) = (browser.clone(), path.clone());
                patiently(move || visit_by(browser.clone(), path.clone()))
            })
            .await?;
            let codes =
                answers.iter().filter(|answer| told(answer).is_ok_and(|said| said.contains_key("code")));
            ensure!(codes.count() == 1);
            ensure!(answers.iter().filter(|answer| is_page(answer)).count() == 49);
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn oau_27_oau_50_who_pushes_proves_itself_and_hears_at_once_what_is_wrong() -> anyhow::Result<()> {
    let server = TestServer::start(Options::on(StoreKind::Memory)).await?;
    add_client(&server, |_| ()).await?;
    add_client(&server, |client| {
        client.id = countersign_core::client::ClientId::parse("bank").unwrap();
        client.profile = Profile::Fapi2;
        client.metadata.token_endpoint_auth_method = AuthMethod::PrivateKeyJwt;
    })
    .await?;
    let table: [(Parameters<'_>, u16, &str); 9] = [
        (&[("client_id", "bank")], 401, "invalid_client"),
        (&[("client_id", "nobody")], 401, "invalid_client"),
        (&[("request_uri", "urn:ietf:params:oauth:request_uri:x")], 400, "invalid_request"),
        (&[("request", "x")], 400, "request_not_supported"),
        (&[("redirect_uri", "https://evil.example/cb")], 400, "invalid_request"),
        (&[("scope", "x")], 400, "invalid_scope"),
        (&[("response_type", "token")], 400, "unsupported_response_type"),
        (&[("code_challenge_method", "plain")], 400, "invalid_request"),
        (&[("resource", "https://api.example")], 400, "invalid_target"),
    ];
    for (more, status, code) in table {
        let answer = push(&server, more).await?;
        ensure!(answer.status == status && answer.json()["error"] == code, "{more:?}: {}", answer.body);
        ensure!(answer.header("access-control-allow-origin") == "*");
    }
    let tool = Client::tool(&server);
    let in_the_url = tool.request(Method::POST, &request(&[]).replace("authorize", "par"));
    let in_the_url = in_the_url.form(&[("client_id", "notes")]);
    ensure!(Answer::read(in_the_url.send().await?).await?.status == StatusCode::BAD_REQUEST);
    let by_get = tool.request(Method::GET, "/oauth2/par").send().await?;
    ensure!(by_get.status() == StatusCode::METHOD_NOT_ALLOWED);
    Ok(())
}
