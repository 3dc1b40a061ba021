//! The files of the repository: what git tracks or would track, as far as it is text.

use std::path::Path;
use std::process::Command;

/// One text file.
pub(crate) struct Source {
    /// Relative to the repository, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn is_rust(&self) -> bool {
        self.extension() == "rs"
    }

    pub(crate) fn extension(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(_, extension)| extension)
    }

    /// `path:line: message`, lines counted from 1.
    pub(crate) fn problem(&self, line: usize, message: &str) -> String {
        format!("{}:{line}: {message}", self.path)
    }

    /// Lines with their numbers, from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

/// All of them.
pub(crate) fn all() -> Vec<Source> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root);
    let listed = git.output().unwrap_or_else(|error| panic!("git ls-files: {error}"));
    let paths =
        String::from_utf8(listed.stdout).unwrap_or_else(|error| panic!("a path that is not text: {error}"));
    let sources: Vec<Source> = paths
        .split_terminator('\0')
        .filter_map(|path| {
            Some(Source { path: path.to_owned(), text: std::fs::read_to_string(root.join(path)).ok()? })
        })
        .collect();
    assert!(!sources.is_empty(), "git lists no file");
    sources
}

/// A source for the checks' own tests.
#[cfg(test)]
pub(crate) fn sample(path: &str, text: &str) -> Source {
    Source { path: path.to_owned(), text: text.to_owned() }
}

#[test]
fn this_file_is_among_them() {
    assert!(all().iter().any(|source| source.path == "xtask/tests/tidy/sources.rs" && source.is_rust()));
}
