//! What is wrong with a configuration, all of it at once. No message shows the value of a secret (invariant I16).

use std::fmt;
use std::path::PathBuf;

use super::env;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A line of the file, counted from 1.
    File(PathBuf, usize),
    /// The file as a whole.
    WholeFile(PathBuf),
    /// An environment variable.
    Env(String),
    /// The command line.
    Args,
    /// Nobody set it.
    Preset,
}

/// One thing that is wrong, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// Where.
    pub origin: Origin,
    /// Which setting; empty where it is about the file or a variable itself.
    pub key: String,
    /// What is wrong and what to do.
    pub problem: String,
}

/// Everything that is wrong: the server does not start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::WholeFile(path) => write!(f, "{}", path.display()),
            Self::Env(name) => f.write_str(name),
            Self::Args => f.write_str("command line"),
            Self::Preset => f.write_str("not set"),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, key, problem } = self;
        match origin {
            _ if key.is_empty() => write!(f, "{origin}: {problem}"),
            // Whoever reads this must learn both names.
            Origin::Preset | Origin::Args => write!(f, "{key} ({}): {problem}", env::name(key)),
            Origin::File(..) | Origin::WholeFile(_) | Origin::Env(_) => {
                write!(f, "{origin}: {key}: {problem}")
            }
        }
    }
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration does not allow a start:")?;
        self.0.iter().try_for_each(|error| write!(f, "\n  {error}"))
    }
}

impl std::error::Error for ConfigErrors {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_where_what_and_what_to_do() {
        let error = |origin, key: &str| {
            ConfigError { origin, key: key.to_owned(), problem: "must be shorter".to_owned() }.to_string()
        };
        let file = PathBuf::from("c.toml");
        assert_eq!(
            error(Origin::File(file.clone(), 3), "token.life"),
            "c.toml:3: token.life: must be shorter"
        );
        assert_eq!(error(Origin::WholeFile(file), ""), "c.toml: must be shorter");
        let variable = "COUNTERSIGN_TOKEN_LIFE";
        assert_eq!(error(Origin::Env(variable.to_owned()), ""), "COUNTERSIGN_TOKEN_LIFE: must be shorter");
        assert_eq!(
            error(Origin::Preset, "token.life"),
            "token.life (COUNTERSIGN_TOKEN_LIFE): must be shorter"
        );
    }
}
