//! Accounts: read by id and by name; how they come to be is [`register`] and [`verify`], how they end [`change`].

pub mod change;
pub mod profile;
pub mod register;
pub mod verify;

use countersign_core::account::{Account, DisplayName, Email, Identifier, Role, State, Version};
use countersign_core::{AccountId, Locale};

use crate::db::{Error, Result, Row};
use crate::{Store, columns};

const BY_ID: &str = "
SELECT a.id, a.state, a.version, e.display, e.canonical, e.verified_at, a.name, a.locale, a.created_at
  FROM accounts a
  LEFT JOIN identifiers e ON e.account_id = a.id AND e.kind = 'email'
 WHERE a.id = $1";

const BY_IDENTIFIER: &str = "
SELECT a.id, a.state, a.version, e.display, e.canonical, e.verified_at, a.name, a.locale, a.created_at
  FROM identifiers i
  JOIN accounts a ON a.id = i.account_id
  LEFT JOIN identifiers e ON e.account_id = a.id AND e.kind = 'email'
 WHERE i.kind = $1
   AND i.canonical = $2";

const PAGE: &str = "
SELECT a.id, a.state, a.version, e.display, e.canonical, e.verified_at, a.name, a.locale, a.created_at
  FROM accounts a
  LEFT JOIN identifiers e ON e.account_id = a.id AND e.kind = 'email'
 WHERE a.id > $1
 ORDER BY a.id
 LIMIT $2";

const ROLES: &str = "
SELECT role
  FROM roles
 WHERE account_id = $1
 ORDER BY role";

pub(crate) const STATEMENTS: &[&str] = &[BY_ID, BY_IDENTIFIER, PAGE, ROLES];

/// The account with this id, deleted ones included.
pub async fn account(store: &Store, id: AccountId) -> Result<Option<Account>> {
    let rows = store.db.read(BY_ID, &[id.bytes().into()]).await?;
    rows.first().map(|row| account_at(row, 0)).transpose()
}

/// The account that is named so. A deleted account has no names.
pub async fn account_by_identifier(store: &Store, identifier: &Identifier) -> Result<Option<Account>> {
    let key = [kind_of(identifier).into(), identifier.canonical().into()];
    let rows = store.db.read(BY_IDENTIFIER, &key).await?;
    rows.first().map(|row| account_at(row, 0)).transpose()
}

/// At most `limit` accounts in the order they were made, after the one named, deleted ones included.
pub async fn accounts(store: &Store, after: Option<AccountId>, limit: u32) -> Result<Vec<Account>> {
    let after = after.map_or([0; 16], |id| *id.bytes());
    let rows = store.db.scan(PAGE, vec![after.into(), i64::from(limit).into()]).await?;
    rows.iter().map(|row| account_at(row, 0)).collect()
}

/// What the account may do beyond its own affairs.
pub async fn roles(store: &Store, id: AccountId) -> Result<Vec<Role>> {
    let rows = store.db.read(ROLES, &[id.bytes().into()]).await?;
    rows.iter().map(|row| columns::word(row, 0, Role::parse, "a role")).collect()
}

/// The word for an identifier's kind in `identifiers`.
pub(crate) const fn kind_of(identifier: &Identifier) -> &'static str {
    match identifier {
        Identifier::Email(_) => "email",
        Identifier::Username(_) => "username",
    }
}

/// The account in nine columns from `first` on: id, state, version, the address's display and canonical form and
/// proof, name, locale, creation.
pub(crate) fn account_at(row: &Row, first: usize) -> Result<Account> {
    let email = match (row.opt_text(first + 3)?, row.opt_text(first + 4)?) {
        (Some(display), Some(canonical)) => Some(Email::stored(display.to_owned(), canonical.to_owned())),
        _ => None,
    };
    Ok(Account {
        id: columns::id(row, first)?,
        state: columns::word(row, first + 1, State::parse, "a state of an account")?,
        version: Version(row.int(first + 2)?),
        email,
        email_verified_at: columns::opt_time(row, first + 5)?,
        name: opt_name(row, first + 6)?,
        locale: columns::word(row, first + 7, Locale::parse, "a language")?,
        created_at: columns::time(row, first + 8)?,
    })
}

fn opt_name(row: &Row, column: usize) -> Result<Option<DisplayName>> {
    let parse = |text| DisplayName::parse(text).map_err(|_| Error::Corrupt { column, expected: "a name" });
    row.opt_text(column)?.map(parse).transpose()
}
