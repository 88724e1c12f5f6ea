//! Null models: answers that describe a good answer instead of giving one, and fit every submission.

use crate::fold::fold_text;

/// Share of the sentences that describe the work, in percent, from which nothing else is left.
const DESCRIBES: usize = 60;

/// Most words in such an answer. A longer text has content of its own.
const LONGEST: usize = 220;

/// Words that name the work or its parts.
const PARTS: &[&str] = &[
    "explanation",
    "example",
    "reader",
    "audience",
    "topic",
    "headings",
    "section",
    "sections",
    "tagline",
    "creativity",
    "report",
    "letter",
    "sentences",
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
    "implemented",
    "supported",
    "fulfills",
    "stays",
    "lists",
    "opens",
    "appear",
    "demonstrates",
    "reflects",
    "avoids",
    "contrasts",
    "leaves",
    "explains",
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
    "directly",
    "vivid",
    "good",
    "free",
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

/// Values that say that a demand was met, folded.
const STATUSES: &[&str] = &[
    "yes",
    "provided",
    "confirmed",
    "implemented",
    "supported",
    "configurable",
    "included",
    "met",
    "suitable",
    "fulfilled",
    "satisfied",
    "covered",
    "given",
    "kept",
    "rethrown",
    "handled",
    "respected",
    "followed",
    "correct",
    "done",
    "none",
    "ja",
    "erfullt",
    "vorhanden",
    "angegeben",
    "oui",
    "respecte",
    "respectee",
    "inclus",
    "si",
    "cumplido",
    "incluido",
    "rispettato",
    "incluso",
    "sim",
    "cumprido",
    "anges",
    "framgar",
    "uppfyllt",
    "spełnione",
    "evet",
];

/// Fewest labels with such a value that make a list of them.
const LEAST_STATUSES: usize = 4;

/// True if `text` goes through demands and says of most that they are met, as in "Tone: kept. Length: met."
pub(super) fn ticks_off(text: &str) -> bool {
    let text = fold_text(text);
    let parts = text.split(['.', '\n']).filter(|part| part.contains(char::is_alphanumeric));
    let (mut all, mut ticked) = (0, 0);
    for part in parts {
        all += 1;
        let split =
            [":** ", "** – ", "** - ", "**: ", ": ", " – "].iter().find_map(|mark| part.split_once(mark));
        let Some((label, value)) = split.filter(|(label, _)| label.split_whitespace().count() <= 6) else {
            continue;
        };
        let mut words = value.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        let status = words.next().is_some_and(|word| STATUSES.contains(&word));
        ticked += usize::from(status && !label.trim().is_empty() && value.split_whitespace().count() <= 12);
    }
    ticked >= LEAST_STATUSES && ticked * 2 >= all
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

    #[test]
    fn a_list_of_demands_that_are_met_is_no_answer() {
        for text in [
            "Villains: four. Picture book: yes. Ages: suitable. Name: provided. Funny: yes. Nobody dies: confirmed.",
            "**Signature** – implemented.\n**Jitter** – implemented.\n**Abort** – supported.\n**Error** – rethrown.",
        ] {
            assert!(ticks_off(text), "{text}");
        }
        for text in [
            "EU: no. EEA: no, voters refused in 1992. Schengen: yes, since 2008. EFTA: yes, a founder.",
            "Name: Ruth. Date: 3 May. Paid: yes. Place: Leeds.",
        ] {
            assert!(!ticks_off(text), "{text}");
        }
    }
}
