//! How strict the server is with a client (design, decision 3). Nothing of it is global.

/// What is demanded of a client, and what it may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Profile {
    /// OAuth 2.1: code only, PKCE with S256, exact redirect URIs.
    #[default]
    Oauth21,
    /// What `OpenID` Connect lets its clients do: no PKCE where they send none, assertions for the token endpoint's URL.
    Oidc,
    /// FAPI 2.0 Security Profile: pushed requests, tokens bound to a key, assertions for the issuer alone.
    Fapi2,
}

impl Profile {
    const ALL: [Self; 3] = [Self::Oauth21, Self::Oidc, Self::Fapi2];

    /// The word in settings, at the command line and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Oauth21 => "oauth21",
            Self::Oidc => "oidc",
            Self::Fapi2 => "fapi2",
        }
    }

    /// Reads [`as_str`](Self::as_str).
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.as_str() == word)
    }

    /// Whether an authorization request must carry a PKCE challenge (RFC 7636; attack OAU-13).
    pub const fn demands_pkce(self) -> bool {
        !matches!(self, Self::Oidc)
    }

    /// Whether only pushed requests count (RFC 9126).
    pub const fn demands_par(self) -> bool {
        matches!(self, Self::Fapi2)
    }

    /// Whether its tokens must be bound to a key (RFC 9449).
    pub const fn demands_bound_tokens(self) -> bool {
        matches!(self, Self::Fapi2)
    }

    /// Whether an assertion may name the token endpoint as its audience beside the issuer (attack OAU-34).
    pub const fn accepts_endpoint_audience(self) -> bool {
        !matches!(self, Self::Fapi2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strictness_hangs_on_the_profile() {
        for profile in Profile::ALL {
            assert_eq!(Profile::parse(profile.as_str()), Some(profile));
        }
        assert_eq!(Profile::parse("OIDC"), None);
        assert!(Profile::Oauth21.demands_pkce() && !Profile::Oidc.demands_pkce());
        assert!(Profile::Fapi2.demands_par() && !Profile::Oauth21.demands_par());
        assert!(Profile::Fapi2.demands_bound_tokens() && !Profile::Oidc.demands_bound_tokens());
        assert!(Profile::Oidc.accepts_endpoint_audience() && !Profile::Fapi2.accepts_endpoint_audience());
    }
}
