//! What the service counts, where it shows it, and where not.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, ensure};
use countersign_core::Span;
use countersign_server::metrics::listener;
use countersign_testkit::{Client, Options, StoreKind, TestServer, on_every_store};
use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::net::TcpListener;

use crate::people::member;
use crate::support::{self, KIM, LEE, PASSWORD};

/// The listener of a server's metrics.
pub(crate) struct Metrics {
    url: String,
}

impl Metrics {
    pub(crate) async fn of(server: &TestServer) -> anyhow::Result<Self> {
        let bound = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", bound.local_addr()?);
        tokio::spawn(listener::serve(bound, server.app.clone(), std::future::pending()));
        Ok(Self { url })
    }

    async fn text(&self) -> anyhow::Result<String> {
        Ok(reqwest::get(format!("{}/metrics", self.url)).await?.error_for_status()?.text().await?)
    }

    /// The value of a series, spelt as it is shown.
    pub(crate) async fn value(&self, series: &str) -> anyhow::Result<f64> {
        value(&self.text().await?, series)
    }
}

fn value(text: &str, series: &str) -> anyhow::Result<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    Ok(line.with_context(|| format!("{series} is not in {text}"))?.parse()?)
}

#[tokio::test]
async fn when_the_certificate_ends_is_shown() -> anyhow::Result<()> {
    let server = TestServer::start(Options::on(StoreKind::Memory).tls()).await?;
    let metrics = Metrics::of(&server).await?;
    // It is looked at beside the first connections, not before them.
    let shown = async {
        loop {
            let ends = metrics.value("countersign_certificate_expires_seconds").await?;
            if ends > 0.0 {
                return anyhow::Ok(ends);
            }
        }
    };
    let ends = tokio::time::timeout(Duration::from_mins(1), shown).await.context("it is never shown")??;
    ensure!(ends > 4_000_000_000.0, "{ends}");
    Ok(())
}

