//! The rubric: criteria that bound a score and explain it, and the grades.

use clorp_domain::{Grade, Pack};

use crate::ask::Ask;
use crate::checks::CopyLimits;
use crate::points::{penalty, points};
use crate::set::Set;
use crate::signals::Signal;
use crate::text::Text;

/// Version of the criteria, weights, checks and grades in this crate. It changes whenever a score could.
pub const RUBRIC_VERSION: &str = "2026-12";

/// Lowest score of each grade, best first. A lower score is an F.
const GRADES: [(u32, Grade); 5] =
    [(90, Grade::S), (80, Grade::A), (65, Grade::B), (50, Grade::C), (35, Grade::D)];

/// Weights of the criteria in the score of a single output, in the order of [`Criterion::ALL`]. Meeting the
/// criteria counts most.
const WEIGHTS: [u32; 3] = [55, 30, 15];

/// Lowest score of a submission that passed the checks. It exceeds the score of any that failed one.
pub(crate) const LEAST_SCORE: u32 = 16;

/// Substance, in points, below which a submission says nothing.
const LEAST_SUBSTANCE: u32 = 3;

/// Highest score of a submission that says nothing of use.
pub(crate) const MOST_OF_JUNK: u32 = 34;

/// Share of the score that a submission without any relevance keeps, in points.
const GATE_WITHOUT_RELEVANCE: u32 = 20;

/// Share of the score that a submission without any substance keeps, in points.
const GATE_WITHOUT_SUBSTANCE: u32 = 40;

/// Sufficient number of distinct words beyond the prompt for one short item, such as a tagline.
const WORDS_OF_SHORT_ITEM: usize = 5;

/// Maximum number of the prompt's terms that an answer must cover.
const MOST_NEEDED: usize = 10;

/// A criterion of the rubric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Criterion {
    /// The submission has the prompt's subject.
    Relevance,
    /// The submission adds enough to the prompt, and is concrete.
    Substance,
    /// The submission is readable.
    Clarity,
}

impl Criterion {
    /// Every criterion.
    pub(crate) const ALL: [Self; 3] = [Self::Relevance, Self::Substance, Self::Clarity];

    /// The criterion's name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Relevance => "relevance",
            Self::Substance => "substance",
            Self::Clarity => "clarity",
        }
    }
}

/// Points by criterion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    pub(crate) relevance: u32,
    pub(crate) substance: u32,
    pub(crate) clarity: u32,
}

impl Marks {
    /// The points for one criterion.
    pub(crate) const fn of(self, criterion: Criterion) -> u32 {
        match criterion {
            Criterion::Relevance => self.relevance,
            Criterion::Substance => self.substance,
            Criterion::Clarity => self.clarity,
        }
    }
}

/// A signal, its target, and its share of substance in points.
type Weighed = (Signal, usize, u32);

/// The rubric of one pack.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rubric {
    /// Share of the prompt's terms that an answer must mention, in points.
    needed: usize,
    /// Sufficient number of distinct words beyond the prompt if it requests no number of items.
    enough: usize,
    /// Sufficient number of distinct words beyond the prompt for one long item, such as an idea.
    enough_an_item: usize,
    /// Signals of substance. Their shares and that of the distinct words sum to 100.
    signals: &'static [Weighed],
    /// Number of words beyond which length costs clarity.
    longest: usize,
    /// Limits beyond which a submission counts as a copy.
    pub(crate) copy: CopyLimits,
}

const PROSE: CopyLimits = CopyLimits { runs: 65, stems: 80, fewest: 30 };

const ROAST: Rubric = Rubric {
    needed: 20,
    enough: 12,
    enough_an_item: 5,
    signals: &[(Signal::Items, 1, 30), (Signal::Brevity, 22, 20), (Signal::Variety, 1, 10)],
    longest: 200,
    copy: PROSE,
};
const SCOUT: Rubric = Rubric {
    needed: 40,
    enough: 55,
    enough_an_item: 10,
    signals: &[
        (Signal::Links, 2, 20),
        (Signal::Figures, 4, 20),
        (Signal::Names, 3, 10),
        (Signal::Steps, 3, 5),
    ],
    longest: 1500,
    copy: PROSE,
};
const CODE: Rubric = Rubric {
    needed: 35,
    enough: 45,
    enough_an_item: 8,
    signals: &[(Signal::Code, 14, 35), (Signal::Identifiers, 8, 15), (Signal::Reasons, 2, 10)],
    longest: 3000,
    // Two correct programs for one task share much of their text.
    copy: CopyLimits { runs: 72, stems: 90, fewest: 60 },
};
const COOK: Rubric = Rubric {
    needed: 40,
    enough: 60,
    enough_an_item: 10,
    signals: &[(Signal::Figures, 8, 25), (Signal::Steps, 5, 15), (Signal::Times, 2, 10)],
    longest: 1200,
    copy: PROSE,
};
const WILD: Rubric = Rubric {
    needed: 35,
    enough: 50,
    enough_an_item: 8,
    signals: &[(Signal::Details, 9, 30), (Signal::Items, 1, 10)],
    longest: 1500,
    copy: PROSE,
};

