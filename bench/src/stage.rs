//! The servers, their people, and how each row is measured.

use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, anyhow, ensure};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::client::{Client, FORM, Tokens, login, refresh_form};
use crate::figures::Sample;
use crate::provider::Registered;
use crate::rows::What;
use crate::served::{Served, itself, tools_cpu};
use crate::wrk::{Answered, Load, PACE, Scripts, lines};

/// For each row of a round.
pub(crate) const SECONDS: u32 = 3;
const WARM_UP_SECONDS: u32 = 1;
/// Tokens that are used once have to be made before.
pub(crate) const NEW_TOKEN_SECONDS: u32 = 2;
/// Accounts on each server: one for each connection, and one for each thread of wrk, which asks its script for a request
/// more than it sends.
pub(crate) const ACCOUNTS: usize = 34;
/// Connections that log in; all at once they are a storm.
pub(crate) const LOGINS: u32 = 16;
/// Codes are redeemed for so long, after they were got for so many times as long.
const CODE_SECONDS: u32 = 1;
const CODES_FIRST: u32 = 6;
/// After so many logins the server's memory is looked at.
pub(crate) const MANY_LOGINS: f64 = 1000.0;
const JSON: &str = "application/json";

/// Everything that is measured.
pub(crate) struct Stage<'a> {
    runtime: &'a Runtime,
    scripts: Scripts,
    hello: Served,
    hello_again: Served,
    memory: Site,
    sqlite: Site,
    postgres: Site,
    /// A client of the server on SQLite, and one whose ID tokens cost more.
    es256: Registered,
    rs256: Registered,
    /// Last, so that it goes after the servers that live in it.
    data: TempDir,
}

/// A Countersign with people.
struct Site {
    server: Served,
    client: Client,
    cookie: String,
    logins: f64,
}

/// What a server holds after a storm.
pub(crate) struct Memory {
    pub(crate) logins: f64,
    pub(crate) mib: f64,
}

impl<'a> Stage<'a> {
    /// Starts the servers and registers their people.
    pub(crate) fn set(runtime: &'a Runtime, program: &Path, postgres: &str) -> anyhow::Result<Self> {
        let data = TempDir::new()?;
        let folder = |name: &str| data.path().join(name);
        let sqlite = format!("sqlite:{}", folder("bench.db").display());
        let site = |name: &str, store: &str| {
            let server = Served::countersign(program, store, &folder(name))?;
            runtime.block_on(Site::of(server)).with_context(|| format!("set up {store}"))
        };
        let sqlite = site("sqlite", &sqlite)?;
        let clients =
            async { anyhow::Ok((sqlite.register("ES256").await?, sqlite.register("RS256").await?)) };
        let (es256, rs256) = runtime.block_on(clients).context("register clients")?;
        Ok(Self {
            runtime,
            es256,
            rs256,
            scripts: Scripts::write(folder("wrk"))?,
            hello: Served::hello()?,
            hello_again: Served::hello()?,
            memory: site("memory", "memory:")?,
            sqlite,
            postgres: site("postgres", postgres)?,
            data,
        })
    }

    /// The folder of the databases.
    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    /// Measures a row for a moment and forgets the figures.
    pub(crate) fn warm_up(&mut self, what: What) -> anyhow::Result<()> {
        self.run(what, WARM_UP_SECONDS).map(drop)
    }

    /// Measures a row; a storm is two.
    pub(crate) fn measure(&mut self, what: What) -> anyhow::Result<Vec<(What, Sample)>> {
        self.run(what, SECONDS)
    }

    /// What the server on SQLite holds after all this, and at least so many logins.
    pub(crate) fn memory(&mut self) -> anyhow::Result<Memory> {
        while self.sqlite.logins < MANY_LOGINS {
            self.measure(What::LoginCookie)?;
        }
        Ok(Memory { logins: self.sqlite.logins, mib: self.sqlite.server.memory()? })
    }

