//! Pages used as a browser without a script uses them: the forms that are shown, filled in and sent as they stand.

use anyhow::{Context, bail, ensure};
use countersign_core::Span;
use countersign_testkit::{Answer, Client, Options, StoreKind, TestServer, on_every_store};
use reqwest::StatusCode;

use crate::support::{KIM, OTHER_PASSWORD, PASSWORD, SESSION};

/// A form of a page.
#[derive(Debug)]
pub(crate) struct Shown {
    action: String,
    fields: Vec<Field>,
}

#[derive(Debug)]
struct Field {
    name: String,
    value: String,
    /// What is left empty or unchecked is still there to be filled in.
    sent: bool,
}

/// The form of a page that has `mark` in it: the id of its button, say.
pub(crate) fn form(html: &str, mark: &str) -> anyhow::Result<Shown> {
    let forms = html.split("<form ").skip(1).filter_map(|rest| rest.split("</form>").next());
    let mut marked = forms.filter(|form| form.contains(mark));
    let text = marked.next().with_context(|| format!("no form with {mark} in {html}"))?;
    ensure!(marked.next().is_none(), "two forms with {mark}");
    ensure!(attribute(text, "method").as_deref() == Some("post"), "{mark}: not a POST");
    let inputs = text.split("<input ").skip(1).filter_map(|rest| rest.split('>').next());
    let fields = inputs.filter_map(|input| {
        let checkbox = attribute(input, "type").as_deref() == Some("checkbox");
        Some(Field {
            name: attribute(input, "name")?,
            value: attribute(input, "value").unwrap_or_else(|| if checkbox { "on" } else { "" }.to_owned()),
            sent: !checkbox || input.contains(" checked"),
        })
    });
    Ok(Shown { action: attribute(text, "action").context("no action")?, fields: fields.collect() })
}

impl Shown {
    /// Types into a field, or ticks a box with `"on"`.
    pub(crate) fn fill(mut self, name: &str, value: &str) -> anyhow::Result<Self> {
        let field = self.fields.iter_mut().find(|field| field.name == name);
        let field = field.with_context(|| format!("{}: no field {name}", self.action))?;
        (field.value, field.sent) = (value.to_owned(), true);
        Ok(self)
    }

    /// Sends it and goes where the answer leads.
    pub(crate) async fn send(self, browser: &mut Client) -> anyhow::Result<Answer> {
        let sent = self.fields.iter().filter(|field| field.sent);
        let fields: Vec<(&str, &str)> =
            sent.map(|field| (field.name.as_str(), field.value.as_str())).collect();
        let answer = browser.form(&self.action, &fields).await?;
        land(browser, answer).await
    }
}

/// Follows redirects as a browser does: always within the server, always by GET.
pub(crate) async fn land(browser: &mut Client, mut answer: Answer) -> anyhow::Result<Answer> {
    for _ in 0..5 {
        if answer.status != StatusCode::SEE_OTHER {
            return Ok(answer);
        }
        let to = answer.location().to_owned();
        ensure!(to.starts_with('/'), "leads to {to}");
        answer = browser.get(&to).await?;
    }
    bail!("redirected in circles, at last to {}", answer.location())
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let value = tag.split(&format!("{name}=\"")).nth(1)?.split('"').next()?;
    let plain = value.replace("&#60;", "<").replace("&#62;", ">").replace("&#34;", "\"");
    Some(plain.replace("&#39;", "'").replace("&#38;", "&"))
}

pub(crate) fn heading(answer: &Answer) -> &str {
    answer.body.split("<h1>").nth(1).and_then(|rest| rest.split("</h1>").next()).unwrap_or("")
}

/// The path and query of the link in the newest mail.
async fn mailed_path(browser: &Client, server: &TestServer) -> anyhow::Result<String> {
    let mail = browser.newest_mail(KIM).await?;
    let link = mail["links"][0].as_str().context("no link")?;
    Ok(link.strip_prefix(server.url.as_str()).context("not our link")?.to_owned())
}

