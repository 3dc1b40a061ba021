//! What was probably meant: the known name with the fewest letters to change.

/// What the name stands for that is nearest to `word`.
pub(super) fn nearest<T: Default>(word: &str, known: impl Iterator<Item = (impl AsRef<str>, T)>) -> T {
    known.min_by_key(|(name, _)| distance(word, name.as_ref())).map(|(_, meant)| meant).unwrap_or_default()
}

/// Levenshtein distance, row by row.
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (above, letter) in from.chars().enumerate() {
        let mut diagonal = above;
        row[0] = above + 1;
        for (at, other) in to.chars().enumerate() {
            let change = diagonal + usize::from(letter != other);
            diagonal = row[at + 1];
            row[at + 1] = change.min(diagonal + 1).min(row[at] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_letters_to_change() {
        let table = [("", "", 0), ("a", "", 1), ("", "ab", 2), ("kitten", "sitting", 3), ("ilde", "idle", 2)];
        for (from, to, expected) in table {
            assert_eq!(distance(from, to), expected, "{from} {to}");
        }
        assert_eq!(nearest("sesion.idle", [("token.life", 1), ("session.idle", 2)].into_iter()), 2);
    }
}
