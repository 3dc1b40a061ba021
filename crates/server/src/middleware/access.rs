//! What a route accepts and promises: the columns of the URL table.

/// How a request to the route may prove itself (design: face).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Faces {
    /// Not at all: no cookie is read, no token either.
    None,
    /// By the session cookie; `Authorization` is ignored (I2).
    Cookie,
    /// By cookie or by token; an `Authorization` header with `Bearer` or `DPoP` decides alone (I2).
    Either,
}

/// In which words the route answers and errs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Surface {
    /// HTML.
    Page,
    /// JSON; errors as RFC 9457.
    Api,
    /// JSON; errors as RFC 6749.
    OAuth,
}

/// What may be kept of an answer, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cache {
    /// By nobody.
    NoStore,
    /// The route says so itself.
    Own,
}

/// Where a request with an unsafe method may come from (I4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Csrf {
    /// From our own pages, or from something that is no browser and sends no cookie of ours.
    OwnOrigin,
    /// From anywhere: no cookie of ours is read, so none can be abused.
    Anywhere,
}

/// A row's columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Access {
    pub(crate) faces: Faces,
    pub(crate) surface: Surface,
    /// `Access-Control-Allow-Origin: *`, never with credentials (I3).
    pub(crate) cors: bool,
    pub(crate) csrf: Csrf,
    pub(crate) cache: Cache,
    /// Answers whatever the Host header says.
    pub(crate) any_host: bool,
}

impl Access {
    /// A page: HTML for a browser, by cookie.
    pub(crate) const PAGE: Self = Self {
        faces: Faces::Cookie,
        surface: Surface::Page,
        cors: false,
        csrf: Csrf::OwnOrigin,
        cache: Cache::NoStore,
        any_host: false,
    };
    /// The one page that forms of other sites lead to: its POST reads no cookie.
    pub(crate) const AUTHORIZE: Self = Self { csrf: Csrf::Anywhere, ..Self::PAGE };
    /// An API route that a browser's session and a token open alike.
    pub(crate) const EITHER: Self =
        Self { faces: Faces::Either, surface: Surface::Api, cors: true, ..Self::PAGE };
    /// An API route of the cookie face alone: it may set a cookie of ours, so a foreign page may not even try (I4).
    pub(crate) const COOKIE: Self = Self { surface: Surface::Api, ..Self::PAGE };
    /// Open to every device and domain, without a face (I3).
    pub(crate) const PUBLIC: Self = Self {
        faces: Faces::None,
        surface: Surface::Api,
        cors: true,
        csrf: Csrf::Anywhere,
        cache: Cache::Own,
        any_host: false,
    };
    /// An endpoint of RFC 6749, open like [`PUBLIC`](Self::PUBLIC); its answers are kept by nobody.
    pub(crate) const OAUTH: Self = Self { surface: Surface::OAuth, cache: Cache::NoStore, ..Self::PUBLIC };
    /// Files of the pages. The page that says that this is the wrong host asks for them there.
    pub(crate) const STATIC: Self = Self { cors: false, any_host: true, ..Self::PUBLIC };
    /// For whoever operates the server; asked for by address (`any_host`).
    pub(crate) const HEALTH: Self =
        Self { cors: false, cache: Cache::NoStore, any_host: true, ..Self::PUBLIC };
}