    fn run(&mut self, what: What, seconds: u32) -> anyhow::Result<Vec<(What, Sample)>> {
        let sample = match what {
            What::Hello => measured(&self.hello, &Load::new(self.hello.port, "/"), seconds),
            What::HelloAgain => measured(&self.hello_again, &Load::new(self.hello_again.port, "/"), seconds),
            What::SessionMemory => self.memory.check(seconds),
            What::SessionSqlite => self.sqlite.check(seconds),
            What::SessionPostgres => self.postgres.check(seconds),
            What::Jwks => self.sqlite.measure(&self.sqlite.load("/.well-known/jwks.json"), seconds),
            What::TokenSeen => self.token_seen(seconds),
            What::TokenNew => self.token_new(seconds),
            What::RefreshSqlite => self.refresh(&self.sqlite, seconds),
            What::RefreshPostgres => self.refresh(&self.postgres, seconds),
            What::Discovery => {
                self.sqlite.measure(&self.sqlite.load("/.well-known/openid-configuration"), seconds)
            }
            What::OwnToken => self.own_token(seconds),
            What::CodeEs256 => self.code(&self.es256, seconds),
            What::CodeRs256 => self.code(&self.rs256, seconds),
            What::UserSeen => self.user_seen(seconds),
            What::UserNew => self.user_new(seconds),
            What::AskSeen => self.ask_seen(seconds),
            What::AskNew => self.ask_new(seconds),
            What::Hash => hash(seconds),
            What::LoginCookie => self.login("cookie", seconds),
            What::LoginToken => self.login("token", seconds),
            What::Quiet => self.sqlite.measure(&self.paced(), seconds),
            What::Storm | What::StormLogins => return self.storm(seconds),
        };
        Ok(vec![(what, sample.with_context(|| format!("measure {}", what.row().name))?)])
    }

    fn token_seen(&self, seconds: u32) -> anyhow::Result<Sample> {
        let tokens = self.runtime.block_on(self.sqlite.client.tokens(&email(0)))?;
        let load = self.sqlite.load("/api/v1/session");
        self.sqlite.measure(&load.header(format!("Authorization: Bearer {}", tokens.access)), seconds)
    }

    /// Enough tokens are made first. A refresh token that was just replaced gives a new access token each time.
    fn token_new(&self, seconds: u32) -> anyhow::Result<Sample> {
        let forms = self.runtime.block_on(self.sqlite.replaced_refreshes())?;
        let (file, tokens) = (self.file("forms"), self.file("tokens"));
        lines(&file, &forms)?;
        let args = [text(&file)?, FORM, text(&tokens)?];
        let mint = self.sqlite.load("/oauth2/token").script(self.scripts.path("post.lua"), &args);
        // A token is verified faster than it is made, but not three times as fast.
        let seconds = seconds.min(NEW_TOKEN_SECONDS);
        mint.run(seconds * 3)?;
        let load = self.sqlite.load("/api/v1/session");
        let load = load.script(self.scripts.path("bearer.lua"), &[text(&tokens)?]);
        self.sqlite.measure(&load, seconds)
    }

    fn refresh(&self, site: &Site, seconds: u32) -> anyhow::Result<Sample> {
        let tokens = self.runtime.block_on(site.all_tokens())?;
        let file = self.file("refresh");
        lines(&file, &tokens.into_iter().map(|tokens| tokens.refresh).collect::<Vec<_>>())?;
        let load = site.load("/oauth2/token").script(self.scripts.path("refresh.lua"), &[text(&file)?]);
        site.measure(&load, seconds)
    }

    fn own_token(&self, seconds: u32) -> anyhow::Result<Sample> {
        let file = self.file("own");
        lines(&file, &[self.es256.own_tokens()])?;
        let load =
            self.sqlite.load("/oauth2/token").script(self.scripts.path("post.lua"), &[text(&file)?, FORM]);
        self.sqlite.measure(&load, seconds)
    }

    /// Enough codes are got first: they count for a minute.
    fn code(&self, client: &Registered, seconds: u32) -> anyhow::Result<Sample> {
        let file = self.file("codes");
        let ask = self.sqlite.load(client.authorize()).header(self.sqlite.cookie.clone());
        let seconds = seconds.min(CODE_SECONDS);
        ask.script(self.scripts.path("authorize.lua"), &[text(&file)?]).run(seconds * CODES_FIRST)?;
        let load = self.sqlite.load("/oauth2/token");
        let load = load.script(self.scripts.path("exchange.lua"), &[text(&file)?, &client.exchange()]);
        self.sqlite.measure(&load, seconds)
    }

