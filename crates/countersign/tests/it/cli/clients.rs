//! `countersign client …` and `grant …`, as an operator uses them.

use super::program::Place;

#[test]
fn a_client_is_made_looked_at_changed_and_closed_at_the_command_line() -> anyhow::Result<()> {
    let place = Place::new()?;
    assert_eq!(place.run(&["migrate"])?.code, Some(0));
    let redirect = ["--redirect-uri", "https://notes.example/cb"];
    let made = place.json(&[&["client", "create", "Notes", "--id", "notes"], &redirect[..]].concat())?;
    let secret = made["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("cs_sec_") && made["metadata"]["client_name"] == "Notes", "{made}");
    let again = place.run(&[&["client", "create", "Notes", "--id", "notes"], &redirect[..]].concat())?;
    assert!(again.code == Some(1) && again.err.contains("there is a client notes already"), "{again:?}");
    let wrong = place.run(&["client", "create", "--redirect-uri", "javascript:alert(1)"])?;
    assert!(wrong.code == Some(1) && wrong.err.contains("redirect_uris"), "{wrong:?}");

    let shown = place.json(&["client", "show", "notes"])?;
    assert!(shown["secrets"].as_array().is_some_and(|secrets| secrets.len() == 1));
    assert!(!shown.to_string().contains(&secret), "it was shown once");
    let listed = place.json(&["client", "list"])?;
    let ids: Vec<_> =
        listed.as_array().unwrap().iter().map(|client| client["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["countersign", "notes"]);

    let update = [
        "client",
        "update",
        "notes",
        "--name",
        "메모",
        "--grant",
        "authorization_code",
        "--grant",
        "refresh_token",
    ];
    let changed = place.json(&update)?;
    assert_eq!(
        (&changed["metadata"]["client_name"], changed["metadata"]["grant_types"].as_array().unwrap().len()),
        (&"메모".into(), 2)
    );
    assert_eq!(changed["metadata"]["redirect_uris"][0], "https://notes.example/cb", "the rest stays");
    let rotated = place.json(&["client", "rotate-secret", "notes", "--window", "1d"])?;
    assert!(rotated["secret"] != secret.as_str() && rotated["secrets"].as_array().unwrap().len() == 2);

    let found = place.json(&["client", "check", "notes"])?;
    let codes: Vec<_> = found.as_array().unwrap().iter().map(|lint| lint["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["secret-replaced", "logout-unheard"]);
    let built_in = place.run(&["client", "disable", "countersign"])?;
    assert!(built_in.code == Some(1) && built_in.err.contains("part of this server"), "{built_in:?}");
    assert_eq!(place.json(&["client", "disable", "notes"])?["state"], "disabled");
    assert_eq!(place.json(&["client", "enable", "notes"])?["state"], "open");
    assert_eq!(place.json(&["client", "delete", "notes"])?["state"], "deleted");
    let gone = place.run(&["client", "show", "notes"])?;
    assert!(gone.code == Some(1) && gone.err.contains("there is no client notes"), "{gone:?}");
    assert_eq!(place.json(&["grant", "list"])?, serde_json::json!([]));
    let token = place.run(&["client", "registration-token", "--life", "1h"])?;
    assert!(token.code == Some(0) && token.out.starts_with("cs_init_"), "{token:?}");
    Ok(())
}
