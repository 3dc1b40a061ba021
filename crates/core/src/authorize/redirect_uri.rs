//! Where the answer goes: an address that the client registered, compared as a string (RFC 9700 section 2.1, RFC 6749 section
//! 3.1.2.3; attacks OAU-01 to OAU-06). Until this rule has spoken nobody is sent anywhere.

use url::{Host, Url};

use crate::client::{ApplicationType, Client, Kind, Profile};

use super::{Asked, NoWayBack};

/// An address that is the client's. Only [`prove`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectUri(String);

/// In bytes: more than any client needs (attack OAU-05).
const MAX_BYTES: usize = 2048;

/// What the answer itself says: an address that says it already would say it twice (attack OAU-06).
const OURS: [&str; 9] = [
    "code",
    "state",
    "iss",
    "error",
    "error_description",
    "error_uri",
    "response",
    "access_token",
    "id_token",
];

/// Finds the address in the request, or the only one that the client has, and proves that it is the client's.
pub fn prove(asked: Asked<'_>) -> Result<RedirectUri, NoWayBack> {
    let registered = &asked.client.metadata.redirect_uris;
    let uri = match (asked.parameters.get("redirect_uri"), &registered[..]) {
        (Some(sent), _) if registered.iter().any(|known| known == sent) => sent,
        (Some(sent), _) if has_any_port(asked.client) => {
            let fits = |known: &String| is_same_but_for_port(known, sent);
            if registered.iter().any(fits) { sent } else { return Err(NoWayBack::RedirectUri) }
        }
        (None, [only]) if !must_send(asked) => only,
        _ => return Err(NoWayBack::RedirectUri),
    };
    if is_sound(uri) { Ok(RedirectUri(uri.to_owned())) } else { Err(NoWayBack::RedirectUri) }
}

impl RedirectUri {
    /// As it was registered, or sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether only those who run a site on the web get what is sent there, and not whoever listens on the person's machine or
    /// claims the scheme (RFC 8252 section 8.6).
    pub fn is_of_a_site(&self) -> bool {
        let url = Url::parse(&self.0).ok().filter(|url| url.scheme() == "https");
        url.as_ref().and_then(Url::host).is_some_and(|host| match host {
            Host::Domain(name) => name != "localhost" && !name.ends_with(".localhost"),
            Host::Ipv4(address) => !address.is_loopback(),
            Host::Ipv6(address) => !address.is_loopback(),
        })
    }

    /// What a page's `form-action` must name so that browsers follow the redirect after a form: an origin, or a scheme
    /// where the policy's grammar has no word for the origin.
    pub fn form_action(&self) -> String {
        let parsed = Url::parse(&self.0).ok();
        let web = parsed.as_ref().filter(|url| matches!(url.scheme(), "http" | "https"));
        match web {
            Some(url) if !matches!(url.host(), Some(Host::Ipv6(_))) => url.origin().ascii_serialization(),
            _ => parsed.map_or_else(|| "'none'".to_owned(), |url| format!("{}:", url.scheme())),
        }
    }

    /// What people are told of it: the host, with its port where it has one; for an app's own scheme, that.
    pub fn shown(&self) -> String {
        let Ok(url) = Url::parse(&self.0) else { return String::new() };
        match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) if matches!(url.scheme(), "http" | "https") => host.to_owned(),
            _ => format!("{}:", url.scheme()),
        }
    }
}

/// `OpenID` Connect Core section 3.1.2.1: required. A plain OAuth client with one address may leave it out.
fn must_send(asked: Asked<'_>) -> bool {
    let scope = asked.parameters.get("scope").unwrap_or("");
    let openid = scope.split(' ').any(|word| word == "openid");
    openid || asked.client.profile != Profile::Oauth21
}

/// An app on somebody's device gets its port from the system at each start (RFC 8252 section 7.3).
fn has_any_port(client: &Client) -> bool {
    client.kind() == Kind::Public || client.metadata.application_type == ApplicationType::Native
}

fn is_same_but_for_port(registered: &str, sent: &str) -> bool {
    let split = |text: &str| {
        let rest = text.strip_prefix("http://")?;
        let host = ["127.0.0.1", "[::1]", "localhost"].into_iter().find(|host| rest.starts_with(host))?;
        let after = &rest[host.len()..];
        let digits =
            after.strip_prefix(':').map_or(0, |port| port.bytes().take_while(u8::is_ascii_digit).count() + 1);
        // A colon without a number is no port, and a host goes on until a slash or a query.
        let ends = digits != 1 && matches!(after.as_bytes().get(digits), None | Some(b'/' | b'?'));
        ends.then(|| (host, after[digits..].to_owned()))
    };
    split(registered).is_some_and(|known| split(sent) == Some(known))
}

