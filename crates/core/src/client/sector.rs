//! The sector of a client: within one, its accounts have the same pairwise names (`OpenID` Connect Core section 8.1; attack OAU-76).
//!
//! Whoever could choose one that is not his would learn what people are called there. So a sector is proven, by redirect URIs to
//! which the answers go, or by an operator's word, and a client that anybody may change never comes to another.

use std::collections::BTreeSet;

use url::Url;

use super::register::{Registrar, Rejection};
use super::{GrantType, Metadata, SubjectType};

/// The host of the `sector_identifier_uri`, else the one host of all redirect URIs. `None`: the client is a sector of its own.
pub fn of(metadata: &Metadata) -> Option<String> {
    if let Some(uri) = &metadata.sector_identifier_uri {
        return host(uri, &["https", "http"]);
    }
    let mut hosts = hosts(metadata).into_iter();
    match (hosts.next(), hosts.next()) {
        (Some(only), None) => only,
        _ => None,
    }
}

/// Whether the sector is the client's, as far as its description says; what its list says is for [`check_listed`].
pub fn check(metadata: &Metadata, registrar: Registrar) -> Result<(), Rejection> {
    const URI: &str = "sector_identifier_uri";
    if metadata.subject_type == SubjectType::Public {
        return Ok(());
    }
    let (hosts, named) = (hosts(metadata), metadata.sector_identifier_uri.is_some());
    if !named && hosts.len() > 1 {
        return Err(Rejection::member(URI, "is needed: the redirect URIs have not one host"));
    }
    if registrar == Registrar::Operator {
        return Ok(());
    }
    // Anybody answers at the address of an app, and none at all proves nothing.
    if named && (hosts.is_empty() || hosts.contains(&None)) {
        return Err(Rejection::member(URI, "needs redirect_uris, all of which begin with https://"));
    }
    // A device gets its tokens without any redirect.
    if of(metadata).is_some() && metadata.may_use(GrantType::DeviceCode) {
        return Err(Rejection::member(
            "grant_types",
            "of a pairwise client with redirect_uris must not name device_code",
        ));
    }
    Ok(())
}

/// Whether a sector's list covers every redirect URI of the client (`OpenID` Connect Dynamic Client Registration section 5).
pub fn check_listed(listed: &[String], metadata: &Metadata) -> Result<(), Rejection> {
    if metadata.redirect_uris.iter().all(|uri| listed.contains(uri)) {
        return Ok(());
    }
    Err(Rejection::member("sector_identifier_uri", "does not list every one of redirect_uris"))
}

/// Whether a client that changes itself keeps its names for people: a grant that it has would tell it those of the other sector.
pub fn check_change(before: &Metadata, after: &Metadata) -> Result<(), Rejection> {
    let public = after.subject_type == SubjectType::Public;
    if before.subject_type == after.subject_type && (public || of(before) == of(after)) {
        return Ok(());
    }
    Err(Rejection::member("subject_type", "must stay, and so must the sector: register another client"))
}

/// The hosts of the redirect URIs; `None` among them: one has a host that proves nothing, or none.
fn hosts(metadata: &Metadata) -> BTreeSet<Option<String>> {
    metadata.redirect_uris.iter().map(|uri| host(uri, &["https"])).collect()
}

