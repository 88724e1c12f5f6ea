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
    "date",
    "dates",
    "place",
    "ingredients",
    "plan",
    "limit",
    "item",
    "items",
    "question",
    "questions",
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
    "sensible",
    "practical",
    "balanced",
    "detail",
    "keeping",
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
    let sentences: Vec<(bool, Vec<String>)> = text
        .split(['.', '!', '\n'])
        // "**Format:** The format is followed" claims by its label, too.
        .map(|sentence| (sentence.trim_start().starts_with("**") || sentence.contains(": "), words(sentence)))
        .filter(|(_, words)| words.len() >= 3)
        .collect();
    if sentences.len() < 2 || sentences.iter().map(|(_, words)| words.len()).sum::<usize>() > LONGEST {
        return false;
    }
    let claims = |(labelled, words): &&(bool, Vec<String>)| {
        let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
        let (parts, done, well) = (has(PARTS), has(DONE), has(WELL));
        (parts && done && well) || (*labelled && u8::from(parts) + u8::from(done) + u8::from(well) >= 2)
    };
    sentences.iter().filter(claims).count() * 100 >= sentences.len() * DESCRIBES
}

/// Kinds of sections in a judge's prompt.
const SECTIONS: [&[&str]; 4] = [
    &["instruction", "instructions", "prompt", "task", "question", "user question"],
    &["rubric", "criteria", "grading criteria", "evaluation criteria", "scoring"],
    &[
        "output",
        "outputs",
        "response",
        "answer",
        "submission",
        "candidate",
        "model output",
        "assistants answer",
    ],
    &[
        "verdict",
        "evaluation",
        "judgement",
        "judgment",
        "grade",
        "final grade",
        "score",
        "rationale",
        "ranking",
    ],
];

/// Number of these kinds that imitate the prompt. The first and the third are common in other texts.
const IMITATED: usize = 3;

/// True if the headings of `text` are those of a judge's prompt.
pub(super) fn imitates_sections(text: &str) -> bool {
    let heading = |line: &str| {
        let bare = line.trim().trim_matches(|c: char| !c.is_alphanumeric());
        let marked =
            line.trim_start().starts_with(['#', '*', '[', '<', '=']) || line.trim_end().ends_with(':');
        (marked && bare.len() < 40).then(|| fold_text(bare).replace(['\'', '’'], ""))
    };
    let headings: Vec<String> = text.lines().filter_map(heading).collect();
    let found = SECTIONS.map(|names| headings.iter().any(|heading| names.contains(&heading.as_str())));
    found.iter().filter(|found| **found).count() >= IMITATED && (found[1] || found[3])
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