/// The rubric for a single output. A short answer may be complete.
const CRITERIA: Rubric = Rubric {
    needed: 60,
    enough: 10,
    enough_an_item: 8,
    signals: &[(Signal::Items, 1, 40)],
    longest: 3000,
    copy: PROSE,
};

impl Rubric {
    /// The rubric for an output that is verified against criteria.
    pub(crate) const fn of_criteria() -> &'static Self {
        &CRITERIA
    }

    /// The rubric of a pack.
    pub(crate) const fn of(pack: Pack) -> &'static Self {
        match pack {
            Pack::Roast => &ROAST,
            Pack::Scout => &SCOUT,
            Pack::Code => &CODE,
            Pack::Cook => &COOK,
            Pack::Wild => &WILD,
        }
    }

    /// Marks `text`.
    pub(crate) fn marks(&self, ask: &Ask, text: &Text) -> Marks {
        Marks {
            relevance: self.relevance(ask, text),
            substance: self.substance(ask, text),
            clarity: self.clarity(text),
        }
    }

    fn relevance(&self, ask: &Ask, text: &Text) -> u32 {
        // A prompt with few terms proves little if an answer lacks them.
        let base = match ask.terms.len() {
            0 => return 80,
            1 => 50,
            2 => 30,
            3 => 15,
            _ => 0,
        };
        let terms = ask.stems();
        let covered = terms.shared(&text.stems);
        let needed = (terms.len() * self.needed).div_ceil(100).clamp(1, MOST_NEEDED);
        let relevance = base + points(covered, needed) * (100 - base) / 100;
        relevance - relevance * stuffing(ask, text, &terms) / 100
    }

    fn substance(&self, ask: &Ask, text: &Text) -> u32 {
        // The first words count more than the last: half of the sufficient number gives three quarters of the
        // points.
        let linear = points(count_new_words(ask, text), self.enough_for(ask));
        let breadth = linear * (200 - linear) / 100;
        let signalled: u32 = self
            .signals
            .iter()
            .map(|(signal, target, share)| signal.points(text, ask, *target) * share)
            .sum();
        let share: u32 = self.signals.iter().map(|(_, _, share)| share).sum();
        // Form without content is worth little, so signals count only in proportion to the words.
        let carried = signalled * (breadth * 2).min(100) / 100;
        (breadth * 100u32.saturating_sub(share) + carried) / 100
    }

    fn enough_for(&self, ask: &Ask) -> usize {
        let each = |short| if short { WORDS_OF_SHORT_ITEM } else { self.enough_an_item };
        let enough = ask.items.map_or(self.enough, |items| (items.count * each(items.short)).clamp(5, 90));
        // About two words in five are new content.
        ask.most_words.map_or(enough, |most| enough.min((most * 2 / 5).max(3)))
    }

    fn clarity(&self, text: &Text) -> u32 {
        let words = text.words.len();
        let prose = text.lines.iter().filter(|line| !line.code);
        let longest_line = prose.map(|line| line.words).max().unwrap_or(0);
        let average = words / text.sentences.max(1);
        let (upper, cased) = text.upper_of_cased;
        let shouts = cased >= 20 && upper * 2 > cased;
        let lost = penalty(average.saturating_sub(28), 2, 30)
            + penalty(longest_line.saturating_sub(160) / 8, 1, 25)
            + if shouts { 30 } else { 0 }
            + penalty(text.exclamations.saturating_sub(3 + text.sentences / 3), 3, 20)
            + points(repeated_lines(text), text.lines.len().max(1)).min(50)
            + repetition(text)
            + penalty(text.words.iter().filter(|word| word.folded.len() > 60).count(), 10, 40)
            + penalty(words.saturating_sub(self.longest), 1, 40)
            + penalty(5_usize.saturating_sub(words), 10, 40);
        100_u32.saturating_sub(lost)
    }
}