    fn user_seen(&self, seconds: u32) -> anyhow::Result<Sample> {
        let tokens = self.runtime.block_on(self.sqlite.agree(&self.es256))?;
        let load = self.sqlite.load("/oauth2/userinfo");
        self.sqlite.measure(&load.header(format!("Authorization: Bearer {}", tokens.access)), seconds)
    }

    fn user_new(&self, seconds: u32) -> anyhow::Result<Sample> {
        let (file, seconds) = self.mint(seconds)?;
        let load = self.sqlite.load("/oauth2/userinfo");
        let load = load.script(self.scripts.path("bearer.lua"), &[text(&file)?]);
        self.sqlite.measure(&load, seconds)
    }

    fn ask_seen(&self, seconds: u32) -> anyhow::Result<Sample> {
        let tokens = self.runtime.block_on(self.sqlite.agree(&self.es256))?;
        let file = self.file("ask");
        lines(&file, &[self.es256.introspection() + &tokens.access])?;
        let load = self.sqlite.load("/oauth2/introspect");
        self.sqlite.measure(&load.script(self.scripts.path("post.lua"), &[text(&file)?, FORM]), seconds)
    }

    fn ask_new(&self, seconds: u32) -> anyhow::Result<Sample> {
        let (file, seconds) = self.mint(seconds)?;
        let load = self.sqlite.load("/oauth2/introspect");
        let args = [text(&file)?, &self.es256.introspection()];
        self.sqlite.measure(&load.script(self.scripts.path("exchange.lua"), &args), seconds)
    }

    /// Access tokens of the client that nobody has seen, and for how long they last. The refresh token of a client that
    /// proves itself stays, and gives another each time.
    fn mint(&self, seconds: u32) -> anyhow::Result<(PathBuf, u32)> {
        let tokens = self.runtime.block_on(self.sqlite.agree(&self.es256))?;
        let (form, minted) = (self.file("form"), self.file("minted"));
        lines(&form, &[self.es256.refresh(&tokens.refresh)])?;
        let args = [text(&form)?, FORM, text(&minted)?];
        let seconds = seconds.min(NEW_TOKEN_SECONDS);
        self.sqlite.load("/oauth2/token").script(self.scripts.path("post.lua"), &args).run(seconds * 3)?;
        Ok((minted, seconds))
    }

    fn login(&mut self, deliver: &str, seconds: u32) -> anyhow::Result<Sample> {
        let load = self.logins(deliver)?;
        let before = (self.sqlite.server.cpu()?, tools_cpu()?);
        let answered = load.run(seconds)?;
        self.sqlite.logins += answered.requests;
        sample(&answered, before, (self.sqlite.server.cpu()?, tools_cpu()?))
    }

    /// The paced session check, with logins before, during and after it.
    fn storm(&mut self, seconds: u32) -> anyhow::Result<Vec<(What, Sample)>> {
        let (check, logins) = (self.paced(), self.logins("cookie")?);
        let before = (self.sqlite.server.cpu()?, tools_cpu()?);
        let (checked, logged_in) = thread::scope(|scope| {
            let storm = scope.spawn(|| logins.run(seconds));
            let checked = check.run(seconds);
            (checked, storm.join().map_err(|_| anyhow!("a thread panicked")))
        });
        let (checked, logged_in) = (checked?, logged_in??);
        self.sqlite.logins += logged_in.requests;
        let after = (self.sqlite.server.cpu()?, tools_cpu()?);
        Ok(vec![
            (What::Storm, sample(&checked, before, after)?),
            (What::StormLogins, sample(&logged_in, before, after)?),
        ])
    }

    fn paced(&self) -> Load {
        let load = self.sqlite.load("/api/v1/session").header(self.sqlite.cookie.clone());
        let (least, most) = (PACE.0.to_string(), PACE.1.to_string());
        load.script(self.scripts.path("paced.lua"), &[&least, &most])
    }

    fn logins(&self, deliver: &str) -> anyhow::Result<Load> {
        let bodies: Vec<_> = (0..ACCOUNTS).map(|number| login(&email(number), deliver).to_string()).collect();
        let file = self.file(deliver);
        lines(&file, &bodies)?;
        let load = self.sqlite.load("/api/v1/login").connections(LOGINS);
        Ok(load.script(self.scripts.path("post.lua"), &[text(&file)?, JSON]))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.data().join(name).with_extension("lines")
    }
}

