//! Packs: the kinds of work a drop can ask for.

use std::fmt;
use std::str::FromStr;

/// The kind of work a drop asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pack {
    /// Jokes, taglines, teasing reviews.
    Roast,
    /// Research and finding things out.
    Scout,
    /// Software.
    Code,
    /// Recipes, plans, things made from given ingredients.
    Cook,
    /// Anything else; the default.
    Wild,
}

impl Pack {
    /// Every pack.
    pub const ALL: [Self; 5] = [Self::Roast, Self::Scout, Self::Code, Self::Cook, Self::Wild];

    /// The pack's word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Roast => "roast",
            Self::Scout => "scout",
            Self::Code => "code",
            Self::Cook => "cook",
            Self::Wild => "wild",
        }
    }
}

impl fmt::Display for Pack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The error for a word that names no pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownPack;

impl fmt::Display for UnknownPack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pack must be one of {}", Pack::ALL.map(Pack::as_str).join(", "))
    }
}

impl std::error::Error for UnknownPack {}

impl FromStr for Pack {
    type Err = UnknownPack;

    fn from_str(word: &str) -> Result<Self, UnknownPack> {
        Self::ALL.into_iter().find(|pack| pack.as_str() == word).ok_or(UnknownPack)
    }
}
