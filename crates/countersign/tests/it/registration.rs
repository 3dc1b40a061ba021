//! Registering and verifying: one account an address, whoever asks and however often.

use anyhow::{Context, ensure};
use countersign_testkit::{Client, TestServer, on_every_store, on_every_store_with, races};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::people::{likeness, mailed_token, mails_about, member, opens};
use crate::support::{self, KIM, LEE, LOGIN, OTHER_PASSWORD, PASSWORD};

const ACCOUNTS: &str = "/api/v1/accounts";
const VERIFY: &str = "/api/v1/accounts/verify";
/// Fifty at once from one address are more than its share of the queue: what is tested here is another thing.
const ROOM: (&str, &str) = ("COUNTERSIGN_PASSWORD_QUEUE", "4096");

async fn verify(server: &TestServer, body: &Value) -> anyhow::Result<StatusCode> {
    Ok(Client::tool(server).json(Method::POST, VERIFY, body).await?.status)
}

#[tokio::test]
async fn log_05_log_11_rec_01_i14_registering_a_known_address_looks_like_registering_a_new_one() {
    on_every_store(async |server| {
        support::register(&server, KIM).await?;
        let api = async |email: &str| {
            let body = json!({ "email": email, "password": OTHER_PASSWORD });
            let answer = Client::browser(&server).json(Method::POST, ACCOUNTS, &body).await?;
            ensure!(answer.status == StatusCode::ACCEPTED && answer.body == "{}", "{email}: {}", answer.body);
            Ok(likeness(&answer, email))
        };
        let page = async |email: &str| {
            let fields = [("email", email), ("password", OTHER_PASSWORD)];
            let answer = Client::browser(&server).form("/register", &fields).await?;
            ensure!(
                answer.status == StatusCode::SEE_OTHER && answer.location().starts_with("/verify?sent=1")
            );
            Ok(likeness(&answer, answer.location()))
        };
        let (by_api, by_page) = (api("new@example.org").await?, page("other@example.org").await?);
        for twin in [KIM, "KIM@EXAMPLE.ORG", "kim＠example.org", "Kim@example.org"] {
            ensure!(api(twin).await? == by_api, "{twin}");
            ensure!(page(twin).await? == by_page, "{twin}");
        }
        ensure!(
            mails_about(&server, KIM, "already have an account").await? == 3,
            "notices, at most three a day"
        );
        ensure!(server.audited("account.created").await? == 1);
        ensure!(opens(&server, KIM, PASSWORD).await? && !opens(&server, KIM, OTHER_PASSWORD).await?);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn log_01_i14_a_wrong_code_is_answered_alike_for_every_address() {
    on_every_store(async |server| {
        support::register(&server, KIM).await?;
        let body = json!({ "email": LEE, "password": PASSWORD });
        Client::browser(&server).json(Method::POST, ACCOUNTS, &body).await?;
        let right = Client::tool(&server).newest_mail(LEE).await?["code"].clone();
        let code = if right == "000000" { "000001" } else { "000000" };
        let api = async |email: &str| {
            let body = json!({ "email": email, "code": code, "password": PASSWORD });
            let answer = Client::browser(&server).json(Method::POST, VERIFY, &body).await?;
            ensure!(answer.code() == "invalid_token", "{email}: {}", answer.body);
            Ok(likeness(&answer, email))
        };
        let page = async |path: &str, email: &str| {
            let fields = [("email", email), ("code", code), ("password", PASSWORD)];
            let answer = Client::browser(&server).form(path, &fields).await?;
            Ok::<_, anyhow::Error>(likeness(&answer, email).replace(&email.replace('@', "%40"), "…"))
        };
        let nobody = "nobody@example.org";
        let (by_api, by_page) = (api(nobody).await?, page("/verify", nobody).await?);
        let resent = page("/verify/resend", nobody).await?;
        for email in [KIM, LEE] {
            ensure!(api(email).await? == by_api, "{email}");
            ensure!(page("/verify", email).await? == by_page, "{email}");
            ensure!(page("/verify/resend", email).await? == resent, "{email}");
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn log_27_nobody_gives_themselves_what_the_form_does_not_ask_for() {
    on_every_store(async |server| {
        for (field, value) in [
            ("role", json!("admin")),
            ("roles", json!(["admin"])),
            ("is_admin", json!(true)),
            ("email_verified", json!(true)),
            ("id", json!("acc_01890a5d-ac96-774b-bcce-b302099a8057")),
            ("tenant", json!("other")),
            ("mfa", json!(false)),
            ("created_at", json!("2001-01-01T00:00:00Z")),
            ("state", json!("active")),
        ] {
            let mut body = json!({ "email": KIM, "password": PASSWORD });
            body.as_object_mut().context("an object")?.insert(field.to_owned(), value);
            let answer = Client::browser(&server).json(Method::POST, ACCOUNTS, &body).await?;
            ensure!(answer.status == 400 && answer.code() == "invalid_request", "{field}: {}", answer.body);
        }
        ensure!(server.audited("registration.opened").await? == 0);
        // A form may bring what it likes; only what it asks for is read.
        let fields =
            [("email", KIM), ("password", PASSWORD), ("role", "admin"), ("created_at", "2001-01-01")];
        let mut browser = Client::browser(&server);
        ensure!(browser.form("/register", &fields).await?.status == StatusCode::SEE_OTHER);
        let token = mailed_token(&server, KIM).await?;
        browser.form("/verify", &[("token", token.as_str()), ("is_admin", "true")]).await?;
        let account = server.account(KIM).await?;
        ensure!(account.created_at == countersign_testkit::START, "{account:?}");
        ensure!(countersign_store::account::roles(&server.app.store, account.id).await?.is_empty());
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn rec_12_no_address_and_no_name_reaches_another_mailbox_or_another_header() {
    on_every_store(async |server| {
        let long = format!("{}@example.org", "a".repeat(10_240));
        let mut browser = Client::browser(&server);
        for email in [
            "a@b.tld\r\nBcc: x@y.z",
            "a@b.tld\nBcc: x@y.z",
            "a@b.tld%0d%0aBcc:x@y.z",
            "\"a@b\"@c.tld",
            "a@b@c.tld",
            "<script>@x.tld",
            "a@b.tld,c@d.tld",
            "a@b.tld;c@d.tld",
            "a b@c.tld",
            "Kim <a@b.tld>",
            "a@[127.0.0.1]",
            "@b.tld",
            "a@",
            "a\0@b.tld",
            "a@b.tld\0",
            "a@-b.tld",
            &long,
            "",
        ] {
            let registration = json!({ "email": email, "password": PASSWORD });
            for (path, body) in [(ACCOUNTS, registration), ("/api/v1/recover", json!({ "email": email }))] {
                let answer = browser.json(Method::POST, path, &body).await?;
                ensure!(
                    answer.status == 400 && answer.code() == "invalid_request",
                    "{path} {email:?}: {}",
                    answer.body
                );
            }
            for path in ["/register", "/recover"] {
                let answer = browser.form(path, &[("email", email), ("password", PASSWORD)]).await?;
                ensure!(answer.status == StatusCode::BAD_REQUEST, "{path} {email:?}: {}", answer.status);
                ensure!(!answer.body.contains("<script>@x"), "{path} shows it unescaped");
            }
        }
        for body in [json!({ "email": [KIM, LEE] }), json!({ "email": { "to": KIM } })] {
            let answer = browser.json(Method::POST, "/api/v1/recover", &body).await?;
            ensure!(answer.status == StatusCode::BAD_REQUEST, "{body}: {}", answer.body);
        }
        for name in ["Kim\r\nBcc: x@y.z", "Kim\nx", "\u{2028}Kim", "\u{202e}miK"] {
            let body = json!({ "email": KIM, "password": PASSWORD, "name": name });
            let answer = browser.json(Method::POST, ACCOUNTS, &body).await?;
            ensure!(answer.status == StatusCode::BAD_REQUEST, "{name:?}: {}", answer.status);
        }
        ensure!(browser.mails().await?.is_empty(), "a mail left");
        let body = json!({ "email": "kim@bücher.example", "password": PASSWORD });
        ensure!(browser.json(Method::POST, ACCOUNTS, &body).await?.status == StatusCode::ACCEPTED);
        ensure!(browser.newest_mail("kim@xn--bcher-kva.example").await?["links"][0].is_string());
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn rec_13_what_a_name_says_is_never_run_and_never_becomes_markup() {
    on_every_store(async |server| {
        let names = [
            "{{7*7}}",
            "{7*7}",
            "${7*7}",
            "<b>Kim</b>",
            "%s%n%x",
            "{ $name }",
            "&lt;b&gt;",
            "Kim'\"><svg/onload=x>",
        ];
        for (number, name) in names.into_iter().enumerate() {
            let email = format!("person{number}@example.org");
            let mut browser = Client::browser(&server);
            let body = json!({ "email": email, "password": PASSWORD, "name": name });
            ensure!(
                browser.json(Method::POST, ACCOUNTS, &body).await?.status == StatusCode::ACCEPTED,
                "{name}"
            );
            let mail = browser.newest_mail(&email).await?;
            let text = mail["text"].as_str().context("no text")?;
            ensure!(text.contains(name) || text.starts_with("Hello,"), "{name}: {text}");
            let token = mailed_token(&server, &email).await?;
            ensure!(
                verify(&server, &json!({ "token": token, "password": PASSWORD })).await?
                    == StatusCode::NO_CONTENT
            );
            let mut browser = support::browser(&server, &email).await?;
            ensure!(browser.get("/api/v1/session").await?.json()["account"]["name"] == name);
            for page in ["/account", "/account/security", "/dev/inbox"] {
                let html = browser.get(page).await?.body;
                ensure!(!html.contains("<b>Kim") && !html.contains("<svg/onload"), "{page}: {name}");
            }
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn rec_16_a_link_opened_in_anothers_session_verifies_its_own_account_and_signs_nobody_in() {
    on_every_store(async |server| {
        let mut lee = member(&server, LEE).await?;
        let before = lee.get("/api/v1/session").await?.json();
        let mut own = Client::browser(&server);
        let answer =
            own.json(Method::POST, ACCOUNTS, &json!({ "email": KIM, "password": OTHER_PASSWORD })).await?;
        ensure!(answer.status == StatusCode::ACCEPTED && own.cookie(LOGIN).is_some());
        let token = mailed_token(&server, KIM).await?;

        // Reading the mail is not enough: another browser is asked for the password that was chosen.
        ensure!(lee.get(&format!("/verify?token={token}")).await?.body.contains("name=\"password\""));
        for (body, status) in [
            (json!({ "token": token }), StatusCode::BAD_REQUEST),
            (json!({ "token": token, "password": PASSWORD }), StatusCode::UNAUTHORIZED),
            (json!({ "token": token, "password": OTHER_PASSWORD }), StatusCode::NO_CONTENT),
        ] {
            let answer = lee.json(Method::POST, VERIFY, &body).await?;
            ensure!(answer.status == status, "{body}: {} {}", answer.status, answer.body);
            ensure!(answer.cookies().is_empty(), "a cookie was set");
        }
        let after = lee.get("/api/v1/session").await?.json();
        ensure!(after["account"] == before["account"] && after["session"]["id"] == before["session"]["id"]);
        ensure!(opens(&server, KIM, OTHER_PASSWORD).await? && opens(&server, LEE, PASSWORD).await?);
        ensure!(support::by_cookie(&mut own).await? == StatusCode::UNAUTHORIZED);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn i9_after_five_wrong_codes_of_an_address_only_its_link_works() {
    on_every_store(async |server| {
        let mut browser = Client::browser(&server);
        browser.json(Method::POST, ACCOUNTS, &json!({ "email": KIM, "password": PASSWORD })).await?;
        let mail = browser.newest_mail(KIM).await?;
        let right = mail["code"].as_str().context("no code")?.to_owned();
        for number in 0..5 {
            let wrong =
                if right == format!("00000{number}") { "999999".into() } else { format!("00000{number}") };
            ensure!(
                verify(&server, &json!({ "email": KIM, "code": wrong })).await? == StatusCode::UNAUTHORIZED
            );
        }
        let answer = browser.json(Method::POST, VERIFY, &json!({ "email": KIM, "code": right })).await?;
        ensure!(answer.status == StatusCode::UNAUTHORIZED, "the sixth try counted: {}", answer.status);
        let token = mailed_token(&server, KIM).await?;
        let answer = browser.json(Method::POST, VERIFY, &json!({ "token": token })).await?;
        ensure!(answer.status == StatusCode::NO_CONTENT, "{}", answer.body);
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn race_06_i9_fifty_registrations_of_one_address_make_one_account() {
    on_every_store_with(&[ROOM], async |server| races::registrations(&server, 20).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn race_03_i9_a_verification_link_used_fifty_times_at_once_works_once() {
    on_every_store_with(&[ROOM], async |server| races::verification_links(&server, 20).await).await;
}
