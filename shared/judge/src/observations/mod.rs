//! Findings about an answer that no prompt states, such as a refusal, vague words or concrete details.
//!
//! Every finding is a whole number: a count, or a share in per mille. [`Observations::features`] lists them
//! in a fixed order, as the input of a linear model. Most are shares, so that sheer length does not change
//! them.

mod code;
mod overlap;
mod phrases;
mod shape;

use clorp_domain::Pack;

use crate::constraints::layout::{Answer, sentences};
use crate::constraints::source::is_program;
use crate::fold::{fold, is_invisible};
use crate::text::Text;

/// The findings about one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observations {
    values: Vec<i64>,
}

/// The parsed texts from which findings are measured.
struct Texts<'a> {
    prompt: Text,
    text: Text,
    answer: Answer<'a>,
    /// Folded words of the prose, without apostrophes.
    words: Vec<String>,
    /// Folded words of the first lines.
    opening: Vec<String>,
    /// Folded words of the last lines.
    closing: Vec<String>,
    prose: String,
    /// Number of words in each sentence of the prose.
    lengths: Vec<usize>,
    /// Share of copied words, and length of the longest copied run.
    copied: (i64, i64),
    /// Share of the prompt's content stems that are taken up.
    stems: i64,
    /// Share of the prompt's word pieces that are taken up.
    pieces: i64,
    pack: Pack,
    /// True if none of the answer is prose.
    is_program: bool,
    /// Faults of the programs.
    faults: code::Faults,
}