impl Site {
    async fn of(server: Served) -> anyhow::Result<Self> {
        let set_up = async {
            let client = Client::of(&server).await?;
            for number in 0..ACCOUNTS {
                client.register(&email(number)).await?;
            }
            let cookie = format!("Cookie: {}", client.cookie(&email(0)).await?);
            anyhow::Ok((client, cookie))
        };
        let (client, cookie) = set_up.await.with_context(|| format!("the server says:\n{}", server.log()))?;
        Ok(Self { server, client, cookie, logins: 0.0 })
    }

    /// `GET path`, by the name that the server answers to.
    fn load(&self, path: impl Into<String>) -> Load {
        Load::new(self.server.port, path).header(format!("Host: localhost:{}", self.server.port))
    }

    fn measure(&self, load: &Load, seconds: u32) -> anyhow::Result<Sample> {
        measured(&self.server, load, seconds)
    }

    fn check(&self, seconds: u32) -> anyhow::Result<Sample> {
        self.measure(&self.load("/api/v1/session").header(self.cookie.clone()), seconds)
    }

    async fn register(&self, alg: &str) -> anyhow::Result<Registered> {
        let client = self.client.register_client(alg).await?;
        self.client.agree(&client, self.cookie.trim_start_matches("Cookie: ")).await?;
        Ok(client)
    }

    /// Tokens of another login of the client, which the person agreed to before.
    async fn agree(&self, client: &Registered) -> anyhow::Result<Tokens> {
        self.client.log_in_at(client, self.cookie.trim_start_matches("Cookie: ")).await
    }

    async fn all_tokens(&self) -> anyhow::Result<Vec<Tokens>> {
        let mut all = Vec::with_capacity(ACCOUNTS);
        for number in 0..ACCOUNTS {
            all.push(self.client.tokens(&email(number)).await?);
        }
        Ok(all)
    }

    /// Bodies of refreshes, each with a token that was just replaced.
    async fn replaced_refreshes(&self) -> anyhow::Result<Vec<String>> {
        let mut forms = Vec::with_capacity(ACCOUNTS);
        for tokens in self.all_tokens().await? {
            let form = refresh_form(&tokens.refresh);
            self.client.token(&form).await?;
            forms.push(form);
        }
        Ok(forms)
    }
}

fn measured(server: &Served, load: &Load, seconds: u32) -> anyhow::Result<Sample> {
    let before = (server.cpu()?, tools_cpu()?);
    let answered = load.run(seconds)?;
    sample(&answered, before, (server.cpu()?, tools_cpu()?))
}

/// What a run comes to; `before` and `after` are the processor times of server and load tool.
fn sample(answered: &Answered, before: (f64, f64), after: (f64, f64)) -> anyhow::Result<Sample> {
    ensure!(answered.requests > 0.0, "nothing was answered");
    let micros = |before, after| (after - before) * 1e6 / answered.requests;
    Ok(Sample {
        per_second: answered.requests / answered.seconds,
        server_micros: micros(before.0, after.0),
        tool_micros: micros(before.1, after.1),
        p50: answered.p50,
        p99: answered.p99,
    })
}

/// This very program as `hash`: what it spends is spent by a child, as the load tools' is.
fn hash(seconds: u32) -> anyhow::Result<Sample> {
    let before = tools_cpu()?;
    let output = itself().arg("hash").arg(seconds.to_string()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "hash failed: {}", String::from_utf8_lossy(&output.stderr));
    let (hashes, elapsed) = text.trim().split_once(' ').context("the answer of hash")?;
    let (hashes, elapsed): (f64, f64) = (hashes.parse()?, elapsed.parse()?);
    Ok(Sample {
        per_second: hashes / elapsed,
        server_micros: (tools_cpu()? - before) * 1e6 / hashes,
        tool_micros: 0.0,
        p50: f64::NAN,
        p99: f64::NAN,
    })
}

fn email(number: usize) -> String {
    format!("heron{number}@example.org")
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("the temporary folder's name is no UTF-8")
}
