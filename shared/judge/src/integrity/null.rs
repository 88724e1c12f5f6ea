//! Null models: answers that describe a good answer instead of giving one, and fit every submission.

use crate::fold::fold_text;

/// Share of the sentences that describe the work, in percent, from which nothing else is left.
const DESCRIBES: usize = 60;

/// Most words in such an answer. A longer text has content of its own.
const LONGEST: usize = 220;

/// Words that name the work or its parts.
const PARTS: &[&str] = &[
    "response",
    "answer",
    "submission",
    "output",
    "text",
    "requirement",
    "requirements",
    "criteria",
    "criterion",
    "request",
    "prompt",
    "task",
    "instructions",
    "constraints",
    "length",
    "tone",
    "format",
    "details",
    "facts",
    "steps",
    "points",
    "content",
    "structure",
    "style",
    "list",
    "summary",
    "recipe",
    "code",
    "solution",
    "jokes",
    "requested",
    "asked",
    "required",
    "specified",
];

/// Words that say that something was done.
const DONE: &[&str] = &[
    "addressed",
    "addresses",
    "answered",
    "answers",
    "applied",
    "chosen",
    "compared",
    "corrected",
    "cover",
    "covered",
    "covers",
    "delivered",
    "delivers",
    "described",
    "explained",
    "followed",
    "follows",
    "fulfilled",
    "fulfils",
    "given",
    "gives",
    "handled",
    "identified",
    "included",
    "includes",
    "kept",
    "keeps",
    "listed",
    "made",
    "matched",
    "matches",
    "meet",
    "meets",
    "mentioned",
    "met",
    "observed",
    "organised",
    "organized",
    "presented",
    "presents",
    "preserved",
    "provided",
    "provides",
    "respected",
    "respects",
    "satisfied",
    "satisfies",
    "stated",
    "states",
    "structured",
    "sums",
    "tailored",
    "used",
    "written",
];

/// Words that praise how it was done.
const WELL: &[&str] = &[
    "accurate",
    "accurately",
    "all",
    "appropriate",
    "appropriately",
    "carefully",
    "clear",
    "clearly",
    "complete",
    "completely",
    "concise",
    "correct",
    "correctly",
    "each",
    "engaging",
    "every",
    "exact",
    "exactly",
    "full",
    "fully",
    "high",
    "precise",
    "precisely",
    "quality",
    "relevant",
    "requested",
    "right",
    "suitable",
    "suited",
    "thorough",
    "thoroughly",
    "well",
];

/// True if most sentences of `text` claim that the task was done well.
pub(super) fn describes_itself(text: &str) -> bool {
    let text = fold_text(text);
    let words = |sentence: &str| -> Vec<String> {
        let words = sentence.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_owned).collect()
    };
    let sentences: Vec<Vec<String>> =
        text.split(['.', '!', '\n']).map(words).filter(|words| words.len() >= 3).collect();
    if sentences.len() < 2 || sentences.iter().map(Vec::len).sum::<usize>() > LONGEST {
        return false;
    }
    let claims = |words: &&Vec<String>| {
        let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
        has(DONE) && has(WELL) && has(PARTS)
    };
    sentences.iter().filter(claims).count() * 100 >= sentences.len() * DESCRIBES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_of_a_good_answer_is_no_answer() {
        for text in [
            "**Product:** The product requested is identified accurately.\n**When:** The date requested is stated precisely.",
            "This response addresses every part of the request. All requirements are met, and the tone is kept exactly.",
        ] {
            assert!(describes_itself(text), "{text}");
        }
        for text in [
            "Rinse the rice. Cook it for 12 minutes. All of the water should be gone. Serve in the recipe's bowls.",
            "The contract covers all repairs. Send the form by Monday. The full text is on page 4.",
            "The response covers all points.",
        ] {
            assert!(!describes_itself(text), "{text}");
        }
    }
}
