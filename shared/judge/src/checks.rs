//! Plain checks, applied before anything is scored.

use crate::ask::Ask;
use crate::fold::squeeze;
use crate::integrity::{IntegrityFlag, manipulations};
use crate::points::points;
use crate::text::Text;

/// Minimum share of a submission's word runs, in points, that must lie in the prompt for it to count as a
/// copy of the prompt.
const PROMPT_COPY: u32 = 70;

/// The same limit for a prompt that hands over a text to change, because most of that text rightly comes
/// back.
const PROMPT_COPY_OF_EDIT: u32 = 98;

/// Minimum share of an earlier submission, in points, that must lie in a later one for it to count as taken
/// over whole.
const TAKEN_WHOLE: u32 = 80;

/// Openings that are known to win good grades from judges without any content after them.
const OPENINGS: &[&str] = &[
    "thoughtprocess",
    "letssolvethisproblemstepbystep",
    "letsthinkstepbystep",
    "letsthinkthroughthisstepbystep",
    "thinkingprocess",
    "reasoning",
    "solution",
    "answer",
    "finalanswer",
    "theanswer",
    "theansweris",
    "hereistheanswer",
    "hereismyanswer",
    "heresmyanswer",
    "assistant",
    "losung",
    "antwort",
    "gedankengang",
    "reponse",
    "solucion",
    "respuesta",
    "solucao",
    "resposta",
    "soluzione",
    "risposta",
    "antwoord",
    "oplossing",
    "odpowiedz",
    "rozwiazanie",
    "cevap",
    "cozum",
    "ответ",
    "решение",
    "解",
    "解答",
    "答案",
    "回答",
    "思考过程",
    "かいせつ",
    "풀이",
    "답변",
    "الحل",
    "الإجابة",
    "समाधान",
    "उत्तर",
];

/// True if the text is nothing but an opening.
fn is_only_opening(text: &Text) -> bool {
    OPENINGS.iter().any(|opening| squeeze(opening) == text.squeezed)
}

/// The limits beyond which a submission counts as a copy of another.
///
/// They are wide, because submissions are sealed until the verdict: hardly anybody can copy, and right
/// answers to a narrow task are alike. Short texts are never compared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CopyLimits {
    /// Share of the later submission's word runs that lie in the earlier one, in points.
    pub(crate) runs: u32,
    /// Share of the distinct words of both submissions that they have in common, in points.
    pub(crate) stems: u32,
    /// Fewest word runs of a text, and fewest distinct words of two, that are compared. Fewer agree by
    /// chance.
    pub(crate) fewest: usize,
}

/// Returns the checks that the submission fails, given the `earlier` submissions; the least grave first.
pub(crate) fn check(
    ask: &Ask,
    text: &Text,
    raw: &str,
    earlier: &[&Text],
    limits: CopyLimits,
) -> Vec<IntegrityFlag> {
    let mut flags: Vec<_> = check_content(ask, text, earlier, limits).into_iter().collect();
    flags.extend(manipulations(&ask.prompt, raw));
    flags
}

/// Returns the gravest check of its content that the submission fails, given the `earlier` submissions.
pub(crate) fn check_content(
    ask: &Ask,
    text: &Text,
    earlier: &[&Text],
    limits: CopyLimits,
) -> Option<IntegrityFlag> {
    let copied = || earlier.iter().any(|original| copies(ask, text, original, limits));
    if text.words.is_empty() {
        Some(IntegrityFlag::Blank)
    } else if is_only_opening(text) {
        Some(IntegrityFlag::OnlyOpening)
    } else if copies_prompt(ask, text) {
        Some(IntegrityFlag::CopiedPrompt)
    } else {
        copied().then_some(IntegrityFlag::CopiedSubmission)
    }
}

/// True if the text consists of the prompt's own words.
fn copies_prompt(ask: &Ask, text: &Text) -> bool {
    let limit = if ask.edits { PROMPT_COPY_OF_EDIT } else { PROMPT_COPY };
    let shared = text.shingles.shared(&ask.text.shingles);
    text.hash == ask.text.hash || (shared > 0 && points(shared, text.shingles.len()) >= limit)
}

/// True if `text` is nearly the same as `original` or includes it whole. Text that both share with the prompt
/// does not count.
fn copies(ask: &Ask, text: &Text, original: &Text, limits: CopyLimits) -> bool {
    let (own, theirs) =
        (text.shingles.without(&ask.text.shingles), original.shingles.without(&ask.text.shingles));
    let shared = own.shared(&theirs);
    let repeats = own.len() >= limits.fewest && points(shared, own.len()) >= limits.runs;
    let takes = theirs.len() >= limits.fewest && points(shared, theirs.len()) >= TAKEN_WHOLE.max(limits.runs);
    repeats || takes || same_words(ask, text, original, limits)
}

