//! `/api/v1/admin`: what an operator does at the command line, by either face.

pub(crate) mod clients;
pub(crate) mod grants;
pub(crate) mod resources;

use crate::admin::{AdminError, PAGE};
use crate::extract::form::Query;
use crate::respond::problem::{Kind, Problem};

/// Rows in a page, where nothing is said.
const USUAL: u32 = 50;

/// Which part of a list is asked for.
struct Part<'a> {
    after: Option<&'a str>,
    limit: u32,
}

/// Reads `after` and `limit`; nothing else may stand in the query but `more` (attack ADM-10).
fn part<'a>(query: &'a Query, more: &[&str]) -> Result<Part<'a>, Problem> {
    let wrong = |field, detail: String| {
        Problem::new(Kind::InvalidRequest)
            .detail("See errors for what is wrong with which parameter.")
            .field(field, "invalid", detail)
    };
    if !query.names_only(&[&["after", "limit"], more].concat()) {
        return Err(Problem::new(Kind::InvalidRequest).detail("A parameter is none of this route."));
    }
    let limit = match query.get("limit") {
        None => USUAL,
        Some(text) => {
            let limit = text.parse().ok().filter(|limit| (1..=PAGE).contains(limit));
            limit.ok_or_else(|| wrong("limit", format!("must be from 1 to {PAGE}")))?
        }
    };
    Ok(Part { after: query.get("after"), limit })
}

/// Where the next page begins, if this one is full.
fn next<T>(page: &[T], limit: u32, id: impl Fn(&T) -> &str) -> Option<String> {
    let full = u32::try_from(page.len()).is_ok_and(|rows| rows == limit);
    page.last().filter(|_| full).map(|last| id(last).to_owned())
}

impl From<AdminError> for Problem {
    /// The words of the command line name commands; these do not.
    fn from(error: AdminError) -> Self {
        let (kind, detail) = match error {
            AdminError::NoAccount(_) => (Kind::NotFound, "There is no such account."),
            AdminError::NoSession(_) => (Kind::NotFound, "There is no such session."),
            AdminError::NoClient(_) => (Kind::NotFound, "There is no such client."),
            AdminError::NoGrant(_) => (Kind::NotFound, "There is no such grant, or it has ended."),
            AdminError::AddressTaken(_) => (Kind::Conflict, "The address has an account already."),
            AdminError::ClientTaken(_) => (Kind::Conflict, "Another client has this id."),
            AdminError::KnownResource(_) => (Kind::Conflict, "The resource is there already."),
            AdminError::Deleted(_) => (Kind::Conflict, "The account was deleted, which is for good."),
            AdminError::BuiltIn(_) => {
                (Kind::Forbidden, "The client is part of this server: it is not changed.")
            }
            AdminError::EpochAhead(_) | AdminError::PasswordRejected(_) | AdminError::Unknown => {
                return Self::new(Kind::Internal).cause(error.to_string());
            }
            AdminError::Invalid { what, problem } => {
                // Options of the command line are fields here.
                let field = what.trim_start_matches("--").trim_end_matches(':').to_ascii_lowercase();
                return Self::new(Kind::InvalidRequest)
                    .detail("See errors for what is wrong with which field.")
                    .field(field, "invalid", problem);
            }
            AdminError::Unavailable(cause) => return Self::new(Kind::Overloaded).cause(cause),
            AdminError::Failed(cause) => return Self::new(Kind::Internal).cause(cause),
        };
        Self::new(kind).detail(detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invalid(what: &str) -> AdminError {
        AdminError::Invalid { what: what.to_owned(), problem: "is wrong".to_owned() }
    }

    #[test]
    fn an_option_of_the_command_line_is_a_field_here_and_no_command_is_named() {
        for (what, field) in [("--profile", "profile"), ("RESOURCE:", "resource"), ("scope", "scope")] {
            let problem = Problem::from(invalid(what));
            assert_eq!((problem.kind, problem.errors[0].field.as_ref()), (Kind::InvalidRequest, field));
        }
        let gone = Problem::from(AdminError::NoClient("notes".to_owned()));
        assert!(gone.kind == Kind::NotFound && !gone.detail.contains("countersign"), "{gone:?}");
        let failed = Problem::from(AdminError::Failed("disk full".to_owned()));
        assert!(failed.kind == Kind::Internal && failed.detail.is_empty(), "{failed:?}");
    }

    #[test]
    fn only_a_full_page_has_a_next_one() {
        for (page, limit, expected) in [("ab", 2, Some("b")), ("a", 2, None), ("", 0, None)] {
            let rows: Vec<String> = page.chars().map(String::from).collect();
            assert_eq!(next(&rows, limit, |row| row).as_deref(), expected, "{page}");
        }
    }
}
