//! The list of common passwords.

/// One password a line, folded, at least 8 characters each (shorter ones are refused for that), sorted by bytes.
/// `common_passwords.LICENSE` names its source.
static LIST: &str = include_str!("../common_passwords.txt");

/// Whether the folded password is in the list: a binary search over the text as it lies in the binary, so that the list
/// takes no memory of its own.
pub(super) fn contains(folded: &str) -> bool {
    let mut rest = LIST.trim_end();
    while !rest.is_empty() {
        let (before, line, after) = middle_line(rest);
        rest = match folded.as_bytes().cmp(line.as_bytes()) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => before,
            std::cmp::Ordering::Greater => after,
        };
    }
    false
}

/// The line around the middle, and what is before and after it. The list is ASCII, so any byte may be the middle.
fn middle_line(text: &str) -> (&str, &str, &str) {
    let start = text[..text.len() / 2].rfind('\n').map_or(0, |at| at + 1);
    let end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    (text[..start].trim_end_matches('\n'), &text[start..end], text[end..].trim_start_matches('\n'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::identifier::fold;

    #[test]
    fn the_list_is_large_folded_ascii_and_sorted() {
        let lines: Vec<&str> = LIST.lines().collect();
        // ASVS 6.2.4: at least 3,000.
        assert!(lines.len() >= 3000, "{}", lines.len());
        assert!(lines.is_sorted_by(|a, b| a.as_bytes() < b.as_bytes()));
        assert!(lines.iter().all(|line| line.is_ascii() && line.len() >= 8 && fold(line) == *line));
    }

    #[test]
    fn every_line_is_found_and_its_neighbours_are_not() {
        for line in LIST.lines() {
            assert!(contains(line), "{line}");
            assert!(!contains(&format!("{line}\u{1}")), "{line}");
        }
        for absent in ["", "\n", "!", "~~~~~~~~~~~~", "가", "password\n", "\npassword", "password\npassword0"]
        {
            assert!(!contains(absent), "{absent:?}");
        }
    }
}
