//! Logouts that a client asks for (attack OAU-72).

use countersign_core::client::Profile;
use countersign_testkit::{Client, on_every_store};
use reqwest::StatusCode;
use serde_json::json;

use crate::support::*;

const PATH: &str = "/oauth2/logout";
const URI: &str = "https%3A%2F%2Fnotes.example%2Fout";

#[tokio::test]
async fn oau_72_without_a_hint_a_page_asks_and_nobody_is_led_elsewhere() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let metadata = json!({ "post_logout_redirect_uris": ["https://notes.example/out"] });
        server.add_client("notes", Profile::Oidc, &metadata, Some("secret of notes")).await?;
        let mut browser = Client::browser(&server);
        let page = browser.get(&format!("{PATH}?post_logout_redirect_uri={URI}&client_id=notes")).await?;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.contains("You are signed out"));
        browser.log_in(KIM, PASSWORD).await?;
        for query in ["", "?state=x", &format!("?post_logout_redirect_uri={URI}&client_id=notes")] {
            let answer = browser.get(&format!("{PATH}{query}")).await?;
            assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/logout"), "{query}");
        }
        assert!(browser.get("/logout").await?.body.contains("id=\"logout-confirm\""));
        for hint in ["x", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0."] {
            let answer =
                browser.get(&format!("{PATH}?id_token_hint={hint}&post_logout_redirect_uri={URI}")).await?;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{hint}");
            assert!(answer.body.contains("Something went wrong"));
        }
        let form =
            [("post_logout_redirect_uri", "https://notes.example/out"), ("state", "a b"), ("other", "x")];
        let posted = browser.form(PATH, &form).await?;
        let to = format!("{PATH}?post_logout_redirect_uri={URI}&state=a+b");
        assert_eq!((posted.status, posted.location()), (StatusCode::SEE_OTHER, &*to));
        assert_eq!(browser.get("/api/v1/session").await?.status, StatusCode::OK, "nothing ended");
        Ok(())
    })
    .await;
}
