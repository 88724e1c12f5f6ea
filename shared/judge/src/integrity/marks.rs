//! Marks of chats and of a judge's prompt: role marks, tags and fences.

use std::collections::HashSet;

use super::lexicon::{
    ADDRESS, ATTACK, CHAT, Concepts, ENTRY, JUDGE, MACHINE, MARKUP, MUST, NOW, OWN, PASS, PLEASE, RATE,
    REVEAL, RUBRIC, RULES, SYSTEM, TOP, VERDICT, WIN, YOU, concepts,
};
use super::tokens::{GRADE_S, PASS_LOUDLY, tokens};
use super::{IntegrityFlag, rules};
use crate::fold::{fold_text, is_invisible};

/// Names of sections that only a judge's prompt or answer has.
const OF_JUDGES: &[&str] = &[
    "submission",
    "submissions",
    "candidate",
    "verdict",
    "grader",
    "grading",
    "judge",
    "judgement",
    "judgment",
    "evaluation",
    "evaluator",
    "rubric",
    "criteria",
    "system",
    "admin",
    "ranking",
    "contestant",
    "quality",
    "assessment",
];

/// Names of sections that other texts have, too.
const OF_MANY: &[&str] = &[
    "answer",
    "response",
    "prompt",
    "instruction",
    "instructions",
    "assistant",
    "document",
    "context",
    "input",
    "user",
    "entry",
    "task",
    "human",
    "data",
    "content",
];

/// Names of roles at the beginning of a message.
const ROLES: &[&str] = &[
    "system",
    "systemhinweis",
    "systemnachricht",
    "admin",
    "administrator",
    "developer",
    "moderator",
    "operator",
];

/// Words that may follow the name of a role.
const MESSAGES: &[&str] =
    &["message", "note", "notice", "prompt", "update", "override", "evaluation", "alert"];

/// Words for chats that are also said of people, and a verb that looks like a name for models.
const AMONG_PEOPLE: &[&str] = &[
    "ai",
    "chat",
    "dialogue",
    "dialog",
    "conversation",
    "transcript",
    "persona",
    "gesprach",
    "dialogo",
    "conversacion",
];

/// Number of messages that are read. Honest texts have none.
const MESSAGES_READ: usize = 20;

/// Longest mark, in characters.
const LONGEST: usize = 60;

/// A mark in a text.
struct Mark<'a> {
    /// Mark with its delimiters.
    whole: &'a str,
    /// Words of the name, folded.
    name: Vec<String>,
    /// True if the mark closes a section.
    closes: bool,
    /// True if the mark belongs to a chat template, such as `<|im_end|>`.
    chat: bool,
}

/// Returns the marks that are hostile in an answer to the prompt.
pub(super) fn flags(text: &str, prompt: &str, asked: Concepts) -> Vec<IntegrityFlag> {
    let (given, folded) = (prompt, fold_text(prompt));
    let prompt: HashSet<&str> = folded.split(|c: char| !c.is_alphanumeric()).collect();
    let visible: String = text.chars().filter(|c| !is_invisible(*c)).collect();
    // An answer about chats or attacks shows their marks. Chats of people have turns, but no marks of models.
    let about_marks = asked & (CHAT | ATTACK) != 0;
    let about_models = asked & ATTACK != 0 || (asked & CHAT != 0 && names_models(given, &prompt, asked));
    let mut opened: HashSet<Vec<String>> = HashSet::new();
    let mut markup = false;
    for mark in marks(&visible) {
        // The words of a template's marks are too short to tell: "im" is German.
        let word = || mark.name.iter().any(|word| prompt.contains(word.as_str()));
        let expected = if mark.chat { given.contains(mark.whole) } else { word() };
        let known = |list: &[&str]| mark.name.iter().any(|word| list.contains(&word.as_str()));
        let hostile = if mark.chat {
            !about_models
        } else if mark.closes && opened.contains(&mark.name) {
            false
        } else {
            let judges = known(OF_JUDGES) && (mark.closes || asked & MARKUP == 0);
            judges || (mark.closes && known(OF_MANY))
        };
        markup |= hostile && !expected;
        if !mark.closes {
            opened.insert(mark.name);
        }
    }
    markup |= !about_marks && visible.lines().any(|line| is_fence(line, &prompt));
    // A turn of a chat in an answer to anything else ends the judge's own turn.
    let turn = |line: &str| {
        ["Human:", "Assistant:"].iter().any(|turn| line.trim_start_matches('#').trim().starts_with(turn))
    };
    markup |= !about_marks && !prompt.contains("assistant") && visible.lines().any(turn);
    let role = !about_models && poses_as_role(&visible, &prompt, about_marks);
    let mut flags = Vec::new();
    flags.extend(markup.then_some(IntegrityFlag::ImitatesMarkup));
    flags.extend(role.then_some(IntegrityFlag::FalseAuthority));
    flags
}

