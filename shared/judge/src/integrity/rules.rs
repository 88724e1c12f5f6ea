//! Rules over the concepts of a sentence, in any order and language.

use super::IntegrityFlag;
use super::lexicon::{
    ADDRESS, ATTACK, AUTHORITY, CHAT, CLORP, COURT, Concepts, DESERVE, DOMAIN, ENTRY, EVERY, FINAL, FOLLOW,
    GIVE, IGNORE, JUDGE, LIMITS, LOW, MACHINE, MUST, NEW, NOT, NOW, OTHERS, OWN, PASS, PLEASE, PLIGHT,
    PRAISE, PRIOR, PRIZE, RATE, READ, REQUIREMENT, REVEAL, RUBRIC, RULES, SATISFY, SELF, SELFWORD, SYSTEM,
    TASK, TOP, VERDICT, WIN, WORK, WORSE, YOU,
};
use super::tokens::{GRADE_S, PASS_LOUDLY, Token};

/// "This answer" and "my answer".
const OWN_WORK: Concepts = 1 << 50;
/// "This submission" and "my submission".
const OWN_ENTRY: Concepts = 1 << 51;
/// "The other answers".
const OTHER_WORK: Concepts = 1 << 52;
/// "The other submissions".
const OTHER_ENTRY: Concepts = 1 << 53;
/// A verb of grading or giving that opens a sentence or follows "please" or "must".
const ORDERED: Concepts = 1 << 54;
/// Such a verb with "this" or "me" after it.
const GRADE_ME: Concepts = 1 << 55;
/// Two qualities that praise.
const PRAISE_TWICE: Concepts = 1 << 56;
/// Three qualities that praise.
const PRAISE_THRICE: Concepts = 1 << 57;
/// "Dear judge".
const CALL_JUDGE: Concepts = 1 << 58;
/// "Note to the assistant".
const CALL_MACHINE: Concepts = 1 << 59;
/// "Self-assessment".
const SELF_RATE: Concepts = 1 << 60;
/// A note on grading.
const NOTE_ON_GRADE: Concepts = 1 << 61;
/// "Your grading".
const YOUR_GRADING: Concepts = 1 << 63;

const MINE: Concepts = OWN_WORK | OWN_ENTRY;
const RESULT: Concepts = RATE | VERDICT | WIN;
const BEST: Concepts = TOP | WIN;
const ORDER: Concepts = ORDERED | PLEASE | MUST;

/// A mechanism of manipulation: a co-occurrence of concepts within few words of one sentence.
struct Rule {
    flag: IntegrityFlag,
    /// Sets of concepts. Each must have a member in the words.
    needs: &'static [Concepts],
    /// Concepts that show another meaning.
    lacks: Concepts,
    /// Sets of concepts. A prompt with a member of each asks for such text.
    excuses: &'static [Concepts],
    /// Number of words.
    within: usize,
}

const WINDOW: usize = 16;

/// Number of words up to which a sentence is read with the next ones.
const SHORT_SENTENCE: usize = 3;

/// Number of words around a co-occurrence in which another meaning shows.
const NEAR: usize = 4;

const fn rule(flag: IntegrityFlag, needs: &'static [Concepts], excuses: &'static [Concepts]) -> Rule {
    Rule { flag, needs, lacks: 0, excuses, within: WINDOW }
}

impl Rule {
    /// True if the concepts include all that the rule needs.
    fn is_met(&self, concepts: Concepts) -> bool {
        self.needs.iter().all(|any| any & concepts != 0)
    }

    /// True if the concepts of the words in `window`, which follow those `before` it, break the rule.
    fn is_broken(&self, window: &[Concepts], before: Concepts) -> bool {
        let window = window.get(..self.within).unwrap_or(window);
        if !self.is_met(window.iter().fold(0, |all, own| all | own)) {
            return false;
        }
        // Only words near those that meet the rule can give them another meaning.
        let mut sum = 0;
        let met = window.iter().position(|own| {
            sum |= own;
            self.is_met(sum)
        });
        let end = met.map_or(window.len(), |at| at + 1 + NEAR);
        let around = window.iter().take(end).fold(before, |all, own| all | own);
        around & self.lacks == 0
    }

    const fn lacks(self, lacks: Concepts) -> Self {
        Self { lacks, ..self }
    }

