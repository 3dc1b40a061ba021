//! A person with a browser that runs no script: follows redirects, fills in the forms of our pages, keeps cookies for each
//! host and port.

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Method, Url};

/// Somebody who has an account.
#[derive(Debug)]
pub struct Person {
    http: reqwest::Client,
    jars: BTreeMap<String, BTreeMap<String, String>>,
    email: String,
    password: String,
}

/// A page that the browser shows.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Where it is.
    pub url: Url,
    /// Its status.
    pub status: u16,
    /// Its markup.
    pub body: String,
}

/// More redirects and forms than any way through our pages has.
const STEPS: usize = 20;

impl Person {
    /// With an account that exists; signed in nowhere.
    ///
    /// # Panics
    /// Never: the browser's settings are constant.
    pub fn new(email: &str, password: &str) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build();
        Self {
            http: http.expect("constant settings"),
            jars: BTreeMap::new(),
            email: email.to_owned(),
            password: password.to_owned(),
        }
    }

    /// Opens a URL, signs in and agrees wherever a page of ours asks, and gives the page that is shown in the end.
    ///
    /// # Errors
    /// A page does not lead on.
    pub async fn open(&mut self, url: &str) -> anyhow::Result<Shown> {
        match self.walk(url, &[]).await? {
            End::Page(page) => Ok(page),
            End::Arrived(url) => bail!("arrived at {url}, and nothing was ours"),
        }
    }

    /// Likewise, until the browser is sent to a URL that begins with one of `ours`.
    ///
    /// # Errors
    /// It ends at a page instead.
    pub async fn arrive(&mut self, url: &str, ours: &[&str]) -> anyhow::Result<String> {
        match self.walk(url, ours).await? {
            End::Arrived(url) => Ok(url.into()),
            End::Page(page) => bail!("ended at {} with {}: {}", page.url, page.status, words(&page.body)),
        }
    }

    async fn walk(&mut self, url: &str, ours: &[&str]) -> anyhow::Result<End> {
        let mut request = Request { method: Method::GET, url: Url::parse(url)?, fields: Vec::new() };
        for _ in 0..STEPS {
            if ours.iter().any(|prefix| request.url.as_str().starts_with(prefix)) {
                return Ok(End::Arrived(request.url));
            }
            let (page, location) = self.send(&request).await?;
            request = match location {
                Some(location) => {
                    Request { method: Method::GET, url: page.url.join(&location)?, fields: Vec::new() }
                }
                None => match self.answer(&page)? {
                    Some(next) => next,
                    None => return Ok(End::Page(page)),
                },
            };
        }
        bail!("{url} leads round in circles")
    }

    async fn send(&mut self, request: &Request) -> anyhow::Result<(Shown, Option<String>)> {
        let origin = request.url.origin().ascii_serialization();
        let jar = self.jars.entry(origin.clone()).or_default();
        let cookies: Vec<_> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut sent = self.http.request(request.method.clone(), request.url.clone());
        if !cookies.is_empty() {
            sent = sent.header(COOKIE, cookies.join("; "));
        }
        if request.method == Method::POST {
            sent =
                sent.header("sec-fetch-site", "same-origin").header("origin", &origin).form(&request.fields);
        }
        let answer = sent.send().await?;
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let cookie = cookie.to_str()?;
            let pair = cookie.split(';').next().unwrap_or_default();
            let Some((name, value)) = pair.split_once('=') else { continue };
            let gone = cookie.contains("Max-Age=0") || cookie.contains("01 Jan 1970") || value.is_empty();
            if gone {
                jar.remove(name)
            } else {
                jar.insert(name.to_owned(), value.to_owned())
            };
        }
        let location = answer.headers().get(LOCATION).map(|to| to.to_str().map(str::to_owned)).transpose()?;
        let location = location.filter(|_| answer.status().is_redirection());
        let html =
            answer.headers().get(CONTENT_TYPE).is_none_or(|kind| kind.as_bytes().starts_with(b"text/"));
        let (url, status) = (request.url.clone(), answer.status().as_u16());
        let body = if html { answer.text().await? } else { String::new() };
        Ok((Shown { url, status, body }, location))
    }

    /// What the person does at a page of ours; nothing where it asks nothing.
    fn answer(&self, page: &Shown) -> anyhow::Result<Option<Request>> {
        for (button, filled) in [
            ("login-submit", &[("username", &*self.email), ("password", &*self.password)][..]),
            ("consent-allow", &[]),
            ("logout-confirm", &[]),
        ] {
            if let Some(form) = form_of(&page.body, button) {
                return form.submit(&page.url, filled).map(Some);
            }
        }
        Ok(None)
    }
}

