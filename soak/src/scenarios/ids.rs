//! A million session secrets, and two processes that start from the same state (attack SES-05).

use std::collections::HashSet;

use anyhow::{Context as _, ensure};
use countersign_core::secret::Secret;
use countersign_server::random::SystemRandom;
use reqwest::Method;
use serde_json::json;
use tokio::runtime::Runtime;

use crate::http::{Http, send};
use crate::process::Server;
use crate::scenario::{Outcome, Setup};

/// base64url of 32 bytes.
const LENGTH: usize = 43;
/// A deviation that chance makes once in a million tries.
const DEVIATIONS: f64 = 4.9;
/// The same of a sum of 16 squares: the quantile of chi square with 15 degrees of freedom.
const SQUARES: f64 = 56.5;
const LOGINS: usize = 20;

pub(crate) fn run(setup: &Setup) -> anyhow::Result<Outcome> {
    let ids = setup.times(10_000, 1_000_000);
    let (mut seen, mut bits, mut problems) = (HashSet::with_capacity(ids), Bits::default(), Vec::new());
    for _ in 0..ids {
        let text = Secret::new(&SystemRandom).reveal();
        let sound =
            text.len() == LENGTH && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_".contains(&c));
        if !sound {
            problems.push(format!("a secret of {} characters, or of others", text.len()));
        }
        let bytes = Secret::parse(&text).context("a secret is none")?.hash();
        // The secret's own bits, and not those of its hash.
        bits.add(&decoded(&text));
        seen.insert(*bytes.as_bytes());
    }
    if seen.len() < ids {
        problems.push(format!("{} of {ids} secrets are distinct", seen.len()));
    }
    let (ones, runs, quads) = (bits.ones(), bits.runs(), bits.quads());
    for (what, score, most) in
        [("ones", ones.abs(), DEVIATIONS), ("runs", runs.abs(), DEVIATIONS), ("poker", quads, SQUARES)]
    {
        if score > most {
            problems.push(format!("{what}: {score:.2}, at most {most}"));
        }
    }
    let cookies = Runtime::new()?.block_on(twins(setup))?;
    if cookies < 2 * LOGINS {
        problems
            .push(format!("two processes from one state made {cookies} secrets in {} logins", 2 * LOGINS));
    }
    let figures = vec![
        format!(
            "{} bits: ones {ones:+.2} and runs {runs:+.2} deviations from the mean, poker {quads:.1}",
            bits.count
        ),
        format!(
            "{} distinct, and {cookies} of {} logins at two processes from one state",
            seen.len(),
            2 * LOGINS
        ),
    ];
    Ok(Outcome { times: format!("{ids} secrets"), figures, problems, ..Outcome::default() })
}

/// The six bits of each character but the last, which stands for four.
fn decoded(text: &str) -> Vec<bool> {
    let value = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'-' => 62,
        _ => 63,
    };
    let six = |c: u8| (0..6).rev().map(move |place| value(c) >> place & 1 == 1);
    text.bytes().flat_map(six).take(256).collect()
}

/// Counts for the tests "frequency", "runs" (NIST SP 800-22) and "poker" (FIPS 140-1) of a stream of bits.
#[derive(Default)]
struct Bits {
    count: u64,
    one: u64,
    run: u64,
    last: Option<bool>,
    quads: [u64; 16],
}

#[expect(clippy::cast_precision_loss, reason = "counts of bits, far below 2^52")]
impl Bits {
    fn add(&mut self, bits: &[bool]) {
        for bit in bits {
            self.count += 1;
            self.one += u64::from(*bit);
            self.run += u64::from(self.last != Some(*bit));
            self.last = Some(*bit);
        }
        for quad in bits.chunks_exact(4) {
            let number = quad.iter().fold(0, |number, bit| number << 1 | usize::from(*bit));
            self.quads[number] += 1;
        }
    }

    /// How many standard deviations the number of ones lies from half.
    fn ones(&self) -> f64 {
        (2.0 * self.one as f64 - self.count as f64) / (self.count as f64).sqrt()
    }

    /// Likewise the number of runs from what this share of ones makes.
    fn runs(&self) -> f64 {
        let (n, p) = (self.count as f64, self.one as f64 / self.count as f64);
        let expected = 2.0 * n * p * (1.0 - p);
        (self.run as f64 - expected) / (2.0 * n.sqrt() * p * (1.0 - p))
    }

    /// Chi square of the sixteen numbers that four bits make.
    fn quads(&self) -> f64 {
        let all = self.quads.iter().sum::<u64>() as f64;
        let squares: f64 = self.quads.iter().map(|count| (*count as f64).powi(2)).sum();
        16.0 / all * squares - all
    }
}

/// Starts two processes on copies of one folder at once; how many different cookies their logins bring.
async fn twins(setup: &Setup) -> anyhow::Result<usize> {
    let mut one = Server::new(&setup.program, &[])?;
    let http = Http::new(&one.origin())?;
    one.start(&http).await?;
    let account = json!({ "email": EMAIL, "password": PASSWORD });
    let asked =
        send(http.request(Method::POST, "/api/v1/accounts").json(&account)).await.context("register")?;
    ensure!(asked.status == 202, "register: {}", asked.status);
    let inbox = send(http.request(Method::GET, "/dev/inbox")).await.context("inbox")?;
    let proof = json!({ "email": EMAIL, "code": inbox.body["messages"][0]["code"], "password": PASSWORD });
    let done =
        send(http.request(Method::POST, "/api/v1/accounts/verify").json(&proof)).await.context("verify")?;
    ensure!(done.status == 204, "verify: {}", done.status);
    one.stop().await?;
    let mut other = one.twin()?;
    let second = Http::new(&other.origin())?;
    one.spawn()?;
    other.spawn()?;
    let mut cookies = HashSet::new();
    for http in [&http, &second] {
        for _ in 0..LOGINS {
            cookies.insert(cookie(http).await?);
        }
    }
    one.stop().await?;
    other.stop().await?;
    Ok(cookies.len())
}

const EMAIL: &str = "twin@example.org";
const PASSWORD: &str = "violet-tandem-oyster-41";

async fn cookie(http: &Http) -> anyhow::Result<String> {
    http.until_ready().await?;
    let body = json!({ "identifier": EMAIL, "password": PASSWORD, "deliver": "cookie" });
    let reply = send(http.request(Method::POST, "/api/v1/login").json(&body)).await.context("log in")?;
    reply.cookie.with_context(|| format!("log in: {}", reply.status))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Bits {
        let mut bits = Bits::default();
        bits.add(&text.chars().map(|c| c == '1').collect::<Vec<_>>());
        bits
    }

    /// The examples of NIST SP 800-22, sections 2.1.8 and 2.3.8: the first 100 binary digits of pi.
    #[test]
    fn the_counts_are_those_of_the_standard() {
        let pi = of(
            "1100100100001111110110101010001000100001011010001100001000110100110001001100011001100010100010111000",
        );
        assert_eq!((pi.count, pi.one, pi.run), (100, 42, 52));
        assert!((pi.ones() + 1.6).abs() < 1e-9);
        assert!(of(&"01".repeat(500)).runs() > DEVIATIONS && of(&"0011".repeat(500)).quads() > SQUARES);
        assert!(of(&"1".repeat(50)).ones() > DEVIATIONS);
    }

    #[test]
    fn a_secret_is_read_bit_by_bit() {
        let text = format!("{}A", "_".repeat(42));
        let bits = decoded(&text);
        assert_eq!((bits.len(), bits.iter().filter(|bit| **bit).count()), (256, 252));
    }
}
