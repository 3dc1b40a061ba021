//! The scope `admin` is for whoever administers this server: nobody else is asked whether an application may do it for them.

use crate::grant::scope::ADMIN;

use super::{Decision, Error, Refusal, Request};

/// Whether the account may have what is asked for.
pub fn decide(request: &Request, administers: bool) -> Option<Decision> {
    let refusal = Refusal::new(Error::AccessDenied, "This account does not administer this server.");
    (request.scopes.contains(ADMIN) && !administers).then_some(Decision::Refuse(refusal))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorize::tests::{checked, client};

    #[test]
    fn adm_03_the_scope_is_for_an_account_with_the_role_alone() {
        let mut console = client();
        console.metadata.scope = Some("openid admin".to_owned());
        let refused = Some(Error::AccessDenied);
        for (scope, administers, expected) in [
            ("openid admin", true, None),
            ("openid admin", false, refused),
            ("admin", false, refused),
            ("openid", false, None),
        ] {
            let request = checked(&[("scope", scope)], &console).unwrap();
            let error = decide(&request, administers).map(|decision| match decision {
                Decision::Refuse(refusal) => refusal.error,
                other => panic!("{other:?}"),
            });
            assert_eq!(error, expected, "{scope} {administers}");
        }
    }
}