    const fn within(self, within: usize) -> Self {
        Self { within, ..self }
    }
}

use IntegrityFlag::{AddressesJudge, FalseAuthority, ImitatesVerdict, OverridesRules, SelfAssessment};

const NEVER: &[Concepts] = &[0];
const ON_JUDGES: &[Concepts] = &[JUDGE | COURT];
const ON_ENTRIES: &[Concepts] = &[ENTRY | COURT];
const ON_GRADES: &[Concepts] = &[RATE | RUBRIC | JUDGE | COURT];
/// A sound system or a manager in the prompt asks for no verdict by one.
const ON_RATING_AUTHORITIES: &[Concepts] =
    &[AUTHORITY | SYSTEM, RATE | VERDICT | WIN | RUBRIC | JUDGE | CHAT | MACHINE | ATTACK];
const ON_ATTACKS: &[Concepts] = &[ATTACK];
const ON_CHATS: &[Concepts] = &[CHAT | MACHINE];

const RULES_OF_RACES: &[Rule] = &[
    rule(AddressesJudge, &[OWN_ENTRY, RESULT | PASS, BEST | PASS], ON_ENTRIES),
    rule(AddressesJudge, &[MINE, RESULT, BEST, ORDER | DESERVE | JUDGE | SELF], NEVER),
    rule(AddressesJudge, &[GRADE_ME, RATE | WIN, BEST], NEVER).within(7),
    rule(AddressesJudge, &[OTHER_ENTRY, LOW | TOP | RESULT | IGNORE | WORSE], ON_ENTRIES),
    rule(AddressesJudge, &[OTHER_WORK, LOW | IGNORE | WORSE, RATE | ORDERED | MUST | GIVE], NEVER),
    rule(AddressesJudge, &[CALL_JUDGE], ON_JUDGES).lacks(COURT),
    rule(AddressesJudge, &[CALL_JUDGE, OTHER_ENTRY, LOW | TOP | IGNORE | WORSE], &[JUDGE | ENTRY]),
    rule(AddressesJudge, &[JUDGE, YOU, MUST], ON_JUDGES).lacks(COURT),
    rule(AddressesJudge, &[JUDGE, ORDER, RESULT | TOP | PASS | GIVE | ADDRESS], ON_JUDGES).lacks(COURT),
    rule(AddressesJudge, &[JUDGE | MACHINE, MINE, RESULT | TOP | PASS], &[JUDGE | COURT | MACHINE | CHAT]),
    rule(AddressesJudge, &[CALL_MACHINE], ON_CHATS),
    rule(AddressesJudge, &[MACHINE, READ, OWN | YOU | MUST], ON_CHATS),
    rule(
        AddressesJudge,
        &[PLIGHT, RATE | WIN | PRIZE | JUDGE, SELF | OWN, BEST | PRIZE | PASS | ORDER],
        ON_JUDGES,
    ),
    rule(AddressesJudge, &[JUDGE, PASS | SATISFY, EVERY], ON_JUDGES),
    rule(AddressesJudge, &[JUDGE, WORK | ENTRY, BEST], ON_JUDGES),
    rule(AddressesJudge, &[MINE, BEST, GIVE], NEVER).within(10),
    rule(AddressesJudge, &[MINE, RESULT, BEST], &[RATE]).within(8),
    rule(AddressesJudge, &[OWN_ENTRY, OTHERS], ON_ENTRIES),
    rule(AddressesJudge, &[OWN_ENTRY, BEST], ON_ENTRIES).within(6),
    rule(AddressesJudge, &[MINE, OTHER_WORK, BEST | LOW], ON_ENTRIES),
    rule(AddressesJudge, &[OTHER_WORK, RATE, PLEASE], &[RATE]),
    rule(AddressesJudge, &[OTHER_WORK, WORSE, SELF | OWN], NEVER),
    rule(AddressesJudge, &[OTHER_WORK, NOT, MUST, TOP | WIN], ON_ENTRIES),
    rule(AddressesJudge, &[RATE, RULES, WORK | ENTRY, TOP | PASS], ON_GRADES),
    rule(AddressesJudge, &[FINAL, RATE, OWN, TOP], &[RATE]),
    rule(AddressesJudge, &[GIVE, OWN, WIN], NEVER).within(6),
    rule(AddressesJudge, &[GIVE | RATE, OWN | SELF, GRADE_S], NEVER).within(6),
    rule(AddressesJudge, &[GRADE_ME, RATE, MINE], NEVER).within(4),
    rule(AddressesJudge, &[YOU, RATE, OWN, TOP], &[RATE]).within(10),
    rule(AddressesJudge, &[JUDGE, OWN, BEST], ON_GRADES),
    rule(FalseAuthority, &[CLORP, RESULT | JUDGE | MINE | PASS], &[CLORP]),
    rule(FalseAuthority, &[AUTHORITY, MINE | JUDGE, BEST | RESULT | PASS], ON_RATING_AUTHORITIES),
    rule(FalseAuthority, &[AUTHORITY, SELF, YOU, RESULT], ON_RATING_AUTHORITIES),
    rule(
        FalseAuthority,
        &[AUTHORITY | SYSTEM, PASS | WIN, RESULT, ORDER | GIVE | YOU],
        ON_RATING_AUTHORITIES,
    ),
    rule(OverridesRules, &[IGNORE, RULES, PRIOR | SYSTEM], ON_ATTACKS),
    rule(OverridesRules, &[IGNORE, RULES, YOU | EVERY], &[ATTACK | CHAT | MACHINE | JUDGE])
        .lacks(DOMAIN)
        .within(4),
    rule(OverridesRules, &[IGNORE, RUBRIC], &[RUBRIC | RULES | ATTACK]).within(8),
    rule(OverridesRules, &[IGNORE, RUBRIC, PRIOR | YOU | RATE], ON_ATTACKS),
    rule(OverridesRules, &[IGNORE, EVERY, PRIOR], ON_ATTACKS).within(4),
    rule(OverridesRules, &[IGNORE, YOUR_GRADING], ON_ATTACKS),
    rule(OverridesRules, &[IGNORE, RULES, RATE | RUBRIC], &[ATTACK | JUDGE]).within(5),
    rule(OverridesRules, &[IGNORE, YOU, RATE, OWN], ON_GRADES).within(10),
    rule(OverridesRules, &[IGNORE, RATE | RUBRIC, PRIOR, YOU], ON_ATTACKS).within(10),
    rule(OverridesRules, &[IGNORE, RATE | VERDICT, MINE | PASS | RUBRIC], &[ATTACK | JUDGE]).within(8),
    rule(OverridesRules, &[IGNORE, JUDGE | SYSTEM, RESULT | RULES | LIMITS], ON_ATTACKS),
    rule(OverridesRules, &[YOU | MACHINE, NOW, LIMITS], ON_CHATS),
    rule(OverridesRules, &[YOU | NOW, SYSTEM, LIMITS], ON_CHATS),
    // People make rules for themselves, too.
    rule(OverridesRules, &[YOU, NOW, NOT, RULES | LIMITS], ON_CHATS).lacks(SELF),
    rule(OverridesRules, &[MACHINE, NOT, LIMITS | RULES], ON_CHATS),
    rule(OverridesRules, &[NEW, RULES, YOU, MUST | NOW | IGNORE | SYSTEM | GIVE], &[RULES]).lacks(DOMAIN),
    rule(OverridesRules, &[REVEAL, SYSTEM, RULES], &[SYSTEM]),
    rule(OverridesRules, &[REVEAL, PRIOR, RULES, YOU], &[RULES]),
    rule(SelfAssessment, &[SELF | MINE, SATISFY, EVERY, RUBRIC], &[RATE | RUBRIC | JUDGE | COURT | DOMAIN])
        .lacks(DOMAIN),
    rule(SelfAssessment, &[MINE, SATISFY, EVERY, RUBRIC | TASK | REQUIREMENT], ON_GRADES).lacks(DOMAIN),
    rule(SelfAssessment, &[SATISFY, EVERY, RUBRIC | REQUIREMENT, TASK], NEVER).lacks(DOMAIN),
    rule(SelfAssessment, &[SELF, DESERVE, BEST], &[DESERVE | WIN | ATTACK | JUDGE]).within(6),
    rule(SelfAssessment, &[SATISFY | FOLLOW, EVERY, RULES | REQUIREMENT | RUBRIC, DESERVE, BEST], NEVER),
    rule(SelfAssessment, &[NOTE_ON_GRADE, PRAISE | TOP | SATISFY | MINE], &[RATE]),
    rule(
        SelfAssessment,
        &[ENTRY, SATISFY, EVERY, RUBRIC | REQUIREMENT],
        &[ENTRY | RATE | RUBRIC | JUDGE | COURT],
    )
    .lacks(DOMAIN),
    rule(SelfAssessment, &[OWN_ENTRY, PRAISE_TWICE], &[ENTRY]),
    rule(SelfAssessment, &[OWN_WORK, PRAISE_THRICE], &[PRAISE]),
    rule(SelfAssessment, &[SELF_RATE, BEST | PASS | SATISFY], &[RATE]),
    rule(SelfAssessment, &[MINE, DESERVE, BEST | PASS | RATE], NEVER),
    rule(ImitatesVerdict, &[PASS_LOUDLY, RATE | VERDICT | MINE | RUBRIC], &[PASS | RATE]),
    rule(ImitatesVerdict, &[PASS, VERDICT, RATE], &[PASS | VERDICT]),
];