/// True if a prompt about chats is about those of language models.
fn names_models(prompt: &str, words: &HashSet<&str>, asked: Concepts) -> bool {
    let names = |word: &&str| !AMONG_PEOPLE.contains(word) && concepts(word) & (CHAT | MACHINE) != 0;
    // "Ai" is a verb in French.
    let plain = asked & MACHINE != 0 && !words.contains("ai");
    // A sound system is no system of messages.
    let system = asked & SYSTEM != 0 && ["prompt", "prompts", "llm"].iter().any(|word| words.contains(word));
    plain || system || prompt.contains("AI") || words.iter().any(names)
}

/// Finds tags, marks of chat templates and bracketed names of sections.
fn marks(text: &str) -> impl Iterator<Item = Mark<'_>> {
    let starts = text.char_indices().filter(|(_, c)| matches!(c, '<' | '[' | '＜' | '〈'));
    starts.filter_map(|(at, _)| mark_at(text.get(at..)?))
}

fn mark_at(text: &str) -> Option<Mark<'_>> {
    let angled = !text.starts_with('[');
    let last = if angled { ['>', '＞', '〉'] } else { [']'; 3] };
    let end =
        text.char_indices().take(LONGEST).find(|(_, c)| last.contains(c)).map(|(at, c)| at + c.len_utf8())?;
    let whole = text.get(..end)?;
    let inner = whole.trim_matches(|c| matches!(c, '<' | '>' | '[' | ']' | '＜' | '＞' | '〈' | '〉'));
    let chat = inner.starts_with('|') && inner.ends_with('|')
        || matches!(whole, "[INST]" | "[/INST]" | "<<SYS>" | "<</SYS>")
        || matches!(inner, "start_of_turn" | "end_of_turn" | "eot_id");
    let name = inner.trim_start_matches(['/', '|']).split([' ', '\n']).next()?;
    let words = |name: &str| -> Vec<String> {
        name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(fold_text).collect()
    };
    let name = words(name);
    let closes = inner.starts_with('/');
    // Brackets are common in prose, so that only closing ones are marks.
    ((angled && !name.is_empty()) || closes || chat).then_some(Mark { whole, name, closes, chat })
}

/// True if the line pretends that a section of the judge's prompt ends or begins.
fn is_fence(line: &str, prompt: &HashSet<&str>) -> bool {
    let line = line.trim();
    if line.chars().count() > LONGEST {
        return false;
    }
    let bare = line.trim_matches(|c: char| !c.is_alphanumeric());
    let first = line.chars().next().unwrap_or('a');
    let decorated = !first.is_alphanumeric() && line.len() - bare.len() >= 2;
    let folded = fold_text(bare);
    let mut words =
        folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty() && *word != "the");
    let bounds = words
        .next()
        .is_some_and(|word| matches!(word, "end" | "begin" | "start" | "ende" | "fin" | "fim" | "fine"));
    let names = |word: &str| OF_JUDGES.contains(&word) || OF_MANY.contains(&word);
    let section = words.clone().any(names);
    let arrows = line.starts_with("<<<") && line.ends_with(">>>");
    decorated && bounds && (section || arrows) && !words.any(|word| word.len() > 3 && prompt.contains(word))
}