/// What no registration should have let in, looked at once more where it counts.
fn is_sound(uri: &str) -> bool {
    let Ok(url) = Url::parse(uri) else { return false };
    let plain = uri.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte));
    let scheme = !matches!(url.scheme(), "javascript" | "data" | "vbscript" | "blob" | "file" | "about");
    let says_ours = url.query_pairs().any(|(name, _)| OURS.contains(&name.as_ref()));
    plain
        && uri.len() <= MAX_BYTES
        && scheme
        && !uri.contains('#')
        && url.username().is_empty()
        && url.password().is_none()
        && !says_ours
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorize::tests::{client, parameters};
    use crate::client::AuthMethod;

    fn proven(registered: &[&str], sent: Option<&str>, change: impl FnOnce(&mut Client)) -> Option<String> {
        let mut client = client();
        client.metadata.redirect_uris = registered.iter().map(|uri| (*uri).to_owned()).collect();
        change(&mut client);
        let parameters = parameters(&[]).with("redirect_uri", sent.map(str::to_owned));
        prove(Asked { parameters: &parameters, client: &client, pushed: false }).ok().map(|uri| uri.0)
    }

    #[test]
    fn oau_02_oau_03_nothing_but_a_registered_address_is_proven() {
        let registered = ["https://a.example/cb", "https://a.example/cb?x=1"];
        for known in registered {
            assert_eq!(proven(&registered, Some(known), |_| ()).as_deref(), Some(known));
        }
        for sent in [
            "https://a.example/cb/",
            "https://a.example/CB",
            "https://A.example/cb",
            "https://a.example:443/cb",
            "https://a.example:8443/cb",
            "http://a.example/cb",
            "https://a.example/cb?",
            "https://a.example/cb?x=2",
            "https://a.example/cb?x=1&y=2",
            "https://a.example/cb#x",
            "https://a.example/cb/../cb",
            "https://a.example/%63b",
            "https://a.example/cb%00",
            "https://a.example/cb\n",
            " https://a.example/cb",
            "https://a.example@evil.example/cb",
            "https://a.example\\@evil.example/cb",
            "https://a%2eexample/cb",
            "https://a.example.evil.example/cb",
            "https://evil.example/https://a.example/cb",
            "https://\u{430}.example/cb",
            "//a.example/cb",
            "javascript:alert(1)",
        ] {
            assert_eq!(proven(&registered, Some(sent), |_| ()), None, "{sent}");
        }
    }

    #[test]
    fn oau_04_it_may_be_left_out_only_by_a_plain_client_with_one_address() {
        let (one, two) = (["https://a.example/cb"], ["https://a.example/cb", "https://a.example/2"]);
        let plain = |uris: &[&str], profile| {
            let mut client = client();
            client.profile = profile;
            client.metadata.redirect_uris = uris.iter().map(|uri| (*uri).to_owned()).collect();
            let parameters = parameters(&[]).with("redirect_uri", None).with("scope", None);
            prove(Asked { parameters: &parameters, client: &client, pushed: false }).is_ok()
        };
        assert!(plain(&one, Profile::Oauth21));
        assert!(!plain(&two, Profile::Oauth21));
        assert!(!plain(&[], Profile::Oauth21));
        assert!(!plain(&one, Profile::Oidc));
        assert!(!plain(&one, Profile::Fapi2));
        assert_eq!(proven(&one, None, |_| ()), None, "with the scope openid it is required");
    }

    #[test]
    fn oau_05_oau_06_what_should_never_have_been_registered_is_not_proven() {
        let long = format!("https://a.example/{}", "x".repeat(2048));
        for uri in [
            "javascript:alert(1)",
            "data:text/html,x",
            "https://a.example/cb#x",
            "https://user@a.example/cb",
            "https://a.example/cb?code=x",
            "https://a.example/cb?state=x",
            "https://a.example/cb?a=b&iss=x",
            "https://a.example/cb?%63ode=x",
            "https://a.example/c b",
            "/cb",
            &long,
        ] {
            assert_eq!(proven(&[uri], Some(uri), |_| ()), None, "{uri}");
        }
    }

    #[test]
    fn an_app_on_a_device_may_have_any_port_and_nothing_else_of_it() {
        let registered =
            ["http://127.0.0.1/cb", "http://localhost:1/cb", "http://[::1]/cb", "https://a.example/cb"];
        let public = |client: &mut Client| client.metadata.token_endpoint_auth_method = AuthMethod::None;
        for sent in [
            "http://127.0.0.1:4711/cb",
            "http://localhost:4711/cb",
            "http://localhost/cb",
            "http://[::1]:9/cb",
        ] {
            assert_eq!(proven(&registered, Some(sent), public).as_deref(), Some(sent));
            assert_eq!(proven(&registered, Some(sent), |_| ()), None, "a server has its own port: {sent}");
        }
        for sent in [
            "http://127.0.0.1:4711/other",
            "http://127.0.0.1:4711/cb?x",
            "http://127.0.0.1.evil.example:1/cb",
            "http://127.0.0.1:1@evil.example/cb",
            "http://127.0.0.1:/cb",
            "http://127.0.0.1:99999/cb",
            "http://localhost.evil.example/cb",
            "http://127.0.0.2:1/cb",
            "https://127.0.0.1:1/cb",
            "https://a.example:1/cb",
        ] {
            assert_eq!(proven(&registered, Some(sent), public), None, "{sent}");
        }
    }

    #[test]
    fn an_address_on_the_persons_machine_is_of_no_site() {
        for (uri, is) in [
            ("https://a.example/cb", true),
            ("https://a.example:8443/cb", true),
            ("http://a.example/cb", false),
            ("http://127.0.0.1:4711/cb", false),
            ("https://127.0.0.1/cb", false),
            ("https://localhost/cb", false),
            ("https://[::1]/cb", false),
            ("com.example.app:/cb", false),
            ("com.example.app://a.example/cb", false),
        ] {
            assert_eq!(RedirectUri(uri.to_owned()).is_of_a_site(), is, "{uri}");
        }
    }

    #[test]
    fn pages_name_the_host_and_the_policy_its_origin() {
        let table = [
            ("https://a.example/cb?x", "a.example", "https://a.example"),
            ("http://localhost:3000/cb", "localhost:3000", "http://localhost:3000"),
            ("http://[::1]:3000/cb", "[::1]:3000", "http:"),
            ("com.example.app:/cb", "com.example.app:", "com.example.app:"),
            ("com.example.app://x/cb", "com.example.app:", "com.example.app:"),
        ];
        for (uri, shown, action) in table {
            let uri = RedirectUri(uri.to_owned());
            assert_eq!((uri.shown().as_str(), uri.form_action().as_str()), (shown, action));
        }
    }
}
