//! What a person sees who is shown a code (RFC 8628 sections 3.3 and 5.4; attack CSR-09).

use countersign_testkit::{Answer, Client, on_every_store};
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::*;
use crate::authorize::follow;
use crate::support::*;

#[tokio::test]
async fn csr_09_a_link_with_a_code_asks_first_and_another_sites_form_answers_nothing() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        tv(&server, json!({})).await?;
        let codes = codes(&server, &[("scope", "openid email offline_access")]).await?;
        let path = format!("/device?user_code={}", codes.user);
        // Signed out: the login, and back to the code.
        let mut kim = Client::browser(&server);
        let first = kim.get(&path).await?;
        assert_eq!(first.location(), format!("/login?return_to=%2Fdevice%3Fuser_code%3D{}", codes.user));
        kim.get(first.location()).await?;
        let fields = [("username", KIM), ("password", PASSWORD), ("return_to", &*path)];
        let logged_in = kim.form("/login", &fields).await?;
        let page = follow(&mut kim, logged_in).await?;
        assert_eq!(page.status, StatusCode::OK);
        let shown = [
            "Notes for TV",
            KIM,
            &*codes.user,
            "127.0.0.1",
            "Only if you started this yourself",
            "See your email",
            "consent-allow",
            "consent-deny",
            "Stay connected",
        ];
        for words in shown {
            assert!(page.body.contains(words), "{words}: {}", page.body);
        }
        // Nothing was decided by that, nor by what another site sends.
        assert_eq!(told(&server, &codes).await?, "authorization_pending");
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.example"),
        ] {
            let mut foreign = Client::tool(&server);
            foreign.set_cookie(SESSION, kim.cookie(SESSION).unwrap());
            let fields = [("user_code", codes.user.as_str()), ("choice", "allow")];
            let request = foreign.request(Method::POST, "/device").header(name, value).form(&fields);
            assert_eq!(Answer::read(request.send().await?).await?.status, StatusCode::FORBIDDEN, "{value}");
        }
        for query in ["&choice=allow", "&done=allow"] {
            kim.get(&format!("{path}{query}")).await?;
        }
        assert_eq!(server.audited("device.answered").await?, 0);
        let done = answer(&mut kim, &codes.user, "allow").await?;
        let done = follow(&mut kim, done).await?;
        assert!(done.body.contains("Your device is connected"), "{}", done.body);
        assert_eq!(poll(&server, &codes.device, &[]).await?.status, StatusCode::OK);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_code_is_found_however_it_is_typed_and_one_that_leads_nowhere_says_so() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        tv(&server, json!({})).await?;
        let mut kim = browser(&server, KIM).await?;
        let codes = codes(&server, &[]).await?;
        let form = kim.get("/device").await?;
        assert!(form.status == StatusCode::OK && form.body.contains("name=\"user_code\""), "{}", form.body);
        for typed in [
            codes.user.to_lowercase(),
            codes.user.replace('-', ""),
            format!(" {} ", codes.user.replace('-', " ")),
        ] {
            let found = kim.form("/device", &[("user_code", &typed)]).await?;
            assert_eq!(found.location(), format!("/device?user_code={}", codes.user), "{typed}");
        }
        for typed in ["", "x", "BCDF-GHJK", "<script>"] {
            let form = kim.form("/device", &[("user_code", typed)]).await?;
            let page = follow(&mut kim, form).await?;
            assert_eq!(page.status, StatusCode::BAD_REQUEST, "{typed}");
            assert!(page.body.contains("This code leads nowhere") && !page.body.contains("<script>"));
        }
        let odd = kim.form("/device", &[("user_code", &codes.user), ("choice", "perhaps")]).await?;
        assert_eq!(odd.status, StatusCode::BAD_REQUEST);
        assert_eq!(told(&server, &codes).await?, "authorization_pending");
        // In the other language.
        let request = kim.request(Method::GET, &format!("/device?user_code={}", codes.user));
        let korean = Answer::read(request.header("accept-language", "ko").send().await?).await?;
        assert!(korean.body.contains("직접 시작한 경우에만 허용하세요"), "{}", korean.body);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn what_was_let_in_by_a_code_is_a_consent_like_any_other() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        tv(&server, json!({})).await?;
        let mut kim = browser(&server, KIM).await?;
        for scope in ["openid email", "openid phone"] {
            let codes = codes(&server, &[("scope", scope)]).await?;
            // It is asked each time: a device proves nothing by having been let in before.
            let page = kim.get(&format!("/device?user_code={}", codes.user)).await?;
            assert!(page.body.contains("consent-allow"));
            allow(&mut kim, &codes.user).await?;
        }
        let apps = kim.get("/account/apps").await?;
        for scope in ["openid", "email", "phone"] {
            assert!(apps.body.contains(&format!("<span>{scope}</span>")), "{scope}: {}", apps.body);
        }
        Ok(())
    })
    .await;
}
