//! Syllables and rhymes of English verse, estimated from the spelling.

use super::language;
use super::layout::{Answer, Kind};
use super::prompt::folded;

/// Difference between the estimated and the wanted syllables of a line from which the line is clearly off.
/// The spelling of one word is easily misread.
const CLEARLY_OFF: usize = 2;

/// Fewest letters at the end of two lines that rhyme by their spelling.
const RHYME: usize = 3;

/// The lines of the answer that may be meant as its verse, one set for each reading.
fn verses<'a>(answer: &Answer<'a>) -> Vec<Vec<&'a str>> {
    let filled = |rows: Vec<&super::layout::Row<'a>>| -> Vec<&'a str> {
        rows.into_iter().filter(|row| row.kind != Kind::Blank).map(|row| row.content).collect()
    };
    answer.readings().into_iter().map(filled).collect()
}

/// Tells whether lines of the answer have the `wanted` numbers of syllables, or nothing if that is unclear,
/// and what was counted.
pub(super) fn check_syllables(answer: &Answer<'_>, wanted: &[usize]) -> (Option<bool>, String) {
    let english = language::detect(answer.text).is_none_or(|lang| lang == whatlang::Lang::Eng);
    let fits = |lines: &Vec<&str>| lines.len() == wanted.len();
    let Some(lines) = verses(answer).into_iter().find(fits).filter(|_| english) else {
        return (None, "no such lines".to_owned());
    };
    let counted: Vec<usize> = lines.iter().map(|line| line_syllables(line)).collect();
    let shown = counted.iter().map(usize::to_string).collect::<Vec<_>>().join("-");
    let figures = lines.iter().any(|line| line.contains(|c: char| c.is_ascii_digit()));
    let off = counted.iter().zip(wanted).any(|(own, wanted)| own.abs_diff(*wanted) >= CLEARLY_OFF);
    let met = if figures { None } else { Some(!off) };
    (met, format!("about {shown} syllables"))
}

/// Tells whether the lines of the answer are free from rhymes.
pub(super) fn check_no_rhyme(answer: &Answer<'_>) -> (Option<bool>, String) {
    let lines = verses(answer).into_iter().next().unwrap_or_default();
    if lines.len() < 2
        || lines.len() > 40
        || language::detect(answer.text).is_some_and(|lang| lang != whatlang::Lang::Eng)
    {
        return (None, "no verse in English".to_owned());
    }
    let ends: Vec<String> = lines
        .iter()
        .filter_map(|line| {
            line.split(|c: char| !c.is_alphanumeric() && c != '\'').rfind(|word| !word.is_empty())
        })
        .map(folded)
        .collect();
    let near = ends
        .iter()
        .enumerate()
        .any(|(at, end)| ends.iter().skip(at + 1).take(2).any(|other| rhymes(end, other)));
    (Some(!near), if near { "rhymes" } else { "no rhymes" }.to_owned())
}

/// True if two different words end alike from a vowel on.
fn rhymes(a: &str, b: &str) -> bool {
    let rime = |word: &str| {
        let bare = word.strip_suffix('e').filter(|_| word.len() > 3).unwrap_or(word);
        word.get(vowel_start(bare).unwrap_or(0)..).unwrap_or_default().to_owned()
    };
    a != b && a.is_ascii() && b.is_ascii() && rime(a) == rime(b) && rime(a).len() >= RHYME
}

/// The offset of the last group of vowels of `word`, in ASCII.
fn vowel_start(word: &str) -> Option<usize> {
    let last = word.rfind(is_vowel)?;
    let before = word.get(..last)?;
    Some(before.rfind(|c| !is_vowel(c)).map_or(0, |at| at + 1))
}

const fn is_vowel(c: char) -> bool {
    matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y')
}

fn line_syllables(line: &str) -> usize {
    line.split(|c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '’'))
        .filter(|word| !word.is_empty())
        .map(|word| syllables(&folded(word)))
        .sum()
}

/// The estimated syllables of an English word in lower case: its groups of vowels, without silent endings.
fn syllables(word: &str) -> usize {
    let mut groups = 0;
    let mut before = false;
    for c in word.chars() {
        let vowel = is_vowel(c);
        groups += usize::from(vowel && !before);
        before = vowel;
    }
    let ends = |ending: &str| word.ends_with(ending) && word.len() > ending.len() + 1;
    let apart = ["ia", "io", "eo", "ua", "uou", "iu", "ying", "eing", "oing", "aying", "uing"];
    let split = apart.iter().filter(|pair| word.contains(*pair)).count();
    let joined =
        ["tion", "sion", "cial", "tial", "cious", "tious", "gious", "qua", "que", "guar", "people", "gua"];
    let joined = joined.iter().filter(|part| word.contains(*part)).count();
    let silent = ends("e") && !ends("le") && !ends("ee") && !ends("ye") && !ends("oe") && !ends("ie")
        || ends("le") && word.chars().rev().nth(2).is_some_and(is_vowel)
        || ends("ed") && !ends("ted") && !ends("ded") && !ends("ied") && !ends("eed")
        || ends("es")
            && !["ses", "zes", "ces", "ges", "ches", "shes", "xes", "ies", "oes", "ees"]
                .iter()
                .any(|own| ends(own));
    (groups + split.min(1)).saturating_sub(usize::from(silent) + joined.min(split.min(1))).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syllables_are_estimated_within_one() {
        for (line, count) in [
            ("An old silent pond", 5_usize),
            ("A frog jumps into the pond", 7),
            ("splash! Silence again", 5),
            ("the cursor blinks twice", 5),
            ("unplug, count to ten, breathe in", 7),
            ("the treadmill misses no one", 7),
            ("our membership renewed", 6),
        ] {
            assert!(line_syllables(line).abs_diff(count) <= 1, "{line}: {}", line_syllables(line));
        }
    }

    #[test]
    fn rhymes_are_told_from_other_endings() {
        for (a, b, expect) in [
            ("rain", "train", true),
            ("light", "night", true),
            ("rain", "rain", false),
            ("cup", "sum", false),
            ("page", "rage", true),
            ("window", "paper", false),
        ] {
            assert_eq!(rhymes(a, b), expect, "{a} {b}");
        }
    }

    #[test]
    fn a_haiku_is_checked_by_its_lines() {
        let check = |text: &str| check_syllables(&Answer::new(text), &[5, 7, 5]).0;
        assert_eq!(
            check("An old silent pond\nA frog jumps into the pond\nSplash! Silence again"),
            Some(true)
        );
        assert_eq!(check("Rain\nA frog jumps into the very silent old garden pond\nSplash"), Some(false));
        assert_eq!(check("One line"), None);
    }
}
