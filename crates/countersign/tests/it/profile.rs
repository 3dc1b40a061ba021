//! What an account tells of itself: by page, API and command line.

use countersign_server::admin::{Changes, Command};
use countersign_testkit::{Client, on_every_store, on_every_store_with};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::*;

const PATH: &str = "/api/v1/profile";

#[tokio::test]
async fn a_profile_is_replaced_by_either_face_and_shown_by_both() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let mut browser = Client::browser(&server);
        browser.log_in(KIM, PASSWORD).await?;
        let before = browser.get(PATH).await?.json();
        assert_eq!((&before["email_verified"], &before["phone_number_verified"]), (&json!(true), &json!(false)));
        assert!(before["updated_at"].is_i64() && before.get("nickname").is_none(), "{before}");
        let told = json!({ "name": "김철수", "given_name": "철수", "birthdate": "1999-02-28", "phone_number": "+82 2 312 3456" });
        let answer = browser.json(Method::PUT, PATH, &told).await?;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let access = tokens(&server, KIM).await?.access;
        let mut tool = Client::tool(&server);
        let request = tool.request(Method::GET, PATH).bearer_auth(&access);
        let shown = tool.send(request).await?.json();
        assert_eq!((&shown["given_name"], &shown["phone_number"]), (&json!("철수"), &json!("+8223123456")));
        assert_eq!(browser.get("/api/v1/session").await?.json()["account"]["name"], "김철수", "nothing old is remembered");
        let request = tool.request(Method::PUT, PATH).bearer_auth(&access).json(&json!({ "nickname": "닉" }));
        let shown = tool.send(request).await?.json();
        assert_eq!((shown.get("given_name"), &shown["nickname"], &shown["locale"]), (None, &json!("닉"), &before["locale"]));
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn rec_12_all_that_is_wrong_with_a_profile_is_told_and_nothing_is_saved() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let mut browser = Client::browser(&server);
        browser.log_in(KIM, PASSWORD).await?;
        let wrong = json!({ "nickname": "a\nb", "website": "javascript:alert(1)", "given_name": "x", "locale": "xx" });
        let answer = browser.json(Method::PUT, PATH, &wrong).await?;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        let errors = answer.json()["errors"].as_array().cloned().unwrap_or_default();
        let named: Vec<_> = errors.iter().filter_map(|error| error["field"].as_str()).collect();
        assert_eq!(named, ["locale", "nickname", "website"]);
        for unknown in [json!({ "email": "x@example.org" }), json!({ "email_verified": true }), json!({ "department": "x" })] {
            assert_eq!(browser.json(Method::PUT, PATH, &unknown).await?.status, StatusCode::BAD_REQUEST, "{unknown}");
        }
        let page = browser.form("/account/profile", &[("nickname", "ok"), ("website", "ftp://x")]).await?;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
        assert!(page.body.contains("id=\"website-problem\"") && !page.body.contains("id=\"nickname-problem\""));
        assert_eq!(browser.get(PATH).await?.json().get("nickname"), None);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_profile_is_saved_by_its_page_and_keeps_what_operators_wrote() {
    on_every_store_with(&[("COUNTERSIGN_CLAIMS_CUSTOM", "department=profile")], async |server| {
        register(&server, KIM).await?;
        let update = |changes| Command::AccountUpdate { account: KIM.to_owned(), changes };
        let one = |name: &str, text: &str| [(name.to_owned(), text.to_owned())].into();
        let phone = Changes {
            fields: one("phone_number", "+8223123456"),
            phone_number_verified: Some(true),
            ..Changes::default()
        };
        operate(&server, update(phone)).await?;
        operate(&server, update(Changes { claims: one("department", "R&D"), ..Changes::default() })).await?;
        for bad in [
            Changes { claims: one("salary", "1"), ..Changes::default() },
            Changes { fields: one("email", "x"), ..Changes::default() },
            Changes { locale: Some("xx".to_owned()), ..Changes::default() },
        ] {
            assert!(operate(&server, update(bad)).await.is_err());
        }
        let mut browser = Client::browser(&server);
        browser.log_in(KIM, PASSWORD).await?;
        let saved =
            browser.form("/account/profile", &[("name", "Kim"), ("phone_number", "+82 2 312 3456")]).await?;
        assert_eq!((saved.status, saved.location()), (StatusCode::SEE_OTHER, "/account/profile?saved=1"));
        let page = browser.get("/account/profile?saved=1").await?;
        assert!(page.body.contains("value=\"+8223123456\""), "{}", page.body);
        let told =
            countersign_store::account::profile::told(&server.app.store, server.account(KIM).await?.id)
                .await?;
        let profile = told.map(|told| told.profile);
        let profile = profile.ok_or_else(|| anyhow::anyhow!("no profile"))?;
        assert_eq!((profile.custom("department"), profile.phone_number_verified()), (Some("R&D"), true));
        let shown = browser.get(PATH).await?.json();
        assert_eq!((&shown["phone_number_verified"], shown.get("department")), (&Value::Bool(true), None));
        Ok(())
    })
    .await;
}
