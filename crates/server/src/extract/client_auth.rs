//! Which client speaks (RFC 6749 section 2.3, RFC 7523 section 3): token, PAR, introspection, revocation and device
//! endpoints ask it alike. Whatever is wrong is one answer, `invalid_client` (attacks OAU-32 to OAU-34).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_core::audit::Actor;
use countersign_core::client::authenticate::{self, Facts, Proof};
use countersign_core::client::{AuthMethod, Client, ClientId, Profile};
use countersign_core::replay::{self, Mark};
use countersign_core::secret::sha256;
use countersign_core::{Span, Time};
use countersign_jose::{Alg, AssertionKeys, AssertionPolicy, Audience, ClientAssertion, JwkSet, KeySet};
use countersign_store::client::Stored;
use countersign_store::spent::{is_spent, spend_batch};
use http::{HeaderMap, header};
use zeroize::Zeroizing;

use crate::ctx::Ctx;
use crate::flows::document;
use crate::outbound::Whose;
use crate::respond::problem::Problem;

use super::form::{Form, decode};

/// `client_assertion_type` of a JWT.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The longest that an assertion may still count.
const MAX_LIFE: Span = Span::minutes(5);
/// Endpoints whose URL an assertion may name where the client's profile allows it (`OpenID` Connect Core section 9, RFC 9126
/// section 2).
const ENDPOINTS: [&str; 5] =
    ["/oauth2/token", "/oauth2/par", "/oauth2/introspect", "/oauth2/revoke", "/oauth2/device_authorization"];

/// How the request proves its client, and nothing else of it was believed yet.
enum Given<'a> {
    Name,
    Secret(AuthMethod, Zeroizing<String>),
    Assertion(&'a str),
}

/// The client that sends the request.
pub(crate) async fn authenticate(
    ctx: &Ctx,
    headers: &HeaderMap,
    form: &Form,
) -> Result<Arc<Stored>, Problem> {
    let by_header = headers.contains_key(header::AUTHORIZATION);
    let refuse = |why: &'static str| invalid_client(by_header).cause(why);
    let (id, given) = read(headers, form).map_err(refuse)?;
    // A document that says otherwise since, or is gone, counts here as it does where people log in (attack OAU-44).
    let stored = document::find(ctx, &id).await?;
    let secrets: Vec<_> = stored.iter().flat_map(|stored| &stored.secrets).collect();
    let secrets: Vec<_> = secrets.iter().map(|secret| (secret.hash, secret.expires_at)).collect();
    let (proof, mark) = prove(ctx, stored.as_deref(), &given).await;
    let facts = Facts { client: stored.as_deref().map(|stored| &stored.client), secrets: &secrets };
    let decision = authenticate::decide(&facts, proof, ctx.now);
    match (decision, stored) {
        (Ok(()), Some(stored)) => {
            spend(ctx, &stored.client.id, mark, refuse).await?;
            Ok(stored)
        }
        (Err(refusal), Some(_)) => {
            // One that does not exist was asked of the database: so is this one (attack OAU-33).
            ctx.app.store.client_again(&id).await?;
            Err(refuse(refusal.as_str()))
        }
        (Err(refusal), None) => Err(refuse(refusal.as_str())),
        (Ok(()), None) => Err(refuse("no such client")),
    }
}

