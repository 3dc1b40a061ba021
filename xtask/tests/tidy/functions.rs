//! A rough reader of Rust: enough to find functions and where they end.

use std::iter::Peekable;
use std::str::Chars;

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// Where it starts, from 1.
    pub(crate) line: usize,
    /// Lines between the line of its opening and the line of its closing brace.
    pub(crate) body_lines: usize,
}

/// The functions of a Rust file, nested ones included.
pub(crate) fn all(text: &str) -> Vec<Function> {
    let code = mask(text);
    let starts = code.match_indices("fn ").filter(|(at, _)| !code[..*at].ends_with(is_word));
    starts.filter_map(|(at, keyword)| function(&code, at, at + keyword.len())).collect()
}

fn function(code: &str, start: usize, name_start: usize) -> Option<Function> {
    let name: String = code[name_start..].chars().take_while(|c| is_word(*c)).collect();
    let signature = &code[name_start + name.len()..];
    let open = name_start + name.len() + body_start(signature)?;
    let close = open + closing_brace(&code[open..])?;
    let line = |at: usize| code[..at].matches('\n').count() + 1;
    let body_lines = (line(close) - line(open)).saturating_sub(1);
    (!name.is_empty()).then(|| Function { name, line: line(start), body_lines })
}

/// Where the body of a signature opens; nothing when there is none, as in a trait.
fn body_start(signature: &str) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, c) in signature.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ';' if depth == 0 => return None,
            '{' if depth == 0 => return Some(at),
            _ => {}
        }
    }
    None
}

fn closing_brace(block: &str) -> Option<usize> {
    let mut depth = 0_i32;
    block.char_indices().find_map(|(at, c)| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        (depth == 0).then_some(at)
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The same text with comments, strings and characters blanked; lines stay where they are.
pub(crate) fn mask(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    let mut before = ' ';
    while let Some(c) = rest.next() {
        let hashes = if c == 'r' && (before == 'b' || !is_word(before)) { raw_string(&rest) } else { None };
        match (c, rest.peek()) {
            ('/', Some('/')) => blank(&mut code, &mut rest, |skipped| skipped.ends_with('\n')),
            ('/', Some('*')) => blank(&mut code, &mut rest, |skipped| skipped.ends_with("*/")),
            ('"', _) => blank(&mut code, &mut rest, string_ends),
            ('\'', _) => character(&mut code, &mut rest),
            _ if let Some(hashes) = hashes => {
                let end = format!("\"{}", "#".repeat(hashes));
                blank(&mut code, &mut rest, |skipped| {
                    skipped.len() > hashes + end.len() && skipped.ends_with(&end)
                });
            }
            _ => code.push(c),
        }
        before = c;
    }
    code
}

/// Skips until `ends` is true of what was skipped; keeps the line ends.
fn blank(code: &mut String, rest: &mut Peekable<Chars<'_>>, ends: impl Fn(&str) -> bool) {
    let mut skipped = String::new();
    for c in rest.by_ref() {
        skipped.push(c);
        if c == '\n' {
            code.push('\n');
        }
        if ends(&skipped) {
            break;
        }
    }
    code.push(' ');
}

fn string_ends(skipped: &str) -> bool {
    skipped.strip_suffix('"').is_some_and(|body| {
        let escapes = body.len() - body.trim_end_matches('\\').len();
        escapes % 2 == 0
    })
}

/// The number of `#` of a raw string whose `r` was just read.
fn raw_string(rest: &Peekable<Chars<'_>>) -> Option<usize> {
    let mut ahead = rest.clone();
    let mut hashes = 0;
    while ahead.next_if_eq(&'#').is_some() {
        hashes += 1;
    }
    ahead.next_if_eq(&'"').map(|_| hashes)
}

/// After a `'`: a character literal is skipped, a lifetime stays.
fn character(code: &mut String, rest: &mut Peekable<Chars<'_>>) {
    let mut ahead = rest.clone();
    let first = ahead.next();
    let second = ahead.next();
    if first == Some('\\') {
        rest.next();
        rest.next();
        blank(code, rest, |skipped| skipped.ends_with('\''));
    } else if second == Some('\'') {
        rest.next();
        rest.next();
        code.push(' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_code_is_blanked() {
        let mask = |text| super::mask(text).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(mask("a // fn b() {\nc"), "a c");
        assert_eq!(mask("a /* { \n */ c"), "a c");
        assert_eq!(mask(r#"a "}\"{\\" c"#), "a c");
        assert_eq!(mask("a r#\"}\"{\"# c r\"{\" d"), "a c d");
        assert_eq!(mask(r"a '{' '\'' '\u{7d}' &'a c"), "a &a c");
        assert_eq!(mask("for x in var {}"), "for x in var {}");
    }

    #[test]
    fn functions_are_found_with_their_lines() {
        let text = "trait T { fn none(&self); }\n\nfn outer<T>(a: [u8; 2]) -> T\nwhere T: X {\n    // {\n    fn inner() {}\n}\n";
        let function = |name: &str, line, body_lines| Function { name: name.to_owned(), line, body_lines };
        assert_eq!(all(text), [function("outer", 3, 2), function("inner", 6, 0)]);
    }
}