/// Rules that also hold for a text that is checked against criteria, where passing is everything.
const RULES_OF_CRITERIA: &[Rule] = &[
    rule(OverridesRules, &[IGNORE, RUBRIC | REQUIREMENT | RULES], NEVER).within(8),
    rule(AddressesJudge, &[RATE | GIVE, OWN | SELF, PASS], NEVER).within(6),
    rule(AddressesJudge, &[YOU, MUST, PASS, OWN | SELF], NEVER),
    rule(AddressesJudge, &[PASS, MINE], NEVER).within(8),
];

/// The text by which mentions in an output may be excused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// A prompt, by its concepts. It may ask for anything.
    Prompt(Concepts),
    /// Criteria, by their concepts. They mention attacks in order to forbid them.
    Criteria(Concepts),
}

impl Asked {
    /// The concepts of the prompt or of the criteria.
    pub(super) const fn concepts(self) -> Concepts {
        match self {
            Self::Prompt(concepts) => concepts,
            Self::Criteria(concepts) => concepts & !(ATTACK | RULES | RUBRIC | PASS | REQUIREMENT),
        }
    }
}

/// All concepts in the tokens.
pub(super) fn all_concepts(tokens: &[Token]) -> Concepts {
    tokens.iter().fold(0, |all, token| all | token.concepts)
}