/// The client's name and the one proof that came; the error is for the log.
fn read<'a>(headers: &HeaderMap, form: &'a Form) -> Result<(ClientId, Given<'a>), &'static str> {
    let filled = |name| form.get(name).filter(|value: &&str| !value.is_empty());
    let named = filled("client_id");
    let proofs = (basic(headers)?, filled("client_secret"), filled("client_assertion"));
    let (name, given) = match proofs {
        (None, None, None) => (named.map(str::to_owned), Given::Name),
        (Some((name, secret)), None, None) => {
            (Some(name), Given::Secret(AuthMethod::ClientSecretBasic, secret))
        }
        (None, Some(secret), None) => {
            let secret = Zeroizing::new(secret.to_owned());
            (named.map(str::to_owned), Given::Secret(AuthMethod::ClientSecretPost, secret))
        }
        (None, None, Some(assertion)) => {
            if form.get("client_assertion_type") != Some(JWT_BEARER) {
                return Err("not a type of assertion");
            }
            (ClientAssertion::unverified_subject(assertion).ok(), Given::Assertion(assertion))
        }
        _ => return Err("more than one proof"),
    };
    let name = name.ok_or("no client is named")?;
    if named.is_some_and(|named| named != name) {
        return Err("two clients are named");
    }
    Ok((ClientId::parse(&name).ok_or("no name of a client")?, given))
}

/// Name and secret of `Authorization: Basic`, each form-encoded before they were joined (RFC 6749 section 2.3.1).
fn basic(headers: &HeaderMap) -> Result<Option<(String, Zeroizing<String>)>, &'static str> {
    const MALFORMED: &str = "a malformed Authorization header";
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(first) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err("two Authorization headers");
    }
    let (scheme, encoded) = first.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(MALFORMED)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err("not a scheme of this endpoint");
    }
    let joined = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| MALFORMED)?);
    let joined = str::from_utf8(&joined).map_err(|_| MALFORMED)?;
    let (name, secret) = joined.split_once(':').ok_or(MALFORMED)?;
    let part = |text| decode(text).map_err(|_| MALFORMED);
    let secret = Zeroizing::new(part(secret)?);
    // No secret of ours is empty: whoever sends none means its name alone, and says so in the form.
    if secret.is_empty() { Err("an empty secret") } else { Ok(Some((part(name)?, secret))) }
}

/// The proof as the rule takes it, and the mark of an assertion that counts.
async fn prove(ctx: &Ctx, stored: Option<&Stored>, given: &Given<'_>) -> (Proof, Option<Mark>) {
    let assertion = match given {
        Given::Name => return (Proof::Name, None),
        Given::Secret(method, secret) => return (Proof::Secret(*method, sha256(secret.as_bytes())), None),
        Given::Assertion(assertion) => assertion,
    };
    let Some(stored) = stored else { return (Proof::Assertion(AuthMethod::PrivateKeyJwt, false), None) };
    let (method, verified) = match stored.client.metadata.token_endpoint_auth_method {
        AuthMethod::ClientSecretJwt => (AuthMethod::ClientSecretJwt, by_secret(ctx, stored, assertion)),
        _ => (AuthMethod::PrivateKeyJwt, by_key(ctx, &stored.client, assertion).await),
    };
    let client = stored.client.id.as_str().as_bytes();
    let mark = verified.map(|verified| {
        let end = Time::from_micros(verified.exp.saturating_mul(1_000_000));
        let until = end + ctx.app.policy.leeway + Span::seconds(1);
        Mark::new(replay::Kind::Assertion, client, verified.jti.as_bytes(), until)
    });
    (Proof::Assertion(method, mark.is_some()), mark)
}

/// By the keys that are registered, or lie where the client says. Keys that fit none are asked for once more: it may have
/// replaced them (attack JWT-06 limits how often).
async fn by_key(ctx: &Ctx, client: &Client, assertion: &str) -> Option<ClientAssertion> {
    if let Some(registered) = &client.metadata.jwks {
        let keys = serde_json::to_vec(registered).ok()?;
        return by_keys(ctx, client, assertion, &KeySet::from_jwks(&JwkSet::parse(&keys).ok()?).ok()?);
    }
    let (app, at) = (&ctx.app, (Whose::of(client), client.metadata.jwks_uri.as_deref()?));
    let keys = app.client_keys.get(app, at).await?;
    if let Some(verified) = by_keys(ctx, client, assertion, &keys) {
        return Some(verified);
    }
    let keys = app.client_keys.again(app, at, &keys).await?;
    by_keys(ctx, client, assertion, &keys)
}

fn by_keys(ctx: &Ctx, client: &Client, assertion: &str, keys: &KeySet) -> Option<ClientAssertion> {
    let registered = client.metadata.token_endpoint_auth_signing_alg.as_deref();
    let accepted = |alg: &Alg| {
        let fit = client.profile != Profile::Fapi2 || *alg != Alg::Rs256;
        fit && registered.is_none_or(|name| alg.as_str() == name)
    };
    let algs: Vec<Alg> = Alg::ALL.iter().copied().filter(accepted).collect();
    verify(ctx, client, assertion, &[AssertionKeys::Public(keys, &algs)])
}