impl Marks {
    /// The score of a single output: the weighted sum of its marks, as far as relevance and substance allow.
    pub(crate) fn score(self) -> u32 {
        let weights = Criterion::ALL.iter().zip(WEIGHTS);
        let weighted: u32 = weights.map(|(criterion, weight)| self.of(*criterion) * weight).sum();
        LEAST_SCORE + weighted * self.gate() / 100 * (100 - LEAST_SCORE) / 10_000
    }

    /// The highest score of a ranked submission: an F for one that adds nothing to the prompt.
    pub(crate) const fn most(self) -> u32 {
        if self.substance < LEAST_SUBSTANCE { MOST_OF_JUNK } else { 100 }
    }

    fn gate(self) -> u32 {
        (GATE_WITHOUT_RELEVANCE + self.relevance).min(GATE_WITHOUT_SUBSTANCE + self.substance).min(100)
    }
}

/// Returns the grade of a score.
pub fn grade(score: u32) -> Grade {
    GRADES.iter().find(|(least, _)| score >= *least).map_or(Grade::F, |(_, grade)| *grade)
}

/// Counts the distinct content words that the prompt lacks.
pub(crate) fn count_new_words(ask: &Ask, text: &Text) -> usize {
    text.stems.len() - text.stems.shared(&ask.text.stems)
}

/// Points lost for repeating the prompt's terms, once they make up more than half of the content words.
fn stuffing(ask: &Ask, text: &Text, terms: &Set) -> u32 {
    let content = text.words.iter().filter(|word| word.content);
    let (all, stuffed) = content
        .fold((0, 0), |(all, stuffed), word| (all + 1, stuffed + usize::from(terms.contains(word.stem))));
    if all < 10 || ask.edits { 0 } else { penalty((stuffed * 100 / all).saturating_sub(50), 2, 80) }
}

/// Counts the lines of several words that repeat an earlier line.
fn repeated_lines(text: &Text) -> usize {
    let hashes: Vec<u64> =
        text.lines.iter().filter(|line| line.words > 2 && !line.code).map(|line| line.hash).collect();
    let all = hashes.len();
    all - hashes.into_iter().collect::<Set>().len()
}

/// Points lost for repeated runs of words, beyond a fifth of the text.
fn repetition(text: &Text) -> u32 {
    let repeated = text.runs - text.shingles.len();
    points(repeated, text.runs).saturating_sub(20).min(60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_and_shares_add_up() {
        assert_eq!(WEIGHTS.iter().sum::<u32>(), 100);
        for rubric in Pack::ALL.map(Rubric::of).into_iter().chain([Rubric::of_criteria()]) {
            assert!(rubric.signals.iter().map(|(_, _, share)| share).sum::<u32>() <= 60, "{rubric:?}");
        }
    }

    #[test]
    fn grades_change_at_their_thresholds() {
        for (score, expect) in [
            (100, Grade::S),
            (90, Grade::S),
            (89, Grade::A),
            (80, Grade::A),
            (79, Grade::B),
            (65, Grade::B),
            (64, Grade::C),
            (50, Grade::C),
            (49, Grade::D),
            (35, Grade::D),
            (34, Grade::F),
            (0, Grade::F),
        ] {
            assert_eq!(grade(score), expect, "{score}");
        }
    }

    #[test]
    fn no_criterion_makes_up_for_the_lack_of_another() {
        let full = Marks { relevance: 100, substance: 100, clarity: 100 };
        assert_eq!((full.score(), full.most()), (100, 100));
        for lacking in [Marks { relevance: 0, ..full }, Marks { substance: 0, ..full }] {
            assert!(grade(lacking.score()) >= Grade::D, "{lacking:?}");
        }
        assert_eq!(grade(Marks { substance: 0, ..full }.most()), Grade::F);
        assert_eq!(Marks::default().score(), LEAST_SCORE);
    }

    #[test]
    fn repetition_does_not_raise_the_score() {
        let ask = Ask::new("Plan a birthday party for a toddler with balloons, music and a garden");
        let rubric = Rubric::of(Pack::Wild);
        let once = "Hang balloons along the garden fence at 10, play quiet music while the toddler's friends arrive, \
            and cut the cake before nap time.";
        let score = |raw: &str| rubric.marks(&ask, &Text::new(raw)).score();
        assert!(score(&format!("{once}\n").repeat(20)) < score(once));
        assert!(
            score("birthday party toddler balloons music garden plan balloons garden music party")
                < score(once)
        );
        assert!(score(&"balloons ".repeat(10_000)) < 40);
    }
}