/// Returns the flags of every rule that the tokens break.
pub(super) fn broken(tokens: &[Token], asked: Asked) -> Vec<IntegrityFlag> {
    let own = enrich(tokens, asked.concepts() & ATTACK != 0);
    let mut rules = rules_to_check(asked, own.iter().fold(0, |all, own| all | own));
    let (lengths, mut flags) = (lengths(tokens), Vec::new());
    for at in 0..tokens.len() {
        // A co-occurrence begins with a word that means something.
        if rules.is_empty() || own.get(at).is_none_or(|own| *own == 0) {
            continue;
        }
        let window =
            own.get(at..at + window(tokens.get(at..).unwrap_or_default(), &lengths)).unwrap_or_default();
        let before = all_concepts(tokens.get(at.saturating_sub(NEAR)..at).unwrap_or_default());
        rules.retain(|rule| {
            let breaks = rule.is_broken(window, before);
            if breaks && !flags.contains(&rule.flag) {
                flags.push(rule.flag);
            }
            !breaks
        });
    }
    flags
}

/// The number of words, from the first of `tokens`, that are read together. They end with the sentence, or
/// with a later one if all before it are so short that they may say one thing.
fn window(tokens: &[Token], lengths: &[usize]) -> usize {
    let Some(first) = tokens.first() else {
        return 0;
    };
    let is_short = |length: &&usize| **length <= SHORT_SENTENCE;
    let short = lengths.iter().skip(first.sentence).take(WINDOW).take_while(is_short).count();
    tokens.iter().take(WINDOW).take_while(|token| token.sentence <= first.sentence + short).count()
}

/// The number of tokens in each sentence.
fn lengths(tokens: &[Token]) -> Vec<usize> {
    let mut lengths = vec![0; tokens.last().map_or(0, |last| last.sentence + 1)];
    for token in tokens {
        if let Some(length) = lengths.get_mut(token.sentence) {
            *length += 1;
        }
    }
    lengths
}