/// What follows `//` after other schemes is nobody's host.
fn host(uri: &str, schemes: &[&str]) -> Option<String> {
    let url = Url::parse(uri).ok().filter(|url| schemes.contains(&url.scheme()))?;
    url.host_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairwise(uris: &[&str], sector: Option<&str>) -> Metadata {
        Metadata {
            subject_type: SubjectType::Pairwise,
            redirect_uris: uris.iter().map(|uri| (*uri).to_owned()).collect(),
            sector_identifier_uri: sector.map(str::to_owned),
            ..Metadata::default()
        }
    }

    const LIST: Option<&str> = Some("https://c.example/u");

    type Case<'a> = (&'a [&'a str], Option<&'a str>, Option<&'a str>, bool, bool);

    #[test]
    fn oau_76_a_sector_is_proven_by_redirect_uris_or_an_operators_word() {
        // URIs, list; its sector; whether an operator may, and anybody.
        let table: &[Case<'_>] = &[
            (&["https://a.example/cb"], None, Some("a.example"), true, true),
            (&["https://a.example/cb", "https://a.example:8443/x"], None, Some("a.example"), true, true),
            (&["https://a.example/cb", "https://b.example/cb"], None, None, false, false),
            (&["https://a.example/cb", "com.app:/cb"], None, None, false, false),
            (&["https://a.example/cb", "https://b.example/cb"], LIST, Some("c.example"), true, true),
            (&["https://a.example/cb", "com.app:/cb"], LIST, Some("c.example"), true, false),
            (&["http://127.0.0.1/cb"], LIST, Some("c.example"), true, false),
            (&[], LIST, Some("c.example"), true, false),
            (&[], None, None, true, true),
            (&["com.app:/cb"], None, None, true, true),
            (&["com.app://a.example/cb"], None, None, true, true),
            (&["http://127.0.0.1/cb", "com.app:/cb"], None, None, true, true),
        ];
        for (uris, list, sector, operator, anybody) in table {
            let metadata = pairwise(uris, *list);
            assert_eq!(of(&metadata).as_deref(), *sector, "{uris:?} {list:?}");
            assert_eq!(check(&metadata, Registrar::Operator).is_ok(), *operator, "{uris:?} {list:?}");
            for registrar in [Registrar::Anybody, Registrar::Invited] {
                assert_eq!(check(&metadata, registrar).is_ok(), *anybody, "{uris:?} {list:?}");
            }
            let device = Metadata { grant_types: vec![GrantType::DeviceCode], ..metadata.clone() };
            let device = check(&device, Registrar::Anybody).is_ok();
            assert_eq!(device, *anybody && sector.is_none(), "without a redirect: {uris:?} {list:?}");
            let public = Metadata { subject_type: SubjectType::Public, ..metadata };
            assert!(check(&public, Registrar::Anybody).is_ok());
        }
    }

    #[test]
    fn a_sector_lists_every_redirect_uri() {
        let metadata = pairwise(&["https://a.example/cb", "https://b.example/cb"], LIST);
        let listed = |uris: &[&str]| {
            check_listed(&uris.iter().map(ToString::to_string).collect::<Vec<_>>(), &metadata)
        };
        assert!(listed(&["https://b.example/cb", "https://c.example/", "https://a.example/cb"]).is_ok());
        assert!(listed(&["https://a.example/cb"]).is_err());
    }

    #[test]
    fn oau_76_a_client_that_changes_itself_stays_in_its_sector() {
        let own = pairwise(&["https://evil.example/cb"], None);
        let victim = "https://a.example/cb";
        let public = Metadata { subject_type: SubjectType::Public, ..own.clone() };
        let app = pairwise(&["com.app:/cb"], None);
        let table = [
            (&own, pairwise(&["https://evil.example/other", "https://evil.example/cb"], None), true),
            (&own, pairwise(&["https://evil.example/cb"], Some("https://evil.example/list")), true),
            (&own, pairwise(&[victim], None), false),
            (&own, pairwise(&[victim], LIST), false),
            (&own, pairwise(&[], LIST), false),
            (&own, pairwise(&[], None), false),
            (&own, public.clone(), false),
            (&public, own.clone(), false),
            (&public, Metadata { redirect_uris: vec![victim.to_owned()], ..public.clone() }, true),
            (&app, pairwise(&["com.app:/other"], None), true),
            (&app, pairwise(&[victim], None), false),
        ];
        for (before, after, may) in table {
            assert_eq!(check_change(before, &after).is_ok(), may, "{after:?}");
        }
    }
}
