//! The judge's vocabulary: words without content, words that state a task, and the stemming of words.

/// Words too common to indicate a subject. Contractions have no apostrophe.
const STOP: &[&str] = &[
    "a", "about", "above", "after", "again", "all", "also", "always", "am", "an", "and", "any", "are",
    "arent", "as", "at", "back", "be", "because", "been", "before", "being", "below", "between", "both",
    "but", "by", "can", "cannot", "cant", "could", "did", "do", "does", "doesnt", "doing", "done", "dont",
    "down", "during", "each", "either", "else", "etc", "even", "ever", "every", "few", "for", "from",
    "further", "get", "gets", "go", "goes", "got", "had", "has", "have", "having", "he", "her", "here",
    "hers", "him", "his", "how", "however", "i", "id", "if", "ill", "im", "in", "into", "is", "isnt", "it",
    "its", "ive", "just", "like", "lot", "lots", "many", "may", "me", "might", "more", "most", "much",
    "must", "my", "no", "nor", "not", "now", "of", "off", "on", "once", "one", "only", "or", "other",
    "others", "our", "ours", "out", "over", "own", "really", "same", "she", "should", "since", "so", "some",
    "such", "than", "that", "thats", "the", "their", "theirs", "them", "then", "there", "these", "they",
    "thing", "things", "this", "those", "through", "to", "too", "under", "until", "up", "upon", "us", "very",
    "was", "we", "well", "were", "what", "when", "where", "whether", "which", "while", "who", "whom",
    "whose", "why", "will", "with", "within", "without", "wont", "would", "yet", "you", "your", "youre",
    "yours",
];

/// Words that state a prompt's task rather than its subject.
const TASK: &[&str] = &[
    "add",
    "answer",
    "ask",
    "assume",
    "best",
    "brief",
    "briefly",
    "clear",
    "come",
    "compare",
    "consider",
    "cook",
    "create",
    "describe",
    "draft",
    "each",
    "explain",
    "find",
    "five",
    "four",
    "funny",
    "generate",
    "give",
    "good",
    "great",
    "handle",
    "help",
    "include",
    "including",
    "keep",
    "kind",
    "least",
    "let",
    "list",
    "long",
    "look",
    "make",
    "maximum",
    "minimum",
    "need",
    "new",
    "number",
    "please",
    "possible",
    "produce",
    "provide",
    "research",
    "return",
    "roast",
    "seven",
    "short",
    "show",
    "simple",
    "six",
    "start",
    "submit",
    "suggest",
    "take",
    "tell",
    "ten",
    "three",
    "two",
    "use",
    "using",
    "want",
    "way",
    "witty",
    "word",
    "words",
    "work",
    "write",
];

/// True if the folded word carries no content.
pub(crate) fn is_stop(word: &str) -> bool {
    STOP.binary_search(&word).is_ok()
}

/// True if the folded word states a task rather than a subject.
pub(crate) fn is_task(word: &str) -> bool {
    TASK.binary_search(&word).is_ok()
}

/// Removes common English endings, so that `parse`, `parses`, `parsed` and `parsing` share a stem. Words of
/// other languages mostly stay unchanged.
pub(crate) fn stem(word: &str) -> &str {
    // A shorter rest, in bytes, suggests that the ending belongs to the word.
    const SHORTEST: usize = 3;
    let cut = |ending: &str| word.strip_suffix(ending).filter(|rest| rest.len() >= SHORTEST);
    let singular = || cut("s").filter(|rest| !rest.ends_with(['s', 'u', 'i']));
    let sibilant =
        || cut("es").filter(|rest| rest.ends_with("ch") || rest.ends_with("sh") || rest.ends_with('x'));
    let stem = ["ings", "ing", "ied", "ies", "edly", "ed", "ly"].into_iter().find_map(cut);
    let stem = stem.or_else(sibilant).or_else(singular).unwrap_or(word);
    let stem = stem.strip_suffix(['e', 'y']).filter(|rest| rest.len() >= SHORTEST).unwrap_or(stem);
    reduce_double(stem)
}

/// Reduces a doubled final letter: `stirr`, from `stirring`, becomes `stir`.
fn reduce_double(stem: &str) -> &str {
    match stem.as_bytes() {
        [_, _, .., a, b] if a == b && b.is_ascii_lowercase() => &stem[..stem.len() - 1],
        _ => stem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted() {
        assert!(STOP.is_sorted());
        assert!(TASK.is_sorted());
    }

    #[test]
    fn forms_of_a_word_share_a_stem() {
        for forms in [
            &["parse", "parses", "parsed", "parsing"][..],
            &["toothbrush", "toothbrushes"],
            &["recipe", "recipes"],
            &["stir", "stirs", "stirred", "stirring"],
            &["city", "cities"],
            &["quick", "quickly"],
            &["glass", "glass"],
        ] {
            assert!(forms.iter().all(|form| stem(form) == stem(forms[0])), "{forms:?}");
        }
    }

    #[test]
    fn a_stem_ends_at_a_character_boundary() {
        for word in ["été", "ééé", "日本s", "ing", "ed", "s", "", "ß"] {
            assert!(word.starts_with(stem(word)), "{word}");
        }
    }
}