/// A finding: its stable name, its meaning and its measure.
struct Feature {
    name: &'static str,
    #[cfg_attr(not(test), expect(dead_code, reason = "the meaning is documentation, and a test reads it"))]
    meaning: &'static str,
    measure: fn(&Texts<'_>) -> i64,
}

const fn feature(name: &'static str, meaning: &'static str, measure: fn(&Texts<'_>) -> i64) -> Feature {
    Feature { name, meaning, measure }
}

/// The findings, in the order of [`Observations::features`]. A new one goes to the end, since fitted weights
/// depend on the order.
static FEATURES: &[Feature] = &[
    feature("refusal", "Phrases that refuse the work, up to 5.", |t| {
        capped(phrases::count(&t.words, phrases::REFUSALS), 5)
    }),
    feature("cut_off", "1 if the prose stops in mid-sentence.", |t| {
        if t.is_program { 0 } else { shape::cut_off(&t.answer) }
    }),
    feature("open_fence", "1 if a code fence is never closed.", |t| shape::open_fence(&t.answer)),
    feature("unbalanced", "Brackets of the code without a partner, up to 10.", |t| {
        code::unbalanced(&t.answer, t.pack)
    }),
    feature("placeholders", "Blanks left to fill in, such as [Name], up to 10.", |t| {
        shape::placeholders(t.answer.text, &t.prose)
    }),
    feature("stubs", "Empty bodies in code, such as a lone `pass`, up to 10.", |t| code::stubs(&t.answer)),
    feature("filler_opening", "Filler phrases in the first words, up to 3.", |t| {
        capped(phrases::count(&t.opening, phrases::OPENINGS), 3)
    }),
    feature("filler_closing", "Filler phrases in the last words, up to 3.", |t| {
        capped(phrases::count(&t.closing, phrases::CLOSINGS), 3)
    }),
    feature("flattery", "Phrases that flatter the reader, per mille of words.", |t| {
        t.rate(phrases::FLATTERY)
    }),
    feature("hedging", "Phrases that avoid a commitment, per mille of words.", |t| t.rate(phrases::HEDGES)),
    feature("vague", "Words without a definite meaning, per mille of words.", |t| t.rate(phrases::VAGUE)),
    feature("cliches", "Worn phrases, per mille of words.", |t| t.rate(phrases::CLICHES)),
    feature("meta_talk", "Phrases about the answer itself, per mille of words.", |t| t.rate(phrases::META)),
    feature("asks_back", "Questions to the sender, up to 3.", |t| {
        capped(phrases::count(&t.words, phrases::ASKS_BACK), 3)
    }),
    feature("promises", "Announcements in place of work, up to 3.", |t| {
        capped(phrases::count(&t.words, phrases::PROMISES), 3)
    }),
    feature("reasons", "Words for reasons and conditions, per mille of words.", |t| t.rate(phrases::REASONS)),
    feature("apologies", "Apologies, per mille of words.", |t| t.rate(phrases::APOLOGIES)),
    feature("figures", "Distinct figures, per mille of words.", |t| {
        t.share(t.text.distinct(|word| word.figure))
    }),
    feature("measures", "Figures with a unit, per mille of words.", |t| {
        t.share(shape::measures(t.answer.text))
    }),
    feature("names", "Distinct capitalised words within sentences, per mille of words.", |t| {
        t.share(t.text.distinct(|word| word.name))
    }),
    feature("quoted", "Quoted terms, per mille of words.", |t| t.share(shape::quoted(&t.prose))),
    feature("links", "Distinct links, up to 10.", |t| capped(t.text.links.len(), 10)),
    feature("dominance", "Share of the most frequent content word, in per mille of content words.", |t| {
        overlap::dominance(&t.text)
    }),
    feature("repeated_runs", "Runs of three words that repeat an earlier one, in per mille of runs.", |t| {
        per_mille(t.text.runs - t.text.shingles.len().min(t.text.runs), t.text.runs)
    }),
    feature("repeated_lines", "Lines that repeat an earlier one, in per mille of lines.", |t| {
        shape::repeated_lines(&t.text)
    }),
    feature("repeated_sentences", "Sentences that repeat an earlier one, in per mille of sentences.", |t| {
        shape::repeated_sentences(&t.prose)
    }),
    feature("stuffing", "Content words of the prompt, in per mille of words.", |t| {
        overlap::stuffing(&t.prompt, &t.text)
    }),
    feature("copied", "Words in runs copied from the prompt, in per mille of words.", |t| t.copied.0),
    feature("longest_copy", "Length of the longest copied run in words, up to 200.", |t| t.copied.1),
    feature("topic_stems", "Share of the prompt's content stems that are taken up, in per mille.", |t| {
        t.stems
    }),
    feature("topic_pieces", "Share of the prompt's word pieces that are taken up, in per mille.", |t| {
        t.pieces
    }),
    feature("topic_names", "Share of the prompt's names and figures that are taken up, in per mille.", |t| {
        overlap::names(&t.prompt, &t.text)
    }),
    feature(
        "topic_answer",
        "Share of the answer's content stems that occur in the prompt, in per mille.",
        |t| overlap::answer_stems(&t.prompt, &t.text),
    ),
    feature("off_topic", "1000 without the larger of topic_stems and topic_pieces.", |t| {
        1000 - t.stems.max(t.pieces)
    }),
    feature("markup", "Marks of Markdown, in per mille of characters.", |t| shape::markup(t.answer.text)),
    feature("headings", "Headings, in per mille of lines.", |t| shape::headings(&t.answer)),
    feature("listed", "Items of lists, in per mille of lines.", |t| shape::listed(&t.answer)),
    feature("tabular", "Rows of tables, in per mille of lines.", |t| shape::tabular(&t.answer)),
    feature("emoji", "Emoji, per mille of words.", |t| t.share(crate::constraints::emoji(t.answer.text))),
    feature("exclamations", "Exclamation marks, per mille of words.", |t| {
        t.share(t.prose.matches(['!', '！']).count())
    }),
    feature("questions", "Question marks, in per mille of sentences.", |t| {
        per_mille(t.prose.matches(['?', '？', '؟']).count(), t.lengths.len().max(1))
    }),
    feature("capitals", "Upper-case letters, in per mille of letters.", |t| {
        per_mille(t.text.upper_of_cased.0, t.text.upper_of_cased.1)
    }),
    feature("dashes", "Dashes between words, per mille of words.", |t| {
        t.share(t.prose.matches(['—', '–']).count())
    }),
    feature("around", "Lines before and behind the answer proper, up to 6.", |t| shape::around(&t.answer)),
    feature("code_share", "Lines of code in an answer to a demand for code, in per mille of lines.", |t| {
        if t.pack == Pack::Code { code::share(&t.text) } else { 0 }
    }),
    feature("comments", "Lines with a comment, in per mille of lines of code.", |t| {
        code::comments(&t.answer, &t.text)
    }),
    feature("tests", "Marks of tests in code, up to 20.", |t| code::tests(&t.answer)),
    feature("error_handling", "Lines that handle errors, in per mille of lines of code.", |t| {
        code::errors(&t.answer, &t.text)
    }),
    feature("identifiers", "Distinct names in an answer to a demand for code, per mille of words.", |t| {
        if t.pack == Pack::Code { t.share(t.text.distinct(|word| word.identifier)) } else { 0 }
    }),
    feature("sentence_length", "Mean length of a sentence, in tenths of a word.", |t| {
        shape::mean(&t.lengths, 10)
    }),
    feature(
        "sentence_variety",
        "Mean deviation of the lengths of sentences, in per mille of the mean.",
        |t| shape::deviation(&t.lengths),
    ),
    feature("distinct_words", "Share of distinct words in windows of 50, in per mille.", |t| {
        shape::distinct_words(&t.words)
    }),
    feature("word_length", "Mean length of a word, in hundredths of a letter.", |t| {
        shape::word_length(&t.words)
    }),
    feature("long_words", "Words of more than nine letters, in per mille of words.", |t| {
        per_mille(t.words.iter().filter(|word| word.chars().count() > 9).count(), t.words.len())
    }),
    feature("second_person", "Words that address the reader, in per mille of words.", |t| {
        t.rate(shape::SECOND_PERSON)
    }),
    feature("first_person", "Words for the writer, in per mille of words.", |t| t.rate(shape::FIRST_PERSON)),
    feature("length", "Binary logarithm of the number of words, in thousandths.", |t| {
        logarithm(t.text.words.len())
    }),
    feature(
        "length_to_prompt",
        "Length without the binary logarithm of the prompt's words, in thousandths.",
        |t| logarithm(t.text.words.len()) - logarithm(t.prompt.words.len()),
    ),
    feature("paragraph_length", "Mean length of a paragraph, in words.", |t| {
        shape::paragraph_length(&t.answer)
    }),
    feature(
        "foreign_script",
        "Letters of a script that the prompt does not use, in per mille of letters.",
        |t| shape::foreign_script(&t.prompt, t.answer.text),
    ),
    feature("pitfalls", "Practices in code that the documentation of its language warns of, up to 6.", |t| {
        capped(t.faults.pitfalls, 6)
    }),
    feature("asked_pitfalls", "Practices in code that are faults because of the prompt, up to 4.", |t| {
        capped(t.faults.asked_pitfalls, 4)
    }),
    feature("untraced", "Points of the prompt that leave no trace in the code, up to 4.", |t| {
        capped(t.faults.untraced, 4)
    }),
    feature("praise", "Words of praise and feeling that are not the prompt's, per mille of words.", |t| {
        t.share(phrases::count_others(&t.words, phrases::PRAISE, &t.prompt))
    }),
    feature("modals", "Verbs for what may, should or will be, per mille of words.", |t| {
        t.rate(phrases::MODALS)
    }),
    feature("number_words", "Numbers in words, per mille of words.", |t| t.rate(phrases::NUMBER_WORDS)),
    feature("contrasts", "Words that exclude or limit something, per mille of words.", |t| {
        t.rate(phrases::CONTRASTS)
    }),
    feature("figures_lost", "Figures of the prompt that are not taken up, in per mille of these.", |t| {
        overlap::figures_lost(&t.prompt, &t.text)
    }),
];

impl Texts<'_> {
    /// The number of `phrases`, in per mille of words.
    fn rate(&self, phrases: &[&str]) -> i64 {
        self.share(phrases::count(&self.words, phrases))
    }

    /// A number of things, in per mille of words. A text of fewer than 20 words counts as one of 20, in
    /// which a single thing is not yet a habit.
    fn share(&self, number: usize) -> i64 {
        per_mille(number, self.text.words.len().max(20))
    }
}

/// Observes `output`, an answer to `prompt`.
pub fn observe(prompt: &str, output: &str, pack: Pack) -> Observations {
    let answer = Answer::new(output);
    // Signs in code are none of the writer's, such as `!` and `?`.
    let is_program = pack == Pack::Code && is_program(prompt, &answer);
    let prose = if is_program { String::new() } else { answer.prose() };
    let words = words(&prose);
    let opening: Vec<String> = words.iter().take(14).cloned().collect();
    let closing: Vec<String> = words.iter().skip(words.len().saturating_sub(30)).cloned().collect();
    let lengths = sentences(&prose)
        .into_iter()
        .map(crate::constraints::layout::count_words)
        .filter(|n| *n > 0)
        .collect();
    let (asked, text) = (Text::new(prompt), Text::new(output));
    let (copied, stems) = (overlap::copied(&asked, &text), overlap::stems(&asked, &text));
    let pieces = overlap::pieces(&asked, &text);
    let faults = if pack == Pack::Code { code::faults(prompt, &answer) } else { code::Faults::default() };
    let texts = Texts {
        prompt: asked,
        text,
        answer,
        words,
        opening,
        closing,
        prose,
        lengths,
        copied,
        stems,
        pieces,
        pack,
        is_program,
        faults,
    };
    Observations { values: FEATURES.iter().map(|feature| (feature.measure)(&texts)).collect() }
}

impl Observations {
    /// The findings with their names, always in the same order. The names are stable.
    pub fn features(&self) -> Vec<(&'static str, i64)> {
        FEATURES.iter().map(|feature| feature.name).zip(self.values.iter().copied()).collect()
    }

