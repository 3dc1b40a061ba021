//! What is measured, what it is compared with, and what it must reach.

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Hello,
    HelloAgain,
    SessionMemory,
    SessionSqlite,
    SessionPostgres,
    Jwks,
    TokenSeen,
    TokenNew,
    RefreshSqlite,
    RefreshPostgres,
    Discovery,
    OwnToken,
    CodeEs256,
    CodeRs256,
    UserSeen,
    UserNew,
    AskSeen,
    AskNew,
    Hash,
    LoginCookie,
    LoginToken,
    Quiet,
    Storm,
    StormLogins,
}

use What::{
    AskNew, AskSeen, CodeEs256, CodeRs256, Discovery, Hash, Hello, HelloAgain, Jwks, LoginCookie, LoginToken,
    OwnToken, Quiet, RefreshPostgres, RefreshSqlite, SessionMemory, SessionPostgres, SessionSqlite, Storm,
    StormLogins, TokenNew, TokenSeen, UserNew, UserSeen,
};

/// What a round does, in its order. The storm gives two rows.
pub(crate) const ROUND: &[What] = &[
    Hello,
    SessionMemory,
    SessionSqlite,
    SessionPostgres,
    Jwks,
    TokenSeen,
    TokenNew,
    RefreshSqlite,
    RefreshPostgres,
    Discovery,
    OwnToken,
    CodeEs256,
    CodeRs256,
    UserSeen,
    UserNew,
    AskSeen,
    AskNew,
    HelloAgain,
    Hash,
    LoginCookie,
    LoginToken,
    Quiet,
    Storm,
];

/// The rows that are compared with another, in the order of the document.
pub(crate) const COMPARED: &[What] = &[
    Hello,
    HelloAgain,
    SessionMemory,
    SessionSqlite,
    SessionPostgres,
    Jwks,
    TokenSeen,
    TokenNew,
    RefreshSqlite,
    RefreshPostgres,
    Discovery,
    OwnToken,
    CodeEs256,
    CodeRs256,
    UserSeen,
    UserNew,
    AskSeen,
    AskNew,
    Hash,
    LoginCookie,
    LoginToken,
    StormLogins,
];

/// What a row is called and held against.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// The row that its throughput is a share of.
    pub(crate) base: What,
    /// The share that it must reach.
    pub(crate) goal: Option<f64>,
    /// What it does that the base does not: where the time goes.
    pub(crate) cost: &'static str,
}

const fn row(name: &'static str, base: What, goal: Option<f64>, cost: &'static str) -> Row {
    Row { name, base, goal, cost }
}

const CHECK: &str = "A digest, a look into a cache, the checks; then an answer of ten times hello's bytes, which the \
    kernel carries and the load tool reads on the same cores.";
const LOGIN: &str = "HTTP, the audit event, the session's row and one fsync for all that log in at once; the load tool's \
    share comes out of the same cores.";
const BYTES: &str = "Nothing but bytes: they are made when keys or settings change. A longer answer with more headers than \
    hello's.";
const OWN: &str =
    "A form is read, the client found in memory and its secret compared, an ES256 signature made.";
const CODE: &str = "Two queries, three rows written and an fsync shared by those that wait, two signatures made: access token and \
    ID token.";
const ABOUT: &str = "A digest, a look into a cache, the checks; the answer is put together anew each time.";
const VERIFIED: &str = "The same, and an ES256 signature is verified.";

impl What {
    /// Its row.
    pub(crate) const fn row(self) -> Row {
        match self {
            Hello => row("bare axum hello", Hello, None, ""),
            HelloAgain => row("bare axum hello, again", Hello, None, ""),
            SessionMemory => row("session check, `memory:`", Hello, Some(0.90), CHECK),
            SessionSqlite => row("session check, SQLite", Hello, Some(0.90), CHECK),
            SessionPostgres => row("session check, PostgreSQL", Hello, Some(0.90), CHECK),
            Jwks => row("JWKS", Hello, Some(0.95), BYTES),
            TokenSeen => row(
                "token check, seen token",
                Hello,
                Some(0.60),
                "A digest over a longer header, a look into a cache, the checks.",
            ),
            TokenNew => row(
                "token check, never-seen token",
                Hello,
                Some(0.20),
                "An ES256 signature is verified, and the claims are read.",
            ),
            RefreshSqlite => row(
                "refresh, SQLite",
                Hello,
                Some(0.15),
                "A query, three rows written and an fsync shared by those that wait, an ES256 signature made, two lines of the \
                 log.",
            ),
            RefreshPostgres => row(
                "refresh, PostgreSQL",
                Hello,
                Some(0.05),
                "The same by way of another process on the same cores: three flights to it and a commit for each, eight at once.",
            ),
            Discovery => row("discovery document", Hello, Some(0.95), BYTES),
            OwnToken => row("client_credentials", Hello, Some(0.40), OWN),
            CodeEs256 => row("code exchange, ES256 ID token", Hello, Some(0.20), CODE),
            CodeRs256 => row("code exchange, RS256 ID token", Hello, Some(0.06), CODE),
            UserSeen => row("UserInfo, seen token", Hello, Some(0.60), ABOUT),
            UserNew => row("UserInfo, never-seen token", Hello, Some(0.20), VERIFIED),
            AskSeen => row("introspection, seen token", Hello, Some(0.60), ABOUT),
            AskNew => row("introspection, never-seen token", Hello, Some(0.20), VERIFIED),
            Hash => row("bare Argon2id", Hash, None, ""),
            LoginCookie => row("password login", Hash, Some(0.95), LOGIN),
            LoginToken => row("token login", Hash, Some(0.95), LOGIN),
            Quiet => row("session check, paced, quiet", Quiet, None, ""),
            Storm => row("session check, paced, storm", Quiet, None, ""),
            StormLogins => row("password login, in the storm", Hash, Some(0.95), LOGIN),
        }
    }
}
