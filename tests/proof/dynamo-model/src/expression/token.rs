//! Words and signs of an expression.

/// A word or a sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A keyword, a function or an attribute's name.
    Word(&'a str),
    /// A placeholder of a name, with its `#`.
    Name(&'a str),
    /// A placeholder of a value, with its `:`.
    Value(&'a str),
    /// Digits.
    Number(&'a str),
    /// Punctuation or a comparator.
    Sign(&'a str),
}

/// The tokens of an expression; the rest of the text that begins no token, if there is such a rest.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, &str> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, after) = token(first, rest).ok_or(rest)?;
        tokens.push(token);
        rest = after.trim_start();
    }
    Ok(tokens)
}

fn token(first: char, rest: &str) -> Option<(Token<'_>, &str)> {
    let word = |from: usize| {
        let part_of_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = rest[from..].find(|c| !part_of_word(c)).map_or(rest.len(), |end| from + end);
        (end > from).then(|| rest.split_at(end))
    };
    match first {
        '#' => word(1).map(|(name, after)| (Token::Name(name), after)),
        ':' => word(1).map(|(name, after)| (Token::Value(name), after)),
        'a'..='z' | 'A'..='Z' | '_' => word(0).map(|(text, after)| (Token::Word(text), after)),
        '0'..='9' => {
            let (digits, after) = word(0)?;
            digits.bytes().all(|byte| byte.is_ascii_digit()).then_some((Token::Number(digits), after))
        }
        _ => {
            let sign = ["<>", "<=", ">=", "<", ">", "=", "(", ")", "[", "]", ",", ".", "+", "-"]
                .into_iter()
                .find(|sign| rest.starts_with(sign))?;
            let (sign, after) = rest.split_at(sign.len());
            Some((Token::Sign(sign), after))
        }
    }
}
