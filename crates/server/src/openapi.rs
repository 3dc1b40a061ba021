//! The OpenAPI document, from the handlers' own descriptions.

use utoipa::openapi::path::Operation;
use utoipa::openapi::{Content, OpenApi as Document, Ref, RefOr};
use utoipa::{Modify, OpenApi};

use crate::respond::problem::{FieldError, OAuthError, ProblemBody};
use crate::routes::{api, oauth2, status_list, well_known};

/// The document as JSON, indented.
pub fn document() -> String {
    let json = Described::openapi().to_pretty_json();
    // invariant: texts and maps with texts for keys: nothing in it that JSON cannot say.
    json.unwrap_or_default() + "\n"
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Countersign",
        description = "One login, two proofs: a session cookie for browsers, tokens for everything else.\n\n\
            Routes under `/api/v1/session`, `/api/v1/sessions`, `/api/v1/password` and `/api/v1/profile` take either face: the cookie \
            `__Host-Http-session`, or `Authorization: Bearer` with an access token of scope `account`. On the cookie \
            face a request that changes something must say that it comes from this server's own origin \
            (`Sec-Fetch-Site` or `Origin`). Unknown JSON fields are refused.\n\n\
            Routes under `/api/v1/admin` take either face too: a session of an account with the role `admin`, or a token with \
            the scope `admin` of a client that an operator gave that scope, for such an account or for the client itself. \
            What makes, opens or deletes something asks a person for a login within the last 15 minutes: else 403 \
            `reauthentication_required`."
    ),
    paths(
        api::accounts::register,
        api::verify::verify,
        api::login::login,
        api::recover::recover,
        api::reset::reset,
        api::session::show,
        api::session::end,
        api::sessions::list,
        api::sessions::end_others,
        api::sessions::end_one,
        api::password::change,
        api::profile::show,
        api::profile::replace,
        api::admin::clients::list,
        api::admin::clients::create,
        api::admin::clients::show,
        api::admin::clients::replace,
        api::admin::clients::end,
        api::admin::clients::rotate,
        api::admin::clients::disable,
        api::admin::clients::enable,
        api::admin::clients::check,
        api::admin::resources::list,
        api::admin::resources::add,
        api::admin::grants::list,
        api::admin::grants::show,
        api::admin::grants::revoke,
        api::openapi::show,
        oauth2::authorize::show,
        oauth2::authorize::submit,
        oauth2::userinfo::show,
        oauth2::userinfo::submit,
        oauth2::logout::show,
        oauth2::logout::submit,
        oauth2::par::push,
        oauth2::device_authorization::ask,
        oauth2::token::token,
        oauth2::introspect::introspect,
        oauth2::revoke::revoke,
        oauth2::register::register,
        oauth2::register::show,
        oauth2::register::replace,
        oauth2::register::end,
        well_known::openid,
        well_known::oauth,
        well_known::jwks,
        status_list::show,
    ),
    components(schemas(ProblemBody<'_>, FieldError, OAuthError<'_>)),
    modifiers(&Errors)
)]
struct Described;

/// Says of every error what its body is: handlers name the codes alone.
struct Errors;

impl Modify for Errors {
    fn modify(&self, document: &mut Document) {
        for (path, item) in &mut document.paths.paths {
            let (content_type, schema) = if path.starts_with("/oauth2/") {
                ("application/json", "OAuthError")
            } else {
                ("application/problem+json", "Problem")
            };
            let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete];
            for operation in operations.into_iter().flatten() {
                describe_errors(operation, content_type, schema);
            }
        }
    }
}

fn describe_errors(operation: &mut Operation, content_type: &str, schema: &str) {
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && status.starts_with(['4', '5'])
        {
            let content = Content::new(Some(Ref::from_schema_name(schema)));
            response.content.insert(content_type.to_owned(), RefOr::T(content));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::router::TABLE;

    fn described() -> serde_json::Value {
        serde_json::from_str(&document()).unwrap()
    }

    #[test]
    fn every_route_of_the_api_is_described_and_nothing_else() {
        let described = described();
        let described: BTreeSet<&str> =
            described["paths"].as_object().unwrap().keys().map(String::as_str).collect();
        let open = ["/api/v1/", "/oauth2/", "/.well-known/", "/statuslists/"];
        let routed = TABLE.iter().map(|route| route.path);
        let routed: BTreeSet<&str> =
            routed.filter(|path| open.iter().any(|prefix| path.starts_with(prefix))).collect();
        assert_eq!(described, routed);
    }

    #[test]
    fn every_schema_that_is_named_is_there() {
        let described = described();
        let schemas = described["components"]["schemas"].as_object().unwrap();
        let text = document();
        let named = text.split("\"#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next());
        let named: BTreeSet<&str> = named.collect();
        assert!(named.len() > 10, "{named:?}");
        for name in named {
            assert!(schemas.contains_key(name), "{name}");
        }
    }

    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let described = described();
        let items = described["paths"].as_object().unwrap().values();
        let operations = items.flat_map(|item| item.as_object().unwrap().values());
        let names: Vec<&str> = operations.map(|one| one["operationId"].as_str().unwrap()).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    }

    #[test]
    fn every_error_of_the_api_is_a_problem() {
        let described = described();
        let refused = &described["paths"]["/api/v1/reset"]["post"]["responses"]["401"];
        let schema = &refused["content"]["application/problem+json"]["schema"]["$ref"];
        assert_eq!(schema, "#/components/schemas/Problem");
        let refused = &described["paths"]["/oauth2/token"]["post"]["responses"]["400"];
        let schema = &refused["content"]["application/json"]["schema"]["$ref"];
        assert_eq!(schema, "#/components/schemas/OAuthError");
    }
}