/// True if both submissions use the same words, in any order.
fn same_words(ask: &Ask, text: &Text, original: &Text, limits: CopyLimits) -> bool {
    let (own, theirs) = (text.stems.without(&ask.text.stems), original.stems.without(&ask.text.stems));
    let shared = own.shared(&theirs);
    let all = own.len() + theirs.len() - shared;
    all >= limits.fewest && points(shared, all) >= limits.stems
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: CopyLimits = CopyLimits { runs: 65, stems: 80, fewest: 30 };
    const PROMPT: &str = "Describe how a small bakery can sell more sourdough bread on weekdays";
    const ANSWER: &str = "Offer a subscription: regulars prepay for four loaves and collect them on slow Tuesdays. \
        Slice yesterday's unsold loaves into croutons, price them at 3 euros, and put them beside the till where \
        commuters queue. A chalkboard with tomorrow's flour and its miller gives people a reason to come back. \
        Offices nearby get a delivery at noon: ten warm rolls in a paper bag, with butter from the next village.";

    fn flag(prompt: &str, raw: &str, earlier: &[&str]) -> Option<IntegrityFlag> {
        let earlier: Vec<Text> = earlier.iter().map(|raw| Text::new(raw)).collect();
        check(&Ask::new(prompt), &Text::new(raw), raw, &earlier.iter().collect::<Vec<_>>(), LIMITS).pop()
    }

    #[test]
    fn text_without_content_is_flagged() {
        for raw in ["", " \n\t", ":", "…", "\u{200b}\u{3164}", "-- !! ??"] {
            assert_eq!(flag(PROMPT, raw, &[]), Some(IntegrityFlag::Blank), "{raw:?}");
        }
        for raw in ["Thought process:", "Solution", "解"] {
            assert_eq!(flag(PROMPT, raw, &[]), Some(IntegrityFlag::OnlyOpening), "{raw:?}");
        }
    }

    #[test]
    fn text_in_any_script_has_content() {
        for raw in ["面包店可以推出订阅服务", "🥖🔥", "مخبز صغير", "Хлеб по вторникам", "ขนมปัง", "42"]
        {
            assert_eq!(flag(PROMPT, raw, &[]), None, "{raw}");
        }
    }

    #[test]
    fn a_repeated_prompt_is_flagged() {
        for raw in [
            PROMPT.to_owned(),
            PROMPT.to_uppercase(),
            PROMPT.replace(' ', " - \n"),
            PROMPT.replace('o', "о"),
            format!("{PROMPT}? Sure."),
            PROMPT[..40].to_owned(),
            format!("{PROMPT} {PROMPT} {PROMPT}"),
        ] {
            assert_eq!(flag(PROMPT, &raw, &[]), Some(IntegrityFlag::CopiedPrompt), "{raw}");
        }
    }

    #[test]
    fn a_corrected_text_does_not_count_as_a_copy_of_the_prompt() {
        let prompt =
            "Fix the grammar: The baker have sold all loaf yesterday and she were glad about her customer";
        let fixed = "The baker had sold all loaves yesterday and she was glad about her customers";
        assert_eq!(flag(prompt, fixed, &[]), None);
        assert_eq!(flag(prompt, prompt, &[]), Some(IntegrityFlag::CopiedPrompt));
    }

    #[test]
    fn a_later_copy_is_flagged_despite_small_changes() {
        for raw in [
            ANSWER.to_owned(),
            ANSWER.to_lowercase().replace(['.', ',', ':'], ""),
            ANSWER.replace("loaves", "breads").replace("queue", "wait").replace("Slice", "Cut"),
            ANSWER.replace(' ', "\u{200b} "),
            ANSWER.replace('e', "е"),
            format!(
                "{ANSWER} And then something else entirely about opening hours, parking and the weather. {}",
                "x "
            ),
            ANSWER.split_whitespace().rev().collect::<Vec<_>>().join(" "),
        ] {
            assert_eq!(
                flag(PROMPT, &raw, &["Other text.", ANSWER]),
                Some(IntegrityFlag::CopiedSubmission),
                "{raw}"
            );
        }
    }

    #[test]
    fn an_independent_answer_is_not_flagged() {
        let other = "Bake smaller loaves at noon, so that the smell reaches the offices at lunch, and sell them warm \
            with butter. On Tuesdays a second loaf costs half.";
        assert_eq!(flag(PROMPT, other, &[ANSWER]), None);
        assert_eq!(flag(PROMPT, "Offer a subscription", &["Offer a discount"]), None);
        // Short right answers are alike.
        assert_eq!(flag(PROMPT, "Offer a subscription", &["Offer a subscription"]), None);
    }
}