fn by_secret(ctx: &Ctx, stored: &Stored, assertion: &str) -> Option<ClientAssertion> {
    let (client, place) = (&stored.client, stored.client.id.as_str().as_bytes());
    let counts = stored.secrets.iter().filter(|secret| secret.expires_at.is_none_or(|end| ctx.now < end));
    let sealed = counts.filter_map(|secret| secret.sealed.as_deref());
    let secrets: Vec<_> =
        sealed.filter_map(|sealed| ctx.app.client_secrets.open(sealed, place).ok()).collect();
    let keys: Vec<_> = secrets.iter().map(|secret| AssertionKeys::Secret(secret)).collect();
    verify(ctx, client, assertion, &keys)
}

fn verify(
    ctx: &Ctx,
    client: &Client,
    assertion: &str,
    keys: &[AssertionKeys<'_>],
) -> Option<ClientAssertion> {
    let public = &ctx.app.config.public_url;
    let issuer = public.origin();
    let endpoints = ENDPOINTS.map(|path| public.join(path));
    let all: Vec<&str> = endpoints.iter().map(String::as_str).chain([issuer]).collect();
    let audience = if client.profile.accepts_endpoint_audience() {
        Audience::OnlyOf(&all)
    } else {
        Audience::Exactly(issuer)
    };
    let policy = AssertionPolicy {
        client: client.id.as_str(),
        audience,
        now: ctx.now.seconds(),
        leeway: ctx.app.policy.leeway.as_seconds(),
        max_life: MAX_LIFE.as_seconds(),
    };
    keys.iter().find_map(|keys| ClientAssertion::verify(assertion, *keys, &policy).ok())
}

/// An assertion counts once, whatever becomes of the request (attack OAU-34, I9).
async fn spend(
    ctx: &Ctx,
    client: &ClientId,
    mark: Option<Mark>,
    refuse: impl Fn(&'static str) -> Problem,
) -> Result<(), Problem> {
    let Some(mark) = mark else { return Ok(()) };
    let mut attempts = ctx.attempts();
    while !attempts.apply(spend_batch(&mark, client, &ctx.stamp(Actor::Anonymous))).await? {
        if is_spent(&ctx.app.store, &mark).await? {
            return Err(refuse("an assertion that was used"));
        }
    }
    Ok(())
}

/// The one answer. The challenge only where the header was tried (RFC 6749 section 5.2).
pub(crate) fn invalid_client(by_header: bool) -> Problem {
    let problem = Problem::oauth("invalid_client", "The client is unknown, closed, or did not prove itself.");
    if by_header { problem.challenge("Basic realm=\"countersign\"") } else { problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_basic(value: &str) -> Result<Option<(String, String)>, &'static str> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        basic(&headers).map(|found| found.map(|(name, secret)| (name, secret.to_string())))
    }

    #[test]
    fn oau_32_basic_is_decoded_as_rfc_6749_says_and_no_other_way() {
        let encode = |text: &str| format!("Basic {}", STANDARD.encode(text));
        let table = [
            ("a:b", "a", "b"),
            ("a:b:c", "a", "b:c"),
            ("a%3Ab:c", "a:b", "c"),
            ("a:%ED%95%9C+%25", "a", "한 %"),
            ("https%3A%2F%2Fapp.example%2Fclient:s", "https://app.example/client", "s"),
        ];
        for (text, name, secret) in table {
            let expected = Ok(Some((name.to_owned(), secret.to_owned())));
            assert_eq!(read_basic(&encode(text)), expected, "{text}");
        }
        assert_eq!(read_basic(&encode("a:b").replace("Basic", "bAsIc")).unwrap().unwrap().0, "a");
        for bad in ["a", "a:", "a:%", "a:%zz", "a:%ff"] {
            assert!(read_basic(&encode(bad)).is_err(), "{bad}");
        }
        for bad in
            ["Basic", "Basic ", "Basic YTpi=", "Basic YTpi\u{a0}", "Basic Y Tpi", "Basic YTp_", "Bearer YTpi"]
        {
            let header = http::HeaderValue::from_bytes(bad.as_bytes()).unwrap();
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, header);
            assert!(basic(&headers).is_err(), "{bad}");
        }
    }
}
