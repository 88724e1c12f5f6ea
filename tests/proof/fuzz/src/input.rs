//! Inputs: valid ones with a few edits, words of the format in any order, and noise.

use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::prop_oneof;
use proptest::sample::{Index, select};
use proptest::strategy::BoxedStrategy;

use crate::{Target, corpus};

/// Longest input that an edit may make, in bytes. Larger ones are the subject of [`crate::Shape`].
const LONGEST: usize = 64 * 1024;

/// Words that surprise parsers of any format.
const AWKWARD: &[&str] = &[
    "",
    " ",
    "\n",
    "\r\n",
    "\t",
    "\0",
    "\u{7f}",
    "\u{85}",
    "\u{200b}",
    "\u{202e}",
    "\u{feff}",
    "\u{fffd}",
    "é",
    "e\u{301}",
    "İ",
    "ß",
    "𝟙",
    "👩‍💻",
    "%",
    "%00",
    "%zz",
    "%ff",
    "+",
    "-",
    "-0",
    "0",
    "1",
    "+1",
    "00",
    "1e3",
    "1.5",
    "1e999",
    "-9223372036854775808",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "NaN",
    "null",
    "true",
    "[]",
    "{}",
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "\\udc00\\ud800",
    "'",
    "`",
    "/",
    "//",
    "..",
    ".",
    ",",
    ";",
    ":",
    "=",
    "==",
    "&",
    "#",
    "?",
    "<",
    ">",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "|",
    "~",
    "*",
    "_",
];

/// One edit of an input. The places are shares of its length.
#[derive(Clone, Debug)]
enum Edit {
    /// Puts a byte in place of another.
    Set(Index, u8),
    /// Turns one bit.
    Flip(Index, u8),
    /// Takes out a piece.
    Delete(Index, u8),
    /// Puts in a piece.
    Insert(Index, Vec<u8>),
    /// Repeats a piece.
    Repeat(Index, u8, u8),
    /// Exchanges two pieces.
    Swap(Index, Index, u8),
    /// Ends the input early.
    Cut(Index),
    /// Goes on with the rest of another input.
    Splice(Index, Index, Index),
}

impl Edit {
    fn apply(&self, input: &mut Vec<u8>, others: &[Vec<u8>]) {
        let at = |index: &Index, input: &Vec<u8>| index.index(input.len() + 1);
        let piece =
            |from: usize, length: u8, input: &Vec<u8>| from..input.len().min(from + usize::from(length));
        match self {
            Self::Set(place, byte) => {
                let place = at(place, input);
                if let Some(old) = input.get_mut(place) {
                    *old = *byte;
                }
            }
            Self::Flip(place, bit) => {
                let place = at(place, input);
                if let Some(old) = input.get_mut(place) {
                    *old ^= 1 << (bit % 8);
                }
            }
            Self::Delete(place, length) => {
                let range = piece(at(place, input), *length, input);
                input.drain(range);
            }
            Self::Insert(place, new) => {
                let place = at(place, input);
                input.splice(place..place, new.iter().copied());
            }
            Self::Repeat(place, length, times) => {
                let range = piece(at(place, input), *length, input);
                let again = input[range.clone()].repeat(usize::from(*times));
                input.splice(range.end..range.end, again);
            }
            Self::Swap(one, other, length) => {
                let (one, other) = (at(one, input), at(other, input));
                for step in 0..usize::from(*length) {
                    if one.max(other) + step < input.len() {
                        input.swap(one + step, other + step);
                    }
                }
            }
            Self::Cut(place) => input.truncate(at(place, input)),
            Self::Splice(place, other, from) => {
                input.truncate(at(place, input));
                if !others.is_empty() {
                    let other = other.get(others);
                    input.extend_from_slice(&other[at(from, other)..]);
                }
            }
        }
        input.truncate(LONGEST);
    }
}

fn edit(words: &'static [&'static str]) -> impl Strategy<Value = Edit> {
    let place = any::<Index>;
    prop_oneof![
        3 => (place(), any::<u8>()).prop_map(|(at, byte)| Edit::Set(at, byte)),
        3 => (place(), any::<u8>()).prop_map(|(at, bit)| Edit::Flip(at, bit)),
        3 => (place(), 1..12_u8).prop_map(|(at, length)| Edit::Delete(at, length)),
        4 => (place(), word(words)).prop_map(|(at, word)| Edit::Insert(at, word)),
        1 => (place(), vec(any::<u8>(), 1..8)).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        2 => (place(), 1..64_u8, 1..40_u8).prop_map(|(at, length, times)| Edit::Repeat(at, length, times)),
        1 => (place(), place(), 1..16_u8).prop_map(|(one, other, length)| Edit::Swap(one, other, length)),
        1 => place().prop_map(Edit::Cut),
        2 => (place(), place(), place()).prop_map(|(at, other, from)| Edit::Splice(at, other, from)),
    ]
}

/// A word of the format, or one that surprises.
fn word(words: &'static [&'static str]) -> BoxedStrategy<Vec<u8>> {
    let awkward = select(AWKWARD).prop_map(|word| word.as_bytes().to_vec());
    if words.is_empty() {
        return awkward.boxed();
    }
    prop_oneof![2 => select(words).prop_map(|word| word.as_bytes().to_vec()), 1 => awkward].boxed()
}

/// The inputs of a target: half of them are valid ones with up to eight edits.
pub fn inputs(target: &Target) -> BoxedStrategy<Vec<u8>> {
    let words = target.words;
    let mut known = (target.valid)();
    known.extend(corpus::read(target).into_iter().map(|(_, input)| input));
    let others = known.clone();
    let edited = (select(known), vec(edit(words), 0..8)).prop_map(move |(mut input, edits)| {
        for edit in &edits {
            edit.apply(&mut input, &others);
        }
        input
    });
    let joined = vec(word(words), 0..40).prop_map(|words| words.concat());
    let spaced = vec(word(words), 0..40).prop_map(|words| words.join(&b' '));
    prop_oneof![
        5 => edited,
        2 => joined,
        1 => spaced,
        1 => vec(any::<u8>(), 0..300),
        1 => any::<String>().prop_map(String::into_bytes),
    ]
    .boxed()
}
