//! The session check that is answered before the router is asked gives the router's own answer.

use countersign_testkit::{Client, Options, StoreKind, TestServer};

use crate::support::{KIM, PASSWORD};

#[tokio::test]
async fn i2_the_answer_at_once_is_the_routers_answer() {
    let server = TestServer::start(Options::on(StoreKind::Memory)).await.expect("a server");
    let mut kim = Client::browser(&server);
    kim.register(KIM, PASSWORD).await.expect("an account");
    kim.log_in(KIM, PASSWORD).await.expect("a session");
    kim.get("/api/v1/session").await.expect("the session is in memory");
    let at_once = kim.get("/api/v1/session").await.expect("an answer");
    // A query, even an empty one, takes the way through the router.
    let routed = kim.get("/api/v1/session?").await.expect("an answer");
    assert_eq!((at_once.status, &at_once.body), (routed.status, &routed.body));
    assert_eq!(at_once.headers, routed.headers);

    // With an Authorization header the cookie is not looked at, here as there.
    let request = kim.request(reqwest::Method::GET, "/api/v1/session").bearer_auth("no.such.token");
    assert_eq!(kim.send(request).await.expect("an answer").status, 401);
    // Under a name that is not ours nobody is answered.
    let request = kim.request(reqwest::Method::GET, "/api/v1/session").header("host", "evil.example");
    assert_eq!(kim.send(request).await.expect("an answer").status, 421);
}
