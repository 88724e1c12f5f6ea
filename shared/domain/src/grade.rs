//! Grades, from S down to F.

use std::fmt;
use std::str::FromStr;

/// The quality of a submission, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Grade {
    /// Grade of outstanding work.
    S,
    /// Grade of very good work.
    A,
    /// Grade of good work.
    B,
    /// Grade of acceptable work.
    C,
    /// Grade of weak work.
    D,
    /// Grade of failed work: empty, copied or off topic.
    F,
}

impl Grade {
    /// Every grade, best first.
    pub const ALL: [Self; 6] = [Self::S, Self::A, Self::B, Self::C, Self::D, Self::F];

    /// The grade's letter.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::S => "S",
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
            Self::F => "F",
        }
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The error for a word that is no grade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownGrade;

impl FromStr for Grade {
    type Err = UnknownGrade;

    fn from_str(letter: &str) -> Result<Self, UnknownGrade> {
        Self::ALL.into_iter().find(|grade| grade.as_str() == letter).ok_or(UnknownGrade)
    }
}