#[tokio::test]
async fn what_happens_is_counted_on_every_store() {
    on_every_store(async |server| {
        let metrics = Metrics::of(&server).await?;
        let mut browser = member(&server, KIM).await?;
        browser.log_in(KIM, "not the password of kim").await?;
        let tokens = support::tokens(&server, KIM).await?;
        let tool = Client::tool(&server);
        tool.refresh(&tokens.refresh).await?;
        tool.refresh(&tokens.refresh).await?;
        server.clock.advance(Span::minutes(1));
        tool.refresh(&tokens.refresh).await?;
        tool.refresh("cs_rt_nonsense").await?;
        browser.get("/api/v1/session").await?;
        browser.get("/api/v1/session").await?;
        server.run_jobs().await;
        let text = metrics.text().await?;
        for (series, expected) in [
            ("countersign_logins_total{outcome=\"ok\"}", 2.0),
            ("countersign_logins_total{outcome=\"invalid\"}", 1.0),
            ("countersign_refreshes_total{outcome=\"rotated\"}", 1.0),
            ("countersign_refreshes_total{outcome=\"repeated\"}", 1.0),
            ("countersign_refreshes_total{outcome=\"reused\"}", 1.0),
            ("countersign_tokens_issued_total", 3.0),
            ("countersign_refusals_total{code=\"invalid_grant\"}", 2.0),
            ("countersign_refusals_total{code=\"invalid_credentials\"}", 1.0),
            ("countersign_events_total{kind=\"session.opened\"}", 2.0),
            ("countersign_events_total{kind=\"session.ended\"}", 0.0),
            ("countersign_events_total{kind=\"grant.reused\"}", 1.0),
            ("countersign_events_total{kind=\"login.failed\"}", 1.0),
            ("countersign_revocations_total", 1.0),
            ("countersign_panics_total", 0.0),
            ("countersign_hash_waiting", 0.0),
            ("countersign_mail_waiting", 1.0),
            ("countersign_mail_oldest_age_seconds", 60.0),
            ("countersign_store_errors_total", 0.0),
        ] {
            let found = value(&text, series)?;
            ensure!((found - expected).abs() < 0.5, "{series}: {found} instead of {expected}");
        }
        for series in [
            "countersign_http_requests_total{class=\"memory\",status=\"2xx\"}",
            "countersign_http_requests_total{class=\"api\",status=\"4xx\"}",
            "countersign_http_requests_total{class=\"oauth\",status=\"2xx\"}",
            "countersign_hash_duration_seconds_count",
            "countersign_hash_wait_seconds_count",
            "countersign_store_read_seconds_count",
            "countersign_store_apply_seconds_count",
            "countersign_store_scan_seconds_count",
            "countersign_connections_open",
            "countersign_signing_key_since_seconds",
            "process_resident_memory_bytes",
            "process_start_time_seconds",
        ] {
            ensure!(value(&text, series)? > 0.0, "{series} is nothing");
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn adm_18_nothing_that_is_for_operators_is_on_the_main_listener() {
    support::on_memory(async |server| {
        let mut tool = Client::tool(&server);
        for path in [
            "/metrics",
            "/metrics/",
            "/debug",
            "/debug/pprof",
            "/debug/pprof/heap",
            "/debug/vars",
            "/swagger",
            "/swagger-ui",
            "/swagger/index.html",
            "/actuator",
            "/actuator/health",
            "/server-status",
            "/admin.sock",
            "/api/v1/metrics",
        ] {
            let answer = tool.get(path).await?;
            ensure!(answer.status == StatusCode::NOT_FOUND, "{path}: {}", answer.status);
        }
        for path in ["/login", "/api/v1/session", "/oauth2/token", "/healthz", "/readyz", "/nothing"] {
            let answer = tool.get(path).await?;
            for name in ["server", "x-powered-by", "x-version", "via"] {
                ensure!(answer.header(name).is_empty(), "{path} sends {name}");
            }
            let version = env!("CARGO_PKG_VERSION");
            ensure!(!answer.body.contains(version), "{path} tells its version: {}", answer.body);
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn adm_18_the_metrics_listener_has_metrics_and_nothing_else() {
    support::on_memory(async |server| {
        let metrics = Metrics::of(&server).await?;
        let client = reqwest::Client::new();
        for path in ["/", "/healthz", "/login", "/api/v1/session", "/metrics/x", "/debug"] {
            let answer = client.get(format!("{}{path}", metrics.url)).send().await?;
            ensure!(answer.status() == StatusCode::NOT_FOUND, "{path}: {}", answer.status());
        }
        let at = format!("{}/metrics", metrics.url);
        ensure!(client.post(&at).send().await?.status() == StatusCode::METHOD_NOT_ALLOWED);
        let answer = client.get(&at).header("host", "anything.example").send().await?;
        ensure!(answer.status() == StatusCode::OK && answer.headers().get("server").is_none());
        let kind = answer.headers()["content-type"].to_str()?.to_owned();
        ensure!(kind.starts_with("application/openmetrics-text; version=1.0.0"), "{kind}");
        ensure!(answer.text().await?.ends_with("# EOF\n"));
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_collector_that_hangs_keeps_nobody_out() {
    support::on_memory(async |server| {
        let metrics = Metrics::of(&server).await?;
        let address = metrics.url.trim_start_matches("http://").to_owned();
        let mut silent = Vec::new();
        for _ in 0..20 {
            silent.push(tokio::net::TcpStream::connect(&address).await?);
        }
        let text = tokio::time::timeout(Duration::from_mins(1), metrics.text()).await??;
        ensure!(text.contains("countersign_build_info"));
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn dos_04_nothing_that_is_sent_becomes_a_label() {
    support::on_memory(async |server| {
        let metrics = Metrics::of(&server).await?;
        support::register(&server, KIM).await?;
        let series = async || anyhow::Ok(metrics.text().await?.lines().count());
        let attack = async |marker: &str| {
            let mut tool = Client::tool(&server);
            tool.get(&format!("/{marker}")).await?;
            tool.get(&format!("/statuslists/{marker}")).await?;
            let method = Method::from_bytes(format!("X{marker}").as_bytes())?;
            tool.send(tool.request(method, "/login")).await?;
            let body = json!({ "identifier": marker, "password": marker, "deliver": marker });
            tool.json(Method::POST, "/api/v1/login", &body).await?;
            let body = json!({ "identifier": marker, "password": marker, "deliver": "cookie" });
            tool.json(Method::POST, "/api/v1/login", &body).await?;
            let form = [("grant_type", marker), ("client_id", marker), ("refresh_token", marker)];
            tool.form("/oauth2/token", &form).await?;
            anyhow::Ok(())
        };
        attack("first-marker").await?;
        let before = series().await?;
        for number in 0..50 {
            attack(&format!("marker-{number}")).await?;
        }
        ensure!(series().await? == before, "each request brought a line");
        ensure!(!metrics.text().await?.contains("marker"), "what was sent is there");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn dos_06_a_thousand_defects_are_counted_and_hurt_nobody_else() -> anyhow::Result<()> {
    let (limits, off) = support::UNLIMITED;
    let server = TestServer::start(Options::on(StoreKind::Memory).with(limits, off)).await?;
    let metrics = Metrics::of(&server).await?;
    let mut browser = member(&server, KIM).await?;
    server.random.break_it();
    for round in 0..100 {
        for _ in 0..10 {
            let answer = Client::browser(&server).log_in(LEE, PASSWORD).await?;
            ensure!(answer.status == StatusCode::INTERNAL_SERVER_ERROR, "{}", answer.status);
        }
        let session = browser.get("/api/v1/session").await?;
        ensure!(session.status == StatusCode::OK, "round {round}: {}", session.status);
    }
    server.random.mend();
    ensure!((metrics.value("countersign_panics_total").await? - 1000.0).abs() < 0.5);
    ensure!(Client::browser(&server).log_in(KIM, PASSWORD).await?.status == StatusCode::OK);
    Ok(())
}

#[tokio::test]
async fn every_family_of_a_fresh_server_is_documented_and_no_other() {
    let server = TestServer::start(Options::on(StoreKind::Memory)).await.unwrap();
    let text = Metrics::of(&server).await.unwrap().text().await.unwrap();
    let families: BTreeSet<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .map(|line| {
            let (name, kind) = line.split_once(' ').unwrap();
            let suffix = match kind {
                "counter" => "_total",
                "info" => "_info",
                _ => "",
            };
            format!("| `{name}{suffix}` | {kind} |")
        })
        .collect();
    let document = include_str!("../../../../docs/metrics.md");
    let rows = document.lines().filter(|line| line.starts_with("| `"));
    let documented: BTreeSet<_> =
        rows.map(|row| row.splitn(4, '|').take(3).collect::<Vec<_>>().join("|") + "|").collect();
    assert_eq!(documented, families);
}
