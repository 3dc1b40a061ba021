//! What of codes is decided where they are issued.

use countersign_testkit::on_every_store;

use crate::people::member;
use crate::support::KIM;

use super::{add_client, request, told, visit};

#[tokio::test]
async fn a_first_party_client_is_asked_for_no_consent() {
    on_every_store(async |server| {
        add_client(&server, |client| client.first_party = true).await?;
        let mut browser = member(&server, KIM).await?;
        let done = visit(&mut browser, &request(&[("scope", "openid account")])).await?;
        assert!(told(&done)?.contains_key("code"));
        Ok(())
    })
    .await;
}
