//! `/api/v1/admin`, as administrators and others ask it.

mod operations;
mod refusals;

use anyhow::{Context, ensure};
use countersign_core::client::Profile;
use countersign_server::admin::{Command, NewAccount};
use countersign_testkit::{Answer, Client, TestServer, Tokens};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::authorize::{CALLBACK, add_client};
use crate::codes;
use crate::support::{PASSWORD, browser, operate};

const ADMIN: &str = "root@example.org";
const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789ab";

/// An account with the role, signed in.
pub(crate) async fn administrator(server: &TestServer) -> anyhow::Result<Client> {
    let new = NewAccount {
        email: ADMIN.to_owned(),
        name: None,
        admin: true,
        password: serde_json::from_value(json!(PASSWORD))?,
    };
    operate(server, Command::AccountCreate(new)).await?;
    browser(server, ADMIN).await
}

/// The client `notes` with the scope `admin`, made by an operator.
async fn console(server: &TestServer) -> anyhow::Result<()> {
    add_client(server, |client| {
        client.first_party = true;
        client.metadata.scope = Some("openid account admin".to_owned());
    })
    .await?;
    Ok(())
}

/// A token with the scope that an administrator let that client have.
async fn admin_token(server: &TestServer, browser: &mut Client) -> anyhow::Result<String> {
    let code = codes::code(browser, &[("scope", "openid admin")]).await?;
    Ok(Tokens::of(&codes::redeem(server, &code, &[]).await?)?.access)
}

/// A program that may have these scopes.
async fn robot(server: &TestServer, id: &str, scope: &str) -> anyhow::Result<()> {
    let metadata = json!({ "grant_types": ["client_credentials"], "redirect_uris": [CALLBACK],
        "response_types": [], "token_endpoint_auth_method": "client_secret_post", "scope": scope });
    server.add_client(id, Profile::Oauth21, &metadata, Some(SECRET)).await
}

/// What a program gets for itself.
async fn own_token(server: &TestServer, id: &str, more: &[(&str, &str)]) -> anyhow::Result<Answer> {
    let mut fields = vec![("grant_type", "client_credentials"), ("client_id", id), ("client_secret", SECRET)];
    fields.extend(more);
    Client::tool(server).form("/oauth2/token", &fields).await
}

async fn robot_token(server: &TestServer, id: &str) -> anyhow::Result<String> {
    let answer = own_token(server, id, &[("scope", "admin")]).await?;
    ensure!(answer.status == StatusCode::OK, "no token: {} {}", answer.status, answer.body);
    Ok(answer.json()["access_token"].as_str().context("no token")?.to_owned())
}

/// One way to prove oneself.
enum Proof {
    Cookie(Client),
    Token(Client, String),
}

impl Proof {
    fn token(server: &TestServer, token: String) -> Self {
        Self::Token(Client::tool(server), token)
    }

    /// Asks with it.
    async fn ask(&mut self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Answer> {
        let (client, token) = match self {
            Self::Cookie(client) => (client, None),
            Self::Token(client, token) => (client, Some(token)),
        };
        let mut request = client.request(method, &format!("/api/v1/admin{path}"));
        if let Some(body) = body {
            request = request.json(body);
        }
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        client.send(request).await
    }

    async fn get(&mut self, path: &str) -> anyhow::Result<Answer> {
        self.ask(Method::GET, path, None).await
    }
}

/// Fails unless it was refused so.
fn refused(answer: &Answer, status: StatusCode, code: &str) -> anyhow::Result<()> {
    ensure!((answer.status, &*answer.code()) == (status, code), "{} {}", answer.status, answer.body);
    Ok(())
}
