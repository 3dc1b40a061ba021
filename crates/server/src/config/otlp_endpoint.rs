//! `telemetry.otlp_endpoint`: where traces go.

use std::fmt;

use http::Uri;

use super::text::Written;

/// The base URL of a collector that takes OTLP over HTTP. In clear: it stands on the same machine or network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtlpEndpoint(String);

impl OtlpEndpoint {
    /// Where traces are posted (OTLP 1.0, "OTLP/HTTP Request").
    pub fn traces(&self) -> String {
        format!("{}/v1/traces", self.0)
    }
}

impl fmt::Display for OtlpEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Written for OtlpEndpoint {
    fn read(text: &str) -> Result<Self, String> {
        let problem = || "must be an http:// URL such as http://127.0.0.1:4318".to_owned();
        let uri: Uri = text.parse().map_err(|_| problem())?;
        let host = uri.authority().filter(|authority| !authority.as_str().contains('@'));
        if uri.scheme_str() != Some("http") || host.is_none() || uri.query().is_some() {
            return Err(problem());
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_the_base_url_of_a_collector() {
        let table = [
            ("http://127.0.0.1:4318", Some("http://127.0.0.1:4318/v1/traces")),
            ("http://collector.internal:4318/", Some("http://collector.internal:4318/v1/traces")),
            ("http://[::1]:4318/otlp", Some("http://[::1]:4318/otlp/v1/traces")),
            ("https://collector.example.com", None),
            ("http://user:password@collector:4318", None),
            ("http://collector:4318/?token=x", None),
            ("127.0.0.1:4318", None),
            ("/v1/traces", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(
                OtlpEndpoint::read(text).ok().map(|found| found.traces()).as_deref(),
                expected,
                "{text:?}"
            );
        }
    }
}
