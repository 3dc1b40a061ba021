//! `countersign audit`

use clap::Args;
use countersign::config;
use countersign_core::Span;
use countersign_server::admin::{AuditEntry, AuditQuery, Command, PAGE, Reply};
use countersign_server::clock::{Clock as _, SystemClock};

use super::place::Place;
use super::{client, out};

/// Which lines.
#[derive(Args)]
pub(super) struct Audit {
    /// Only what this account is the subject of: acc_…, address or username
    #[arg(long)]
    account: Option<String>,
    /// Only what happened so, such as login.failed
    #[arg(long)]
    kind: Option<String>,
    /// Only the last 90s, 5m, 2h, 14d
    #[arg(long, value_name = "SPAN", value_parser = config::span)]
    since: Option<Span>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `countersign audit`
pub(super) fn run(place: &Place, audit: &Audit) -> anyhow::Result<()> {
    let lines = lines(place, audit)?;
    if audit.json {
        return out::json(&lines);
    }
    let rows: Vec<_> = lines.iter().map(row).collect();
    out::table(&["TIME", "WHAT", "ACCOUNT", "BY", "FROM", "MORE"], &rows);
    Ok(())
}

fn lines(place: &Place, audit: &Audit) -> anyhow::Result<Vec<AuditEntry>> {
    let since = audit.since.map(|span| (SystemClock.now() - span).micros());
    let mut lines: Vec<AuditEntry> = Vec::new();
    loop {
        let limit = audit.limit.saturating_sub(u32::try_from(lines.len())?).min(PAGE);
        let query = AuditQuery {
            account: audit.account.clone(),
            kind: audit.kind.clone(),
            since,
            before: lines.last().map(|line| line.id.clone()),
            limit,
        };
        let Reply::Audit(page) = client::ask(place, Command::Audit(query))? else {
            return Err(client::strange());
        };
        let last = page.len() < PAGE as usize;
        lines.extend(page);
        if last {
            return Ok(lines);
        }
        out::note(&format!("{} lines so far", lines.len()));
    }
}

fn row(line: &AuditEntry) -> Vec<String> {
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let subjects = [&line.session, &line.grant, &line.client].into_iter().flatten().cloned();
    let words = line.detail.iter().map(|(name, value)| format!("{name}={value}"));
    // An account that did it itself need not be named twice.
    let by =
        if line.account.as_ref() == Some(&line.actor) { "itself".to_owned() } else { line.actor.clone() };
    vec![
        line.at.clone(),
        line.kind.clone(),
        or_none(&line.account),
        by,
        or_none(&line.ip),
        subjects.chain(words).collect::<Vec<_>>().join(" "),
    ]
}
