//! The README keeps its word: what it tells to type works as it stands.

use std::io::Write as _;
use std::process::Command;

use anyhow::{Context as _, ensure};

use super::program::Place;

const ORIGIN: &str = "http://localhost:8080";

/// The shell blocks of a document that talk to a server.
fn conversation(document: &str) -> String {
    let blocks = document.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.filter(|block| block.contains("curl ")).collect()
}

#[test]
fn every_curl_line_of_both_readmes_works() -> anyhow::Result<()> {
    if Command::new("curl").arg("--version").output().is_err() {
        let reason = "the curl lines of the READMEs not run: curl is missing";
        ensure!(std::env::var_os("TEST_REQUIRE_ALL").is_none(), reason);
        writeln!(std::io::stderr(), "{reason}")?;
        return Ok(());
    }
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    for name in ["README.md", "README.ko.md"] {
        let document = std::fs::read_to_string(format!("{root}/{name}"))?;
        let place = Place::new()?;
        let server = place.start()?;
        let script = conversation(&document).replace(ORIGIN, &server.url);
        let output = Command::new("sh").args(["-euc", &script]).current_dir(place.path("")).output()?;
        let said = String::from_utf8(output.stdout).context("UTF-8")?;
        ensure!(output.status.success(), "{name}: {said}");
        // Verified; both faces; the others ended, the token and its refresh refused; signed out.
        let expected = [
            "{}",
            "HTTP/1.1 204",
            "\"session\":",
            "\"face\":\"cookie\"",
            "\"face\":\"token\"",
            "\"keys\":",
            "\"sessions\":",
            "HTTP/1.1 204",
            "HTTP/1.1 401",
            "HTTP/1.1 400",
            "invalid_grant",
            "HTTP/1.1 204",
            "HTTP/1.1 401",
        ];
        let mut rest = said.as_str();
        for part in expected {
            rest =
                rest.split_once(part).with_context(|| format!("{name}: {part} is missing from: {rest}"))?.1;
        }
        ensure!(rest.matches("HTTP/1.1").count() == 0, "{name}: {rest}");
    }
    Ok(())
}