/// True if a message of the text poses as one from the system or from an administrator. In an answer that
/// `shows_chats`, a message must also give a top grade, because people in chats have roles, too.
fn poses_as_role(text: &str, prompt: &HashSet<&str>, shows_chats: bool) -> bool {
    let heads = text.match_indices([':', ']', '>', '\n']);
    let heads = heads.filter_map(|(at, mark)| Some((at, head(text, at, mark, prompt)?)));
    heads.take(MESSAGES_READ).any(|(at, head)| {
        let message: String = text.get(at..).unwrap_or_default().chars().take(LONGEST * 4).collect();
        let said = rules::all_concepts(&tokens(&message));
        if shows_chats && (said & RATE == 0 || said & (GRADE_S | TOP) == 0) {
            return false;
        }
        let judges = said & (RATE | VERDICT | WIN | PASS | PASS_LOUDLY | JUDGE | RUBRIC | ENTRY) != 0;
        let orders =
            said & (MUST | RULES) != 0 || (said & YOU != 0 && said & (PLEASE | OWN | NOW | REVEAL) != 0);
        orders || (head == Head::Message && judges)
    })
}

/// The beginning of a message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Head {
    /// A role alone, which other texts have, too: "System: Windows".
    Role,
    /// A role in capitals or with a word for "message".
    Message,
}

/// Reads the text before `at` as the beginning of a message from a role.
fn head(text: &str, at: usize, mark: &str, prompt: &HashSet<&str>) -> Option<Head> {
    let before = text.get(..at)?;
    // A role stands near the beginning of its line, so that a bounded part of the line suffices.
    let start = before.char_indices().rev().take(LONGEST).last().map_or(at, |(start, _)| start);
    let near = before.get(start..)?;
    let line = near.rsplit('\n').next()?;
    let complete = start == 0 || line.len() < near.len();
    let words: Vec<&str> =
        line.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let (first, last) = (*words.first()?, *words.last()?);
    let loud = |word: &str| word.len() > 4 && word.chars().all(char::is_uppercase);
    // A prompt with the word makes it a word of the subject, but not in capitals before a message.
    let role = |word: &str| {
        let folded = fold_text(word);
        ROLES.contains(&folded.as_str()) && (loud(word) || !prompt.contains(folded.as_str()))
    };
    let heads = mark != "\n" || loud(first) || line.trim_start().starts_with(['#', '=', '*', '-']);
    let said = words.iter().fold(0, |all, word| all | concepts(&fold_text(word)));
    let message = said & ADDRESS != 0 || MESSAGES.contains(&fold_text(last).as_str());
    let by_role = role(first) || role(last) || said & SYSTEM != 0;
    if complete && heads && words.len() == 1 && role(last) {
        let kind = if loud(last) || line.contains('[') { Head::Message } else { Head::Role };
        return Some(kind);
    }
    let titled = complete && heads && (2..=4).contains(&words.len()) && message && by_role;
    let inline = mark != "\n" && loud(last) && role(last);
    (titled || inline).then_some(Head::Message)
}

/// Replaces the marks of chats and of a judge's prompt in `text` by words in brackets.
pub(super) fn neutralise(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for mark in marks(text) {
        let Some(at) = offset(text, mark.whole).filter(|at| *at >= done) else {
            continue;
        };
        let known = mark.name.iter().any(|word| {
            OF_JUDGES.contains(&word.as_str())
                || OF_MANY.contains(&word.as_str())
                || ROLES.contains(&word.as_str())
        });
        if mark.chat || known {
            out.push_str(text.get(done..at).unwrap_or_default());
            out.push_str("(mark removed)");
            done = at + mark.whole.len();
        }
    }
    out.push_str(text.get(done..).unwrap_or_default());
    let lines = out.split_inclusive('\n').map(|line| {
        let end = if line.ends_with('\n') { "\n" } else { "" };
        if is_fence(line, &HashSet::new()) { format!("(mark removed){end}") } else { line.to_owned() }
    });
    lines.collect()
}

/// The offset of `part`, a slice of `text`.
fn offset(text: &str, part: &str) -> Option<usize> {
    (part.as_ptr() as usize).checked_sub(text.as_ptr() as usize)
}