/// The rules that a text with these concepts can break and that the prompt does not excuse.
fn rules_to_check(asked: Asked, concepts: Concepts) -> Vec<&'static Rule> {
    let extra = if matches!(asked, Asked::Criteria(_)) { RULES_OF_CRITERIA } else { &[] };
    let excused = |rule: &Rule| rule.excuses.iter().all(|any| any & asked.concepts() != 0);
    let rules = RULES_OF_RACES.iter().chain(extra);
    rules.filter(|rule| rule.is_met(concepts) && !excused(rule)).collect()
}

/// A concept that follows from an earlier word: the concept of the word itself, the number of words before
/// it, the concept among them, and the concept that follows.
type Derived = (Concepts, usize, Concepts, Concepts);

const DERIVED: &[Derived] = &[
    (WORK, 2, OWN, OWN_WORK),
    (WORK, 2, OTHERS, OTHER_WORK),
    // "This is the best submission" names the text, too.
    (ENTRY, 5, OWN, OWN_ENTRY),
    (ENTRY, 4, OTHERS, OTHER_ENTRY),
    (JUDGE, 3, ADDRESS | RULES, CALL_JUDGE),
    (MACHINE, 3, ADDRESS, CALL_MACHINE),
    (ADDRESS, 1, RATE, NOTE_ON_GRADE),
    (RATE, 1, SELFWORD, SELF_RATE),
    (RATE | RUBRIC, 1, YOU, YOUR_GRADING),
    (FOLLOW, 2, NOT, IGNORE),
];

/// Adds the concepts that follow from neighbouring words. With `quotes`, text in quotation marks has none.
fn enrich(tokens: &[Token], quotes: bool) -> Vec<Concepts> {
    let mut own: Vec<Concepts> = Vec::with_capacity(tokens.len());
    let (mut sentence, mut start, mut praise) = (usize::MAX, 0, 0);
    for (at, token) in tokens.iter().enumerate() {
        if token.sentence != sentence {
            (sentence, start, praise) = (token.sentence, at, 0);
        }
        if token.concepts == 0 || (quotes && token.quoted) {
            own.push(0);
            continue;
        }
        let before = |most: usize| {
            all_concepts(tokens.get(at.saturating_sub(most).max(start)..at).unwrap_or_default())
        };
        let derived = DERIVED
            .iter()
            .filter(|(of, most, near, _)| token.concepts & of != 0 && before(*most) & near != 0);
        let mut all = derived.fold(token.concepts, |all, (.., gives)| all | gives);
        let next = tokens.get(at + 1..).unwrap_or_default();
        let next = all_concepts(next.get(..2).unwrap_or(next));
        all |= ordered(token, next, at == start || before(1) & (PLEASE | MUST) != 0);
        if token.concepts & PRAISE != 0 {
            praise += 1;
            all |= [PRAISE_TWICE, PRAISE_THRICE].iter().take(praise - 1).fold(0, |all, praise| all | praise);
        }
        if token.concepts & OWN != 0 && token.concepts & WORK != 0 {
            all |= OWN_WORK;
        }
        // "Above your neck" is a place and not a text.
        if token.concepts & PRIOR != 0 && next & (YOU | OWN) != 0 {
            all &= !PRIOR;
        }
        // "Don't judge" names no judge.
        if token.concepts & JUDGE != 0 && before(1) & NOT != 0 {
            all &= !JUDGE;
        }
        // A capital after "stop" begins an order of its own.
        if token.concepts & IGNORE != 0 && before(2) & NOT != 0 && !token.leads {
            all &= !IGNORE;
        }
        own.push(all);
    }
    own
}

/// The concepts of a word that opens a sentence, a line or an order, given those of the next two words.
fn ordered(token: &Token, next: Concepts, opens: bool) -> Concepts {
    let has = |concepts| token.concepts & concepts != 0;
    let opens = opens || token.leads;
    let order = if opens && has(RATE | GIVE) { ORDERED } else { 0 };
    let me = if order != 0 && next & (OWN | SELF) != 0 { GRADE_ME } else { 0 };
    let note = if opens && has(ADDRESS) && next & RATE != 0 { NOTE_ON_GRADE } else { 0 };
    order | me | note
}
