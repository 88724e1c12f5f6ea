//! The requirements of a prompt, as far as its words show them.

use crate::set::Set;
use crate::text::{Text, Word};
use crate::vocabulary::is_task;

/// Maximum number of terms. Later ones in a longer prompt are detail.
const MOST_TERMS: usize = 60;

/// Longest term worth naming to people, in bytes.
const LONGEST_TERM: usize = 24;

/// Largest plausible number of requested items.
const MOST_ITEMS: usize = 20;

/// Number words, from one.
const COUNTS: &[&str] =
    &["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

/// Nouns for countable items of a few words each.
const SHORT_ITEMS: &[&str] = &[
    "caption",
    "captions",
    "headline",
    "headlines",
    "insult",
    "insults",
    "joke",
    "jokes",
    "line",
    "lines",
    "liners",
    "name",
    "names",
    "pun",
    "puns",
    "sentence",
    "sentences",
    "slogan",
    "slogans",
    "tagline",
    "taglines",
    "title",
    "titles",
    "tweet",
    "tweets",
    "haiku",
    "haikus",
];

/// Nouns for countable items of a sentence or more each.
const LONG_ITEMS: &[&str] = &[
    "alternatives",
    "arguments",
    "bullets",
    "examples",
    "facts",
    "ideas",
    "options",
    "paragraph",
    "paragraphs",
    "points",
    "questions",
    "reasons",
    "recipes",
    "sources",
    "steps",
    "suggestions",
    "tests",
    "tips",
    "variants",
    "ways",
];

/// Verbs that ask for a given text to be returned in changed form.
const EDITS: &[&str] = &[
    "condense",
    "convert",
    "correct",
    "debug",
    "edit",
    "fix",
    "format",
    "polish",
    "proofread",
    "refactor",
    "reformat",
    "rephrase",
    "reword",
    "rewrite",
    "shorten",
    "simplify",
    "sort",
    "transform",
    "translate",
];

/// A content word of the prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    /// Hash of the term's stem.
    pub(crate) stem: u64,
    /// Term as the prompt writes it, letters and digits only.
    pub(crate) shown: String,
}

/// A number of items that the prompt requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Items {
    /// Number of items.
    pub(crate) count: usize,
    /// True if an item takes only a few words.
    pub(crate) short: bool,
}

/// A parsed prompt.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    /// Prompt as written.
    pub(crate) prompt: String,
    /// Text of the prompt.
    pub(crate) text: Text,
    /// Distinct content words, in order.
    pub(crate) terms: Vec<Term>,
    /// Number of items it requests.
    pub(crate) items: Option<Items>,
    /// Maximum number of words it allows.
    pub(crate) most_words: Option<usize>,
    /// True if it asks for a given text in changed form.
    pub(crate) edits: bool,
}

impl Ask {
    /// Parses a prompt.
    pub(crate) fn new(prompt: &str) -> Self {
        let text = Text::new(prompt);
        let items = items(&text.words);
        Self {
            prompt: prompt.to_owned(),
            terms: terms(prompt, &text.words, items.is_some()),
            items,
            most_words: most_words(&text.words),
            edits: text.words.iter().any(|word| EDITS.contains(&word.folded.as_str())),
            text,
        }
    }

    /// The stems of the terms.
    pub(crate) fn stems(&self) -> Set {
        self.terms.iter().map(|term| term.stem).collect()
    }
}

fn terms(prompt: &str, words: &[Word], itemised: bool) -> Vec<Term> {
    let mut terms: Vec<Term> = Vec::new();
    let named = |word: &&Word| {
        word.content && !word.figure && word.folded.len() <= LONGEST_TERM && !is_task(&word.folded)
            // An answer to "three taglines" is not expected to use that word.
            && !(itemised && is_item(&word.folded))
    };
    for word in words.iter().filter(named) {
        if terms.len() < MOST_TERMS && terms.iter().all(|term| term.stem != word.stem) {
            let seen = &prompt[word.span.clone()];
            let shown = seen.chars().filter(|c| c.is_alphanumeric()).take(LONGEST_TERM).collect();
            terms.push(Term { stem: word.stem, shown });
        }
    }
    terms
}

fn is_item(word: &str) -> bool {
    SHORT_ITEMS.contains(&word) || LONG_ITEMS.contains(&word)
}

fn count(word: &Word) -> Option<usize> {
    let written = COUNTS.iter().position(|count| *count == word.folded).map(|n| n + 1);
    written.or_else(|| word.folded.parse().ok())
}

fn items(words: &[Word]) -> Option<Items> {
    words.iter().enumerate().find_map(|(at, word)| {
        let count = count(word).filter(|count| (1..=MOST_ITEMS).contains(count))?;
        // Adjectives may precede the noun, as in "three short, punny taglines".
        let nouns = words.iter().skip(at + 1).take(4).map(|word| word.folded.as_str());
        nouns
            .into_iter()
            .find_map(|noun| is_item(noun).then(|| Items { count, short: SHORT_ITEMS.contains(&noun) }))
    })
}

fn most_words(words: &[Word]) -> Option<usize> {
    let pairs = words.windows(2).filter(|pair| matches!(pair[1].folded.as_str(), "word" | "words"));
    pairs.filter_map(|pair| pair[0].folded.parse().ok()).find(|most| (1..=10_000).contains(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_yields_its_items_length_and_kind_of_task() {
        let items = |count, short| Some(Items { count, short });
        for (prompt, want, most, edits) in [
            ("Three short, punny taglines for a bakery", items(3, true), None, false),
            ("Give me 5 ideas in at most 80 words", items(5, false), Some(80), false),
            ("A dinner for 4 people with two ingredients", None, None, false),
            ("Fix this function", None, None, true),
            ("Write 4000 jokes", None, None, false),
            ("", None, None, false),
        ] {
            let ask = Ask::new(prompt);
            assert_eq!((ask.items, ask.most_words, ask.edits), (want, most, edits), "{prompt}");
        }
    }

    #[test]
    fn terms_name_the_subject_and_not_the_task() {
        let ask =
            Ask::new("Please write three taglines for a BAKERY and its bakers' bread, a bakery in Köln.");
        let shown: Vec<&str> = ask.terms.iter().map(|term| term.shown.as_str()).collect();
        assert_eq!(shown, ["BAKERY", "bread", "Köln"]);
    }
}
