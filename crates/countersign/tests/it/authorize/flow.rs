//! From a request to a code.

use countersign_testkit::{Client, on_every_store};
use reqwest::StatusCode;

use crate::people::member;
use crate::support::{KIM, register};

use super::{add_client, answer, error, log_in, request, told, visit};

#[tokio::test]
async fn oau_23_a_login_and_a_consent_lead_to_a_code_with_state_and_issuer() {
    on_every_store(async |server| {
        add_client(&server, |_| ()).await?;
        register(&server, KIM).await?;
        let mut browser = Client::browser(&server);
        let login = visit(&mut browser, &request(&[])).await?;
        for shown in ["Notes", "notes.example", "<title>Sign in"] {
            assert!(login.body.contains(shown), "{shown}: {}", login.body);
        }
        assert!(
            login.header("content-security-policy").contains("form-action 'self' https://notes.example;")
        );
        let question = log_in(&mut browser, &login, KIM).await?;
        for shown in ["Notes wants to use your account", "notes.example", KIM, "See your email address"] {
            assert!(question.body.contains(shown), "{shown}: {}", question.body);
        }
        assert!(
            question.header("content-security-policy").contains("form-action 'self' https://notes.example;")
        );
        let done = answer(&mut browser, &question, "allow").await?;
        let said = told(&done)?;
        assert!(said["code"].starts_with("cs_ac_") && said["code"].len() == 49);
        assert_eq!((said["state"].as_str(), said["iss"].as_str()), ("s-1", server.url.as_str()));
        assert_eq!(said.len(), 3);
        // It is remembered: another code comes without a word, and another one each time.
        let again = told(&visit(&mut browser, &request(&[("prompt", "none")])).await?)?;
        assert_ne!(again["code"], said["code"]);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn oau_12_who_says_no_is_heard_and_nothing_is_remembered() {
    on_every_store(async |server| {
        add_client(&server, |_| ()).await?;
        let mut browser = member(&server, KIM).await?;
        let question = visit(&mut browser, &request(&[])).await?;
        let done = answer(&mut browser, &question, "deny").await?;
        assert_eq!(error(&done)?, "access_denied");
        assert_eq!(told(&done)?["iss"], server.url);
        let quiet = visit(&mut browser, &request(&[("prompt", "none")])).await?;
        assert_eq!(error(&quiet)?, "consent_required");
        let question = visit(&mut browser, &request(&[])).await?;
        assert_eq!(question.status, StatusCode::OK);
        Ok(())
    })
    .await;
}
