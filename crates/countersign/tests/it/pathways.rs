//! LOG-34: which routes open a session or mint a token. They are found by trying every route with all that it could wish
//! for, and compared with the list in docs/attacks.md.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use countersign_testkit::{Answer, Client, Options, StoreKind, TestServer, Tokens};
use reqwest::Method;
use serde_json::json;

use crate::admin::administrator;
use crate::authorization::{resigned, routes};
use crate::authorize;
use crate::people::{mailed_reset, mailed_token, member};
use crate::support::{self, KIM, LEE, OTHER_PASSWORD, PASSWORD, SESSION};

const ADMIN: &str = "/api/v1/admin";
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// What each request may need: a living session, and a secret of each kind.
struct Wishes {
    browser: Client,
    session: String,
    refresh: String,
    reset: String,
    verify: String,
    /// A client's request, sealed as a page's URL carries it.
    sealed: String,
    /// A client that registered itself, the token of its registration, and its secret.
    client: (String, String),
    secret: String,
    /// What a device of that client shows.
    user_code: String,
    /// An access token that opens `UserInfo`.
    access: String,
    /// A browser of an administrator, and a grant to look at.
    admin: Client,
    grant: String,
}

impl Wishes {
    async fn grant(server: &TestServer) -> anyhow::Result<Self> {
        let mut browser = member(server, KIM).await?;
        let session = browser.get("/api/v1/session").await?.json()["session"]["id"].clone();
        let Tokens { access, refresh } = support::tokens(server, KIM).await?;
        authorize::add_client(server, |_| ()).await?;
        let asks = authorize::visit(&mut Client::browser(server), &authorize::request(&[])).await?;
        let sealed = authorize::sealed(&asks)?;
        let body = json!({ "email": LEE, "password": PASSWORD });
        Client::browser(server).json(Method::POST, "/api/v1/accounts", &body).await?;
        let described = json!({ "redirect_uris": ["https://app.example/cb"],
            "grant_types": ["authorization_code", DEVICE] });
        let registered =
            Client::tool(server).json(Method::POST, "/oauth2/register", &described).await?.json();
        let told = |name: &str| registered[name].as_str().map(str::to_owned).context("no registration");
        let (client, secret) = (told("client_id")?, told("client_secret")?);
        let device = Client::tool(server).request(Method::POST, "/oauth2/device_authorization");
        let device = device.basic_auth(&client, Some(&secret)).form::<[(&str, &str); 0]>(&[]);
        let codes = Answer::read(device.send().await?).await?.json();
        Ok(Self {
            user_code: codes["user_code"].as_str().context("no code of a device")?.to_owned(),
            client: (client, told("registration_access_token")?),
            secret,
            access: resigned(server, &access, "scope", json!("openid account"))?,
            session: session.as_str().context("no session")?.to_owned(),
            refresh,
            reset: mailed_reset(server, KIM).await?,
            verify: mailed_token(server, LEE).await?,
            admin: administrator(server).await?,
            grant: grant(server).await?,
            browser,
            sealed,
        })
    }

    /// The request that does what a route of the administration is for.
    fn administer(&self, method: &Method, path: &str) -> reqwest::RequestBuilder {
        let id = if path.contains("/grants") { &self.grant } else { &self.client.0 };
        let request = self.admin.request(method.clone(), &path.replace("{id}", id));
        let metadata = json!({ "metadata": { "redirect_uris": ["https://app.example/cb"] } });
        match (method.as_str(), path.strip_prefix(ADMIN).unwrap_or_default()) {
            ("POST", "/clients") | ("PUT", _) => request.json(&metadata),
            ("POST", "/clients/{id}/secret") => request.json(&json!({ "window": 0 })),
            ("POST", "/resources") => request.json(&json!({ "resource": "https://api.example" })),
            _ => request,
        }
    }

    /// What a browser brings in the URL.
    fn query(&self, method: &Method, path: &str) -> String {
        match (method.as_str(), path) {
            ("GET", "/reset") => format!("?token={}", self.reset),
            ("GET", "/verify") => format!("?token={}", self.verify),
            ("GET", "/consent" | "/select") => format!("?request={}", self.sealed),
            ("GET", "/oauth2/authorize") => authorize::request(&[]).replacen(path, "", 1),
            _ => String::new(),
        }
    }

