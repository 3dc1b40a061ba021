//! Short files, short functions.

use crate::functions;
use crate::sources::Source;

const FILE_LINES: usize = 400;
const FUNCTION_LINES: usize = 60;
const ARCHITECTURE_LINES: usize = 200;
/// What a person writes as code; generated and recorded text may be long.
const CODE: &[&str] = &["rs", "mjs", "js", "html", "css", "sql"];

pub(crate) fn problems(source: &Source) -> Vec<String> {
    let mut problems = Vec::new();
    let lines = source.text.lines().count();
    let limit = match source.path.as_str() {
        "ARCHITECTURE.md" => ARCHITECTURE_LINES,
        _ if CODE.contains(&source.extension()) => FILE_LINES,
        _ => usize::MAX,
    };
    if lines > limit {
        problems.push(source.problem(lines, &format!("the file has {lines} lines, {limit} are allowed")));
    }
    if source.is_rust() {
        let long =
            functions::all(&source.text).into_iter().filter(|function| function.body_lines > FUNCTION_LINES);
        problems.extend(long.map(|function| {
            let message = format!(
                "fn {} has {} lines, {FUNCTION_LINES} are allowed",
                function.name, function.body_lines
            );
            source.problem(function.line, &message)
        }));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::sample;

    #[test]
    fn a_long_file_is_a_problem() {
        assert_eq!(problems(&sample("a.rs", &"\n".repeat(400))), Vec::<String>::new());
        let found = problems(&sample("a.rs", &"\n".repeat(401)));
        assert_eq!(found, ["a.rs:401: the file has 401 lines, 400 are allowed"]);
        assert_eq!(problems(&sample("a.snap", &"\n".repeat(401))), Vec::<String>::new());
        assert_eq!(problems(&sample("ARCHITECTURE.md", &"\n".repeat(201))).len(), 1);
    }

    #[test]
    fn a_long_function_is_a_problem() {
        let text = |lines: usize| format!("\nfn long() {{\n{}}}\n", "x();\n".repeat(lines));
        assert_eq!(problems(&sample("a.rs", &text(60))), Vec::<String>::new());
        assert_eq!(problems(&sample("a.rs", &text(61))), ["a.rs:2: fn long has 61 lines, 60 are allowed"]);
    }
}
