//! Status lists as verifiers fetch them (design section 5; IETF Token Status List).

use std::collections::BTreeMap;

use anyhow::Context as _;
use countersign_core::Span;
use countersign_jose::{
    Alg, Audience, JwkSet, KeySet, MAX_STATUS_LIST_LEN, Policy, StatusBits, StatusListToken, verify,
};
use countersign_server::clock::Clock as _;
use countersign_testkit::{Answer, Client, Options, START, StoreKind, TestServer, on_every_store};
use reqwest::{Method, StatusCode};

use crate::support::*;

/// Where an access token says that its status is.
struct Place {
    path: String,
    index: usize,
}

impl Place {
    fn of(server: &TestServer, token: &str) -> Self {
        let status = claims(token)["status"]["status_list"].clone();
        let path = status["uri"].as_str().unwrap().strip_prefix(&server.url).unwrap().to_owned();
        Self { path, index: usize::try_from(status["idx"].as_u64().unwrap()).unwrap() }
    }

    /// The list as a verifier sees it: fetched, and verified with the published keys.
    async fn fetch(&self, server: &TestServer) -> anyhow::Result<(StatusListToken, StatusBits)> {
        let answer = Client::tool(server).get(&self.path).await?;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("content-type"), "application/statuslist+jwt");
        self.verified(server, &answer).await
    }

    async fn verified(
        &self,
        server: &TestServer,
        answer: &Answer,
    ) -> anyhow::Result<(StatusListToken, StatusBits)> {
        let jwks = Client::tool(server).get("/.well-known/jwks.json").await?.body;
        let policy = Policy {
            typ: StatusListToken::TYP,
            algs: &[Alg::Es256],
            issuer: &server.url,
            audience: Audience::None,
            now: server.clock.now().seconds(),
            leeway: 0,
            max_len: MAX_STATUS_LIST_LEN,
        };
        let keys = KeySet::from_jwks(&JwkSet::parse(jwks.as_bytes())?)?;
        let list = verify::<StatusListToken>(&answer.body, &keys, &policy)?.into_claims();
        assert_eq!(list.sub, server.at(&self.path));
        let bits = StatusBits::decode(&list.status_list.lst, 131_072)?;
        Ok((list, bits))
    }

    /// How the token's own bit stands, and how many are set in all.
    async fn bit(&self, server: &TestServer) -> anyhow::Result<(Option<bool>, u32)> {
        let (_, bits) = self.fetch(server).await?;
        Ok((bits.get(self.index), bits.as_bytes().iter().map(|byte| byte.count_ones()).sum()))
    }
}

/// Whether whoever verifies the token without asking learns that it is over.
pub(crate) async fn revoked(server: &TestServer, token: &str) -> anyhow::Result<bool> {
    let (bit, _) = Place::of(server, token).bit(server).await?;
    bit.context("no place in its list")
}