    /// The request that does what the route is for.
    fn request(&self, method: &Method, path: &str) -> reqwest::RequestBuilder {
        if path.starts_with(ADMIN) {
            return self.administer(method, path);
        }
        let query = self.query(method, path);
        let (client, registration) = &self.client;
        let id = if path.starts_with("/oauth2/register") { client } else { &self.session };
        let request = self.browser.request(method.clone(), &(path.replace("{id}", id) + &query));
        let app = json!({ "client_id": client, "redirect_uris": ["https://app.example/cb"] });
        match (method.as_str(), path) {
            ("POST", "/login") => request.form(&[("username", KIM), ("password", PASSWORD)]),
            ("POST", "/register") => request.form(&[("email", "new@example.org"), ("password", PASSWORD)]),
            ("POST", "/verify") => request.form(&[("token", self.verify.as_str()), ("password", PASSWORD)]),
            ("POST", "/verify/resend" | "/recover") => request.form(&[("email", KIM)]),
            ("POST", "/reset") => {
                request.form(&[("token", self.reset.as_str()), ("password", OTHER_PASSWORD)])
            }
            ("POST", "/account/security") => request.form(&[("current", PASSWORD), ("new", OTHER_PASSWORD)]),
            ("POST", "/account/apps/remove") => request.form(&[("client", "notes")]),
            ("POST", "/consent") => request.form(&[("request", self.sealed.as_str()), ("choice", "allow")]),
            ("POST", "/select") => request.form(&[("request", self.sealed.as_str()), ("choice", "continue")]),
            ("POST", "/oauth2/authorize" | "/oauth2/par") => {
                let asked = authorize::request(&[]).split_off("/oauth2/authorize?".len());
                request.header("content-type", "application/x-www-form-urlencoded").body(asked)
            }
            ("POST", "/locale") => request.form(&[("locale", "ko"), ("return_to", "/login")]),
            ("POST", "/api/v1/accounts") => {
                request.json(&json!({ "email": "new@example.org", "password": PASSWORD }))
            }
            ("POST", "/api/v1/accounts/verify") => {
                request.json(&json!({ "token": self.verify, "password": PASSWORD }))
            }
            ("POST", "/api/v1/login") => {
                request.json(&json!({ "identifier": KIM, "password": PASSWORD, "deliver": "cookie" }))
            }
            ("POST", "/api/v1/recover") => request.json(&json!({ "email": KIM })),
            ("POST", "/api/v1/reset") => {
                request.json(&json!({ "token": self.reset, "password": OTHER_PASSWORD }))
            }
            ("PUT", "/api/v1/password") => {
                request.json(&json!({ "current": PASSWORD, "new": OTHER_PASSWORD }))
            }
            ("GET" | "POST", "/oauth2/userinfo") => request.bearer_auth(&self.access),
            ("POST", "/device") => {
                request.form(&[("user_code", self.user_code.as_str()), ("choice", "allow")])
            }
            ("POST", "/oauth2/device_authorization") => {
                request.basic_auth(client, Some(&self.secret)).form::<[(&str, &str); 0]>(&[])
            }
            ("POST", "/oauth2/introspect" | "/oauth2/revoke") => {
                request.basic_auth(client, Some(&self.secret)).form(&[("token", self.refresh.as_str())])
            }
            ("PUT", "/api/v1/profile") => request.json(&json!({})),
            ("POST", "/oauth2/register") => request.json(&app),
            ("PUT", "/oauth2/register/{id}") => request.bearer_auth(registration).json(&app),
            (_, "/oauth2/register/{id}") => request.bearer_auth(registration),
            ("POST", "/oauth2/token") => request.form(&refresh(&self.refresh)),
            ("POST", _) => request.form::<[(&str, &str); 0]>(&[]),
            _ => request,
        }
    }
}

fn refresh(token: &str) -> [(&str, &str); 3] {
    [("grant_type", "refresh_token"), ("client_id", "countersign"), ("refresh_token", token)]
}

/// A grant of somebody.
async fn grant(server: &TestServer) -> anyhow::Result<String> {
    let lines = server.audit().await?;
    let grant = lines.iter().find_map(|line| line.grant);
    Ok(grant.context("no grant")?.to_string())
}

/// Sessions and grants that were opened so far.
async fn opened(server: &TestServer) -> anyhow::Result<usize> {
    Ok(server.audited("session.opened").await? + server.audited("grant.opened").await?)
}

/// Whether the answer hands out something that proves a session.
fn proves(answer: &Answer) -> bool {
    let cookie = format!("{SESSION}=");
    let set = answer.cookies().into_iter().filter_map(|set| set.strip_prefix(&cookie).map(str::to_owned));
    set.into_iter().any(|rest| !rest.starts_with(';')) || answer.body.contains("\"access_token\":\"")
}

#[tokio::test]
async fn log_34_only_the_documented_routes_open_a_session_or_mint_a_token() -> anyhow::Result<()> {
    let mut minting = BTreeSet::new();
    let scout = TestServer::start(Options::on(StoreKind::Memory)).await?;
    for (method, path) in routes(&scout).await? {
        let server = TestServer::start(Options::on(StoreKind::Memory)).await?;
        let wishes = Wishes::grant(&server).await?;
        let before = opened(&server).await?;
        let answer = Answer::read(wishes.request(&method.parse()?, &path).send().await?).await?;
        let status = answer.status.as_u16();
        // What stands in for the name of a file or a list names none.
        let named = path.starts_with("/static/") || path.starts_with("/statuslists/");
        ensure!(
            (200..400).contains(&status) || named,
            "{method} {path} was not asked as it should be: {status} {}",
            answer.body
        );
        if opened(&server).await? > before || proves(&answer) {
            minting.insert(format!("{method} {path}"));
        }
    }
    assert_eq!(minting, documented()?);
    Ok(())
}

/// The rows of the list in docs/attacks.md: `| `POST /login` | …`.
fn documented() -> anyhow::Result<BTreeSet<String>> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/attacks.md"))?;
    let (_, section) = text.split_once("## Routes that open a session").context("no such section")?;
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    Ok(rows.map(str::to_owned).collect())
}