    /// The finding of the given name, or 0 if there is none of that name.
    pub fn get(&self, name: &str) -> i64 {
        let found = FEATURES.iter().position(|feature| feature.name == name);
        found.and_then(|at| self.values.get(at)).copied().unwrap_or(0)
    }
}

/// The share of `part` in `whole` in per mille, at most 1000. It is 0 if `whole` is 0.
fn per_mille(part: usize, whole: usize) -> i64 {
    let share = part.saturating_mul(1000).checked_div(whole).unwrap_or(0);
    i64::try_from(share.min(1000)).unwrap_or(1000)
}

/// A count of at most `most`.
fn capped(count: usize, most: i64) -> i64 {
    i64::try_from(count).unwrap_or(most).min(most)
}

/// The binary logarithm of `number` + 1 in thousandths, linear between powers of two.
fn logarithm(number: usize) -> i64 {
    let number = u64::try_from(number).unwrap_or(u64::MAX).saturating_add(1);
    let whole = number.ilog2();
    let power = 1_u64 << whole;
    let part = (u128::from(number - power) * 1000) / u128::from(power);
    i64::from(whole) * 1000 + i64::try_from(part).unwrap_or(0)
}

/// The folded words of `text`. Apostrophes join their neighbours.
fn words(text: &str) -> Vec<String> {
    let apostrophe = |c: char| matches!(c, '\'' | '’' | 'ʼ');
    text.split(|c: char| !c.is_alphanumeric() && !apostrophe(c) && !is_invisible(c))
        .map(|word| {
            word.chars().filter(|c| !apostrophe(*c) && !is_invisible(*c)).flat_map(fold).collect::<String>()
        })
        .filter(|word| !word.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const PROMPT: &str = "Write three taglines for a bakery in Köln that opens at 5 am.";

    fn get(output: &str, name: &str) -> i64 {
        observe(PROMPT, output, Pack::Code).get(name)
    }

    #[test]
    fn features_have_distinct_names_and_a_meaning() {
        let names: HashSet<&str> = FEATURES.iter().map(|feature| feature.name).collect();
        assert_eq!(names.len(), FEATURES.len());
        assert!((40..=100).contains(&FEATURES.len()));
        assert!(FEATURES.iter().all(|feature| feature.meaning.ends_with('.')));
    }

    #[test]
    fn weaknesses_are_found() {
        for (output, name) in [
            ("I'm sorry, but I can't help with that.", "refusal"),
            ("Dabei kann ich nicht helfen, als KI.", "refusal"),
            (
                "The bakery opens at five every morning, and the smell of the bread goes through the whole street until it reaches the",
                "cut_off",
            ),
            ("```python\ndef f(x):\n    return x", "open_fence"),
            ("```python\nprint((1)\n```", "unbalanced"),
            ("Dear [Name], meet us at [Your Bakery].", "placeholders"),
            ("```python\ndef f(x):\n    pass\n```", "stubs"),
            ("fn f() { unimplemented!() }", "stubs"),
            ("Great question! Here are three taglines: a, b, c.", "filler_opening"),
            ("Bread. I hope this helps! Let me know if you need more.", "filler_closing"),
            ("What a brilliant idea, you are amazing.", "flattery"),
            ("It depends. Maybe it might work, perhaps.", "hedging"),
            ("There are various things and several aspects.", "vague"),
            ("Unlock the tapestry of flavors and elevate your morning.", "cliches"),
            ("This response meets all your requirements.", "meta_talk"),
            ("Could you clarify which bakery you mean?", "asks_back"),
            ("I will write three taglines that fit your brand.", "promises"),
            ("Enjoy the best and most delicious rolls in the world!", "praise"),
            ("The oven can be lit at five, or it might be six.", "modals"),
            ("Rolls from Köln, still warm.", "figures_lost"),
            ("Bread here.\nBread here.\nBread here.", "repeated_lines"),
            ("Write three taglines for a bakery in Köln that opens at 5 am.", "copied"),
        ] {
            assert!(get(output, name) > 0, "{name}: {output}");
        }
    }

    #[test]
    fn plain_work_has_no_weaknesses() {
        #[rustfmt::skip] // one word per line would hide the code
        let good =
            "Köln wakes at seven. Our bakery fires the oven at 3:40, so the 5 am rolls are still warm.";
        for name in "refusal cut_off open_fence placeholders stubs filler_opening filler_closing \
            flattery meta_talk asks_back promises copied repeated_lines"
            .split(' ')
        {
            assert_eq!(get(good, name), 0, "{name}");
        }
        assert!(get(good, "topic_stems") > 200 && get(good, "figures") > 0);
        let exact = "Half the town sleeps at five. Not us: three ovens, no timer, only Jupp.";
        assert!(get(exact, "number_words") > 0 && get(exact, "contrasts") > 0);
        let off = "Penguins swim in cold water and eat krill in the far south of the planet.";
        assert!(get(off, "off_topic") > get(good, "off_topic"));
    }

    #[test]
    fn the_subject_is_recognised_in_other_scripts() {
        let prompt = "为科隆的面包店写三个标语";
        let observe = |output: &str| observe(prompt, output, Pack::Wild).get("topic_stems");
        assert!(observe("科隆最早开门的面包店") > observe("企鹅在冰冷的海水里游泳"));
    }

    #[test]
    fn code_is_measured() {
        let output = "```rust\n// Adds one.\npub fn add(x: u32) -> Result<u32, Error> {\n    x.checked_add(1).ok_or(Error::Overflow)\n}\n\n#[test]\nfn adds() {\n    assert_eq!(add(1), Ok(2));\n}\n```";
        for name in ["code_share", "comments", "tests", "error_handling"] {
            assert!(get(output, name) > 0, "{name}");
        }
        assert_eq!(get(output, "unbalanced"), 0);
    }

    #[test]
    fn shares_do_not_depend_on_length() {
        let one = "Warm rolls at five, maybe. ".to_owned();
        let (short, long) =
            (observe(PROMPT, &one.repeat(10), Pack::Wild), observe(PROMPT, &one.repeat(100), Pack::Wild));
        for name in ["hedging", "word_length", "sentence_length", "distinct_words"] {
            assert_eq!(short.get(name), long.get(name), "{name}");
        }
    }

    #[test]
    fn the_logarithm_is_linear_between_powers() {
        for (number, expect) in [(0, 0), (1, 1000), (3, 2000), (5, 2500), (7, 3000)] {
            assert_eq!(logarithm(number), expect);
        }
    }
}
