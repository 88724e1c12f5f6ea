//! Error codes in the source.

/// Calls that take a code as their second argument.
const CALLS: [&str; 4] = ["FieldError::new(", "Problem::new(", "Problem::invalid(", "Self::new("];

/// The codes that the calls in `text` name. A code in a variable is not found.
pub fn codes(text: &str) -> Vec<&str> {
    let calls = CALLS.iter().flat_map(|call| text.match_indices(call));
    let second = calls.filter_map(|(at, call)| {
        let open = at + call.find('(')? + 1;
        argument(text.get(open..)?, 1)
    });
    let words = second.filter_map(|argument| argument.strip_prefix('"')?.strip_suffix('"'));
    words
        .filter(|word| word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'))
        .collect()
}

/// An argument of the call whose arguments begin `text`, counted from zero.
fn argument(text: &str, index: usize) -> Option<&str> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let (mut start, mut found) = (0, 0);
    for (i, c) in text.char_indices() {
        let was_escaped = escaped;
        escaped = quoted && c == '\\' && !was_escaped;
        match c {
            '"' if !was_escaped => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth > 0 => depth -= 1,
            ',' | ')' if depth == 0 => {
                if found == index {
                    return text.get(start..i).map(str::trim);
                }
                if c == ')' {
                    return None;
                }
                (start, found) = (i + 1, found + 1);
            }
            _ => {}
        }
    }
    None
}

#[test]
fn a_code_is_the_second_argument_of_its_call() {
    let text = r#"
        FieldError::new("/name", "name_required", "Name, (required");
        Problem::invalid(format!("/{}", f(a, b)), "unknown_field", message);
        Self::new(S::CONFLICT, "own_drop", "\")");
        Self::new(
            StatusCode::CONFLICT,
            "many_lines",
        );
        FieldError::new("sort", code, message); Self::new("a", "B c"); Problem::new(a);
    "#;
    let mut found = codes(text);
    found.sort_unstable();
    assert_eq!(found, ["many_lines", "name_required", "own_drop", "unknown_field"]);
}