#[tokio::test]
async fn every_form_works_without_a_script_from_the_first_day_to_a_forgotten_password() {
    on_every_store(async |server| {
        let mut browser = Client::browser(&server);
        let register = browser.get("/register").await?;
        let empty = form(&register.body, "register-submit")?;
        let sent = empty.fill("email", KIM)?.fill("name", "김민지 & \"Kim\"")?.fill("password", PASSWORD)?;
        let check = sent.send(&mut browser).await?;
        assert_eq!((check.status, heading(&check)), (StatusCode::OK, "Check your mail"));

        let verify = browser.get(&mailed_path(&browser, &server).await?).await?;
        let verified = form(&verify.body, "verify-submit")?.send(&mut browser).await?;
        assert_eq!((verified.status, heading(&verified)), (StatusCode::OK, "Your address is confirmed"));

        let login = browser.get("/account/security").await?;
        let login = land(&mut browser, login).await?;
        assert_eq!(heading(&login), "Sign in");
        let filled = form(&login.body, "login-submit")?.fill("username", KIM)?.fill("password", PASSWORD)?;
        let security = filled.send(&mut browser).await?;
        assert_eq!((security.status, heading(&security)), (StatusCode::OK, "Security"));
        let filled = form(&security.body, "password-submit")?.fill("current", PASSWORD)?;
        let changed = filled.fill("new", OTHER_PASSWORD)?.send(&mut browser).await?;
        assert!(changed.body.contains("Your password is changed"), "{}", changed.body);
        assert!(browser.get("/account").await?.body.contains("김민지 &#38; &#34;Kim&#34;"));

        let logout = browser.get("/logout").await?;
        assert_eq!(heading(&logout), "Sign out?");
        let out = form(&logout.body, "logout-confirm")?.send(&mut browser).await?;
        assert_eq!((out.status, heading(&out)), (StatusCode::OK, "You are signed out"));
        assert_eq!(browser.cookie(SESSION), None);

        // The newest mail is the one of a later moment.
        server.clock.advance(Span::seconds(1));
        let recover = browser.get("/recover").await?;
        let sent = form(&recover.body, "recover-submit")?.fill("email", KIM)?.send(&mut browser).await?;
        assert_eq!((sent.status, heading(&sent)), (StatusCode::OK, "Check your mail"));
        let reset = browser.get(&mailed_path(&browser, &server).await?).await?;
        let filled = form(&reset.body, "reset-submit")?.fill("password", PASSWORD)?;
        let login = filled.send(&mut browser).await?;
        assert!(login.body.contains("Your password is changed"), "{}", login.body);
        let filled = form(&login.body, "login-submit")?.fill("username", KIM)?.fill("password", PASSWORD)?;
        assert_eq!(heading(&filled.send(&mut browser).await?), "Your account");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn sessions_are_ended_from_the_list_by_its_own_buttons() -> anyhow::Result<()> {
    let server = TestServer::start(Options::on(StoreKind::Memory)).await?;
    let mut browser = Client::browser(&server);
    browser.register(KIM, PASSWORD).await?;
    let mut others = [Client::browser(&server), Client::browser(&server), Client::browser(&server)];
    for each in [&mut browser].into_iter().chain(&mut others) {
        each.log_in(KIM, PASSWORD).await?;
    }
    let list = browser.get("/account/sessions").await?;
    assert_eq!(list.body.matches("/end\"").count(), 3, "not the present one");
    let first = list.body.split("action=\"").find(|rest| rest.contains("/end\"")).context("no button")?;
    let action = first.split('"').next().unwrap_or_default();
    let ended = form(&list.body, action)?.send(&mut browser).await?;
    assert!(ended.body.contains("That session and its tokens no longer work."), "{}", ended.body);
    assert_eq!(ended.body.matches("/end\"").count(), 2);

    let alone = form(&ended.body, "end-others")?.send(&mut browser).await?;
    assert!(alone.body.contains("You are signed in nowhere else."), "{}", alone.body);
    for other in &mut others {
        assert_eq!(other.get("/api/v1/session").await?.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(browser.get("/api/v1/session").await?.status, StatusCode::OK);
    Ok(())
}

#[tokio::test]
async fn a_refused_form_keeps_what_was_typed_but_never_a_password() -> anyhow::Result<()> {
    let server = TestServer::start(Options::on(StoreKind::Memory)).await?;
    let mut browser = Client::browser(&server);
    let (email, name) = ("kim@@example", "K \"<b>");
    let page = browser.get("/register").await?;
    let filled = form(&page.body, "register-submit")?.fill("email", email)?.fill("name", name)?;
    let refused = filled.fill("password", "tiny")?.send(&mut browser).await?;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.body.contains("role=\"alert\"") && !refused.body.contains("tiny"), "{}", refused.body);
    let again = form(&refused.body, "register-submit")?;
    let values: Vec<&str> = again.fields.iter().map(|field| field.value.as_str()).collect();
    assert_eq!(values, [email, name, ""]);

    let page = browser.get("/login?return_to=%2Faccount%2Fsecurity").await?;
    let filled = form(&page.body, "login-submit")?.fill("username", KIM)?.fill("remember", "on")?;
    let refused = filled.fill("password", PASSWORD)?.send(&mut browser).await?;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert!(!refused.body.contains(PASSWORD));
    let again = form(&refused.body, "login-submit")?;
    let values: Vec<(&str, bool)> =
        again.fields.iter().map(|field| (field.value.as_str(), field.sent)).collect();
    assert_eq!(values, [("/account/security", true), (KIM, true), ("", true), ("on", true)]);
    Ok(())
}
