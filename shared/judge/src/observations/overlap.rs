//! Measures of what an answer shares with its prompt, in any script.

use std::collections::{HashMap, HashSet};

use super::per_mille;
use crate::set::{Set, hash};
use crate::text::Text;
use crate::vocabulary::is_task;

/// Words of a run that counts as copied. Shorter runs agree by chance or by quoting.
const RUN: usize = 6;

/// Number of characters in a piece of a word that shows a common subject.
const PIECE: usize = 4;

/// The share of the answer's words that lie in runs copied from the prompt, in per mille, and the length of
/// the longest run in words.
pub(super) fn copied(prompt: &Text, answer: &Text) -> (i64, i64) {
    let key = |words: &[crate::text::Word]| -> u64 {
        let hashes: Vec<u64> = words.iter().map(|word| hash(word.folded.bytes())).collect();
        crate::set::hash_all(&hashes)
    };
    let runs: HashSet<u64> = prompt.words.windows(RUN).map(key).collect();
    let (mut covered, mut longest, mut current, mut end) = (0, 0, 0_usize, 0);
    for (at, run) in answer.words.windows(RUN).enumerate() {
        if runs.contains(&key(run)) {
            covered += at + RUN - end.max(at);
            current = if current == 0 { RUN } else { current + 1 };
            end = at + RUN;
            longest = longest.max(current);
        } else {
            current = 0;
        }
    }
    (per_mille(covered, answer.words.len()), i64::try_from(longest.min(200)).unwrap_or(200))
}

/// The stems of the prompt's content words, without words for the task.
fn subject(prompt: &Text) -> Set {
    let about = prompt.words.iter().filter(|word| word.content && !word.figure && !is_task(&word.folded));
    about.map(|word| word.stem).collect()
}

/// The share of the prompt's content stems that the answer takes up, in per mille.
pub(super) fn stems(prompt: &Text, answer: &Text) -> i64 {
    let subject = subject(prompt);
    per_mille(subject.shared(&answer.stems), subject.len())
}

/// The share of the answer's distinct content stems that occur in the prompt, in per mille.
pub(super) fn answer_stems(prompt: &Text, answer: &Text) -> i64 {
    per_mille(answer.stems.shared(&prompt.stems), answer.stems.len())
}

/// The share of the character pieces of the prompt's content words that occur in the answer, in per mille.
/// Unlike stems, pieces also match forms of a word in inflected languages.
pub(super) fn pieces(prompt: &Text, answer: &Text) -> i64 {
    let of = |text: &Text| -> Set {
        let content = text.words.iter().filter(|word| word.content && !is_task(&word.folded));
        content.flat_map(|word| pieces_of(&word.folded)).collect()
    };
    let wanted = of(prompt);
    per_mille(wanted.shared(&of(answer)), wanted.len())
}

fn pieces_of(word: &str) -> Vec<u64> {
    let chars: Vec<char> = word.chars().collect();
    let key = |part: &[char]| hash(part.iter().flat_map(|c| u32::from(*c).to_le_bytes()));
    if chars.len() <= PIECE { vec![key(&chars)] } else { chars.windows(PIECE).map(key).collect() }
}

/// The share of the prompt's names and figures that occur in the answer, in per mille. It is 1000 for a
/// prompt without any.
pub(super) fn names(prompt: &Text, answer: &Text) -> i64 {
    let wanted: Set =
        prompt.words.iter().filter(|word| word.name || word.figure).map(|word| word.stem).collect();
    if wanted.len() == 0 {
        return 1000;
    }
    let own: Set = answer.words.iter().map(|word| word.stem).collect();
    per_mille(wanted.shared(&own), wanted.len())
}

/// The share of the prompt's figures that do not occur in the answer, in per mille.
pub(super) fn figures_lost(prompt: &Text, answer: &Text) -> i64 {
    let of =
        |text: &Text| -> Set { text.words.iter().filter(|word| word.figure).map(|word| word.stem).collect() };
    let wanted = of(prompt);
    per_mille(wanted.len() - wanted.shared(&of(answer)), wanted.len())
}

/// The share of the most frequent content stem in all content words, in per mille. It is 0 for a text with
/// few words, in which any word is frequent.
pub(super) fn dominance(answer: &Text) -> i64 {
    let mut counts: HashMap<u64, usize> = HashMap::new();
    let content = answer.words.iter().filter(|word| word.content);
    let total = content.map(|word| *counts.entry(word.stem).and_modify(|n| *n += 1).or_insert(1)).count();
    if total < 20 { 0 } else { per_mille(counts.values().copied().max().unwrap_or(0), total) }
}

/// The share of the answer's words that are content words of the prompt, in per mille.
pub(super) fn stuffing(prompt: &Text, answer: &Text) -> i64 {
    let subject = subject(prompt);
    let own = answer.words.iter().filter(|word| word.content && subject.contains(word.stem)).count();
    per_mille(own, answer.words.len())
}