enum End {
    Arrived(Url),
    Page(Shown),
}

#[derive(Debug)]
struct Request {
    method: Method,
    url: Url,
    fields: Vec<(String, String)>,
}

/// A form, as far as a browser has to know it.
#[derive(Debug, PartialEq, Eq)]
struct Form {
    action: String,
    fields: Vec<(String, String)>,
}

impl Form {
    fn submit(mut self, page: &Url, filled: &[(&str, &str)]) -> anyhow::Result<Request> {
        for (name, value) in filled {
            let field = self.fields.iter_mut().find(|(this, _)| this == name);
            let (_, held) = field.with_context(|| format!("the form has no {name}"))?;
            (*value).clone_into(held);
        }
        ensure!(self.action.starts_with('/'), "a form that leads to {:?}", self.action);
        Ok(Request { method: Method::POST, url: page.join(&self.action)?, fields: self.fields })
    }
}

/// The form with this button, with what it holds from the beginning; the button's own name and value go along.
fn form_of(body: &str, button: &str) -> Option<Form> {
    let form = body.split("<form").skip(1).find_map(|rest| {
        let form = rest.split("</form>").next()?;
        form.contains(&format!("id=\"{button}\"")).then_some(form)
    })?;
    let opening = form.split('>').next()?;
    let mut fields = Vec::new();
    for tag in form.split('<').skip(1).filter_map(|tag| tag.split('>').next()) {
        let ours = tag.starts_with("button") && attribute(tag, "id").as_deref() == Some(button);
        let unset = matches!(attribute(tag, "type").as_deref(), Some("checkbox" | "radio"))
            && !tag.contains("checked");
        if (tag.starts_with("input") && !unset || ours)
            && let Some(name) = attribute(tag, "name")
        {
            let on = if attribute(tag, "type").as_deref() == Some("checkbox") { "on" } else { "" };
            fields.push((name, attribute(tag, "value").unwrap_or_else(|| on.to_owned())));
        }
    }
    Some(Form { action: attribute(opening, "action")?, fields })
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let value = tag.split_once(&format!(" {name}=\""))?.1.split('"').next()?;
    let plain = value.replace("&#34;", "\"").replace("&quot;", "\"").replace("&#39;", "'");
    let plain = plain.replace("&#60;", "<").replace("&#62;", ">").replace("&lt;", "<").replace("&gt;", ">");
    Some(plain.replace("&#38;", "&").replace("&amp;", "&"))
}

/// What a page says, for the reader of a failed test.
fn words(body: &str) -> String {
    let main = body.split_once("<main").map_or(body, |(_, main)| main);
    let text: String =
        main.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(400).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_found_by_its_button_and_sent_as_a_browser_would() {
        let body = r#"<form action="/other"><button id="other"></button></form>
            <form class="ways" method="post" action="/consent?request=a&#38;b"><input type="hidden" name="request" value="&#34;x">
            <input type="checkbox" name="one" checked><input type="checkbox" name="two">
            <button id="consent-deny" name="answer" value="deny"></button><button id="consent-allow" name="answer" value="allow">
            </button></form>"#;
        let form = form_of(body, "consent-allow").unwrap();
        assert_eq!(form.action, "/consent?request=a&b");
        let fields: Vec<_> = form.fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(fields, [("request", "\"x"), ("one", "on"), ("answer", "allow")]);
        assert_eq!(form_of(body, "logout-confirm"), None);
        let page = Url::parse("http://localhost:1/consent").unwrap();
        assert!(form_of(body, "consent-allow").unwrap().submit(&page, &[("username", "kim")]).is_err());
    }
}