#[tokio::test]
async fn a_list_is_signed_and_says_whose_it_is_and_how_long_it_is_good() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let place = Place::of(&server, &tokens(&server, KIM).await?.access);
        let (list, bits) = place.fetch(&server).await?;
        assert_eq!((list.iss.as_str(), bits.len(), list.ttl), (&*server.url, 131_072, 30));
        assert_eq!((list.iat, list.exp), (START.seconds(), START.seconds() + 60));
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn i7_the_bits_of_a_session_and_its_grants_are_set_when_the_logout_answers() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let mut kim = both_faces(&server, KIM).await?;
        let other = tokens(&server, KIM).await?;
        let (place, neighbour) = (Place::of(&server, &kim.tokens.access), Place::of(&server, &other.access));
        assert_eq!(place.path, neighbour.path);
        assert_ne!(place.index, neighbour.index);
        assert_eq!(place.bit(&server).await?, (Some(false), 0));
        // A refresh makes other tokens of the same grant: one bit for all of them.
        let next = tokens_of(&server, &kim.tokens.refresh).await?;
        assert_eq!(Place::of(&server, &next.access).index, place.index);
        kim.browser.send(kim.browser.request(Method::DELETE, "/api/v1/session")).await?;
        assert_eq!(place.bit(&server).await?, (Some(true), 2));
        assert_eq!(neighbour.bit(&server).await?, (Some(false), 2));
        // The account's other session is two bits more: its own and its grant's.
        let mut browser = browser(&server, KIM).await?;
        browser.send(browser.request(Method::DELETE, "/api/v1/sessions")).await?;
        assert_eq!(neighbour.bit(&server).await?, (Some(true), 4));
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn i10_the_bit_of_a_grant_is_set_when_its_refresh_token_came_back() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let first = tokens(&server, KIM).await?;
        let place = Place::of(&server, &first.access);
        tokens_of(&server, &first.refresh).await?;
        server.clock.advance(Span::seconds(30));
        refresh_is_refused(&server, &first.refresh).await?;
        assert_eq!(place.bit(&server).await?, (Some(true), 1));
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_list_is_no_older_than_what_the_reader_has_heard_of() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let login = tokens(&server, KIM).await?;
        let place = Place::of(&server, &login.access);
        let mut reader = Client::tool(&server);
        let before = place.fetch(&server).await?.0.seq;
        reader.bearer(Method::DELETE, "/api/v1/session", &login.access).await?;
        let after = place.fetch(&server).await?.0.seq;
        assert!(after > before, "{before} {after}");
        for seq in [0, before, after] {
            let answer = reader.get(&format!("{}?seq={seq}", place.path)).await?;
            let (list, bits) = place.verified(&server, &answer).await?;
            assert!(list.seq >= seq && bits.get(place.index) == Some(true));
        }
        for seq in [after + 1, after + 1_000_000, i64::MAX.unsigned_abs()] {
            let answer = reader.get(&format!("{}?seq={seq}", place.path)).await?;
            assert_eq!(
                (answer.status, &*answer.code()),
                (StatusCode::SERVICE_UNAVAILABLE, "overloaded"),
                "{seq}"
            );
            assert_eq!(answer.header("retry-after"), "1");
        }
        for query in
            ["seq=", "seq=-1", "seq=x", "seq=1.0", "seq=9223372036854775808", "seq=0&seq=0", "seq=0x1"]
        {
            let answer = reader.get(&format!("{}?{query}", place.path)).await?;
            assert_eq!(
                (answer.status, &*answer.code()),
                (StatusCode::BAD_REQUEST, "invalid_request"),
                "{query}"
            );
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn what_names_no_list_is_not_found() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let path = Place::of(&server, &tokens(&server, KIM).await?.access).path;
        let id = path.strip_prefix("/statuslists/").unwrap().to_owned();
        let unknown = "0".repeat(32);
        for id in [
            &*unknown,
            "x",
            &id[1..],
            &format!("{id}0"),
            &format!("{}A", &id[1..]),
            "%ff",
            "..%2fhealthz",
            "%00",
        ] {
            let answer = Client::tool(&server).get(&format!("/statuslists/{id}")).await?;
            assert_eq!((answer.status, &*answer.code()), (StatusCode::NOT_FOUND, "not_found"), "{id}");
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_list_is_never_over_a_second_old_and_shows_an_end_at_once() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let login = tokens(&server, KIM).await?;
        let place = Place::of(&server, &login.access);
        let mut reader = Client::tool(&server);
        let first = reader.get(&place.path).await?;
        server.clock.set(START + Span::seconds(1) - Span::from_micros(1));
        assert_eq!(reader.get(&place.path).await?.body, first.body, "signed once a second");
        server.clock.set(START + Span::seconds(1));
        let second = reader.get(&place.path).await?;
        assert_ne!(second.body, first.body);
        assert_eq!(place.verified(&server, &second).await?.0.iat, START.seconds() + 1);
        reader.bearer(Method::DELETE, "/api/v1/session", &login.access).await?;
        let ended = reader.get(&place.path).await?;
        assert_eq!(place.verified(&server, &ended).await?.1.get(place.index), Some(true));
        // A clock that was set back makes no list of the future stay.
        server.clock.set(START);
        assert_eq!(place.fetch(&server).await?.0.iat, START.seconds());
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn whoever_has_the_list_is_told_so_until_it_changes_or_runs_out() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let login = tokens(&server, KIM).await?;
        let place = Place::of(&server, &login.access);
        let mut reader = Client::tool(&server);
        let first = reader.get(&place.path).await?;
        assert_eq!(first.header("cache-control"), "no-cache");
        let tag = first.header("etag").to_owned();
        let ask = || Client::tool(&server).request(Method::GET, &place.path).header("if-none-match", &tag);
        server.clock.advance(Span::seconds(20));
        let same = Answer::read(ask().send().await?).await?;
        assert_eq!((same.status, &*same.body, same.header("etag")), (StatusCode::NOT_MODIFIED, "", &*tag));
        server.clock.advance(Span::seconds(20));
        let renewed = Answer::read(ask().send().await?).await?;
        assert_eq!(renewed.status, StatusCode::OK, "the copy would run out in 20 s");
        let tag = renewed.header("etag").to_owned();
        reader.bearer(Method::DELETE, "/api/v1/session", &login.access).await?;
        let request = reader.request(Method::GET, &place.path).header("if-none-match", &tag);
        assert_eq!(reader.send(request).await?.status, StatusCode::OK, "it changed");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn i12_a_bit_that_was_set_is_set_after_a_restart() {
    let server = TestServer::start(Options::on(StoreKind::Sqlite)).await.unwrap();
    register(&server, KIM).await.unwrap();
    let (ended, lives) = (tokens(&server, KIM).await.unwrap(), tokens(&server, KIM).await.unwrap());
    let places = [&ended, &lives].map(|tokens| Place::of(&server, &tokens.access));
    Client::tool(&server).bearer(Method::DELETE, "/api/v1/session", &ended.access).await.unwrap();
    let server = server.restart(BTreeMap::new()).await.unwrap();
    // The test's server has another port after it: what was signed for the old one is of another issuer.
    for (place, set) in places.iter().zip([true, false]) {
        assert_eq!(place.bit(&server).await.unwrap(), (Some(set), 2));
    }
    refresh_is_refused(&server, &ended.refresh).await.unwrap();
    tokens_of(&server, &lives.refresh).await.unwrap();
}
