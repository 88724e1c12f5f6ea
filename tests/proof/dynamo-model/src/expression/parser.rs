//! A reader of tokens, and the parts that all expressions share.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::path::{Name, Path, Step};
use super::token::{Token, tokens};

/// Words that an expression may use as an attribute's name only through a placeholder.
///
/// Source: Developer Guide, "Reserved words in DynamoDB".
static RESERVED: LazyLock<BTreeSet<&str>> =
    LazyLock::new(|| include_str!("../reserved_words.txt").split_whitespace().collect());

/// A position in an expression's tokens.
pub(crate) struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    next: usize,
    placeholders: BTreeSet<String>,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str) -> Result<Self, String> {
        let tokens = tokens(text).map_err(|rest| format!("Syntax error; token: {rest:?}"))?;
        Ok(Self { tokens, next: 0, placeholders: BTreeSet::new() })
    }

    /// The placeholders of an expression that was read to its end.
    pub(super) fn finish(self) -> Result<BTreeSet<String>, String> {
        match self.tokens.get(self.next) {
            None => Ok(self.placeholders),
            Some(token) => Err(format!("Syntax error; token: {token:?}")),
        }
    }

    pub(super) fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.next).copied()
    }

    pub(super) fn skip(&mut self) {
        self.next += 1;
    }

    /// Takes the sign if it comes next.
    pub(super) fn sign(&mut self, sign: &str) -> bool {
        let found = self.peek() == Some(Token::Sign(sign));
        self.next += usize::from(found);
        found
    }

    pub(super) fn require(&mut self, sign: &str) -> Result<(), String> {
        if self.sign(sign) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Takes the keyword if it comes next. Keywords have no case.
    pub(super) fn keyword(&mut self, keyword: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword));
        self.next += usize::from(found);
        found
    }

    /// Takes the name of a function and the parenthesis behind it, if they come next. Names of functions have
    /// a case.
    pub(super) fn call(&mut self) -> Option<&'a str> {
        let Some(Token::Word(word)) = self.peek() else { return None };
        let keyword =
            ["AND", "OR", "NOT", "IN", "BETWEEN"].iter().any(|known| word.eq_ignore_ascii_case(known));
        if keyword || self.tokens.get(self.next + 1) != Some(&Token::Sign("(")) {
            return None;
        }
        self.next += 2;
        Some(word)
    }

    pub(super) fn unexpected(&self) -> String {
        match self.peek() {
            Some(token) => format!("Syntax error; token: {token:?}"),
            None => "Syntax error; token: <EOF>".to_owned(),
        }
    }

    /// Takes the placeholder of a value, if it comes next.
    pub(super) fn value(&mut self) -> Option<String> {
        let Some(Token::Value(name)) = self.peek() else { return None };
        self.skip();
        self.placeholders.insert(name.to_owned());
        Some(name.to_owned())
    }

    pub(super) fn path(&mut self) -> Result<Path, String> {
        let mut steps = vec![Step::Member(self.name()?)];
        loop {
            if self.sign(".") {
                steps.push(Step::Member(self.name()?));
            } else if self.sign("[") {
                let Some(Token::Number(digits)) = self.peek() else { return Err(self.unexpected()) };
                self.skip();
                let out_of_range =
                    |_| format!("List index is not within the allowable range; index: [{digits}]");
                steps.push(Step::Index(digits.parse::<u32>().map_err(out_of_range)? as usize));
                self.require("]")?;
            } else {
                return Ok(Path(steps));
            }
        }
    }

    fn name(&mut self) -> Result<Name, String> {
        let name = match self.peek() {
            Some(Token::Name(name)) => {
                self.placeholders.insert(name.to_owned());
                Name::Placeholder(name.to_owned())
            }
            Some(Token::Word(word)) if RESERVED.contains(word.to_ascii_uppercase().as_str()) => {
                return Err(format!("Attribute name is a reserved keyword; reserved keyword: {word}"));
            }
            Some(Token::Word(word)) => Name::Plain(word.to_owned()),
            _ => return Err(self.unexpected()),
        };
        self.skip();
        Ok(name)
    }
}
