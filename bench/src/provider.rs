//! The server as a provider: a client that registered itself, a person who agreed, and what both are measured with.

use anyhow::Context;
use serde_json::{Value, json};

use crate::client::{Client, FORM, Tokens, send, tokens};

/// Where codes go. Nobody is there: what is measured is the answer that leads to it.
const REDIRECT: &str = "http://localhost:9/callback";
/// The verifier of RFC 7636 appendix B, and its challenge.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A registered client.
pub(crate) struct Registered {
    id: String,
    secret: String,
}

impl Registered {
    /// The form that gets the client's own tokens.
    pub(crate) fn own_tokens(&self) -> String {
        format!("grant_type=client_credentials&{}", self.proof())
    }

    /// The form that asks about a token; the token comes last.
    pub(crate) fn introspection(&self) -> String {
        format!("{}&token=", self.proof())
    }

    /// The form that redeems a code; the code comes last.
    pub(crate) fn exchange(&self) -> String {
        let redirect = "redirect_uri=http%3A%2F%2Flocalhost%3A9%2Fcallback";
        format!("grant_type=authorization_code&{}&{redirect}&code_verifier={VERIFIER}&code=", self.proof())
    }

    /// The form that refreshes.
    pub(crate) fn refresh(&self, token: &str) -> String {
        format!("grant_type=refresh_token&{}&refresh_token={token}", self.proof())
    }

    /// The path that gets a code.
    pub(crate) fn authorize(&self) -> String {
        format!(
            "/oauth2/authorize?response_type=code&client_id={}&redirect_uri=http%3A%2F%2Flocalhost%3A9%2Fcallback\
             &scope=openid%20email&state=s&nonce=n&code_challenge={CHALLENGE}&code_challenge_method=S256",
            self.id
        )
    }

    fn proof(&self) -> String {
        format!("client_id={}&client_secret={}", self.id, self.secret)
    }
}

impl Client {
    /// Registers a client whose ID tokens are signed with `alg`.
    pub(crate) async fn register_client(&self, alg: &str) -> anyhow::Result<Registered> {
        let metadata = json!({
            "client_name": "Bench",
            "redirect_uris": [REDIRECT],
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
            "token_endpoint_auth_method": "client_secret_post",
            "id_token_signed_response_alg": alg,
        });
        let answer: Value = self.post("/oauth2/register", &metadata).await?.json().await?;
        let text =
            |name: &str| answer[name].as_str().map(str::to_owned).with_context(|| format!("no {name}"));
        Ok(Registered { id: text("client_id")?, secret: text("client_secret")? })
    }

    /// Agrees, as the person with this cookie, that the client may do what it asks, and gets the tokens of one login.
    pub(crate) async fn agree(&self, client: &Registered, cookie: &str) -> anyhow::Result<Tokens> {
        let to = self.follow(&client.authorize(), cookie).await?;
        let page = self.get(&to, cookie).await?.text().await?;
        let request = page.split_once("name=\"request\" value=\"").context("no consent page")?.1;
        let request = request.split('"').next().unwrap_or_default();
        let form = [("request", request), ("choice", "allow")];
        let answer = self.browse(reqwest::Method::POST, "/consent", cookie).form(&form).send().await?;
        self.redeem(client, cookie, location(&answer)?).await
    }

    /// The tokens of another login.
    pub(crate) async fn log_in_at(&self, client: &Registered, cookie: &str) -> anyhow::Result<Tokens> {
        let to = self.follow(&client.authorize(), cookie).await?;
        self.redeem(client, cookie, to).await
    }

    async fn redeem(&self, client: &Registered, cookie: &str, mut to: String) -> anyhow::Result<Tokens> {
        while !to.starts_with(REDIRECT) {
            to = self.follow(&to, cookie).await?;
        }
        let code = to.split_once("code=").context("no code")?.1.split('&').next().unwrap_or_default();
        self.token(&(client.exchange() + code)).await
    }

    /// Sends a form to the token endpoint.
    pub(crate) async fn token(&self, form: &str) -> anyhow::Result<Tokens> {
        let request = self.http.post(self.at("/oauth2/token")).header("content-type", FORM);
        tokens(&send(request.body(form.to_owned())).await?.json().await?)
    }

    async fn follow(&self, path: &str, cookie: &str) -> anyhow::Result<String> {
        location(&self.get(path, cookie).await?)
    }

    async fn get(&self, path: &str, cookie: &str) -> anyhow::Result<reqwest::Response> {
        Ok(self.browse(reqwest::Method::GET, path, cookie).send().await?)
    }

    fn browse(&self, method: reqwest::Method, path: &str, cookie: &str) -> reqwest::RequestBuilder {
        let path = path.strip_prefix(&self.origin).unwrap_or(path);
        self.http.request(method, self.at(path)).header("cookie", cookie).header("origin", &self.origin)
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }
}

fn location(answer: &reqwest::Response) -> anyhow::Result<String> {
    let to = answer.headers().get("location").with_context(|| format!("{} leads nowhere", answer.url()))?;
    Ok(to.to_str()?.to_owned())
}
