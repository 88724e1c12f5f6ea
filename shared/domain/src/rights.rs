//! Rights of credentials: the kinds of requests that an API key, or a program with a session, may make.

use std::fmt;
use std::str::FromStr;

use crate::error::UnknownWord;
use crate::{FieldError, SpendPolicy};

/// A kind of requests that a credential may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Right {
    /// Reads the user's own data, and estimates.
    Read,
    /// Works on drops: claims, submissions, agents, verifications.
    Work,
    /// Posts, pays and cancels drops, and opens pages on which a person pays for a top-up.
    Spend,
    /// Saves a card, and configures the automatic top-ups that charge it.
    Cards,
    /// Creates and revokes API keys.
    Keys,
    /// Moves money to a bank: connects the account that receives it, and withdraws.
    Payouts,
}

impl Right {
    /// Every right, from the most harmless to the most dangerous.
    pub const ALL: [Self; 6] = [Self::Read, Self::Work, Self::Spend, Self::Cards, Self::Keys, Self::Payouts];

    /// The right's word, as stored and documented.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Work => "work",
            Self::Spend => "spend",
            Self::Cards => "cards",
            Self::Keys => "keys",
            Self::Payouts => "payouts",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Right {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|right| right.as_str() == text).ok_or(UnknownWord)
    }
}

/// A set of rights. The default is the empty set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights(u8);

impl Rights {
    /// Every right, as a user's own session has it.
    pub const ALL: Self = Self::of(&Right::ALL);
    /// Rights of a key whose creator names none: everything but taking money out and making further keys.
    pub const OF_A_KEY: Self = Self::of(&[Right::Read, Right::Work, Right::Spend, Right::Cards]);
    /// Rights of a program: of a device login whose approver names none, and the most that an OAuth client
    /// has.
    pub const OF_A_PROGRAM: Self = Self::of(&[Right::Read, Right::Work, Right::Spend]);
    /// Rights that reach money beyond the wallet: on a card, or on its way to a bank.
    pub const OVER_MONEY: Self = Self::of(&[Right::Cards, Right::Payouts]);

    /// The set of these rights.
    pub const fn of(rights: &[Right]) -> Self {
        let (mut bits, mut i) = (0, 0);
        while i < rights.len() {
            bits |= rights[i].bit();
            i += 1;
        }
        Self(bits)
    }

    /// Rights of a key with this spend policy whose creator names none, and of a key from before keys had
    /// rights. A spend policy leaves out cards too, because charging a card is another way to spend.
    pub const fn default_for(policy: &SpendPolicy) -> Self {
        if policy.is_limited() { Self::OF_A_PROGRAM } else { Self::OF_A_KEY }
    }

    /// True if the set contains a right.
    pub const fn contains(self, right: Right) -> bool {
        self.0 & right.bit() != 0
    }

    /// The rights that both sets contain.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The rights of this set that the other does not contain.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// True if the set contains no right.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The rights, in the order of [`Right::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Right> {
        Right::ALL.into_iter().filter(move |right| self.contains(*right))
    }
}

impl FromIterator<Right> for Rights {
    fn from_iter<I: IntoIterator<Item = Right>>(rights: I) -> Self {
        Self(rights.into_iter().fold(0, |bits, right| bits | right.bit()))
    }
}

/// Checks the rights that a request names. They must be known, and at least one.
///
/// # Errors
/// [`FieldError`] at `/rights`, or at the entry that names no right.
pub fn checked_rights(words: Option<&[String]>) -> Result<Option<Rights>, FieldError> {
    let Some(words) = words else { return Ok(None) };
    let invalid = |field, message| FieldError::new(field, "invalid_rights", message);
    if words.is_empty() {
        return Err(invalid("/rights".to_owned(), "Name at least one right".to_owned()));
    }
    let known = Right::ALL.map(Right::as_str).join(", ");
    let parse = |(i, word): (usize, &String)| {
        word.parse().map_err(|UnknownWord| {
            invalid(format!("/rights/{i}"), format!("Unknown right; the rights are {known}"))
        })
    };
    words.iter().enumerate().map(parse).collect::<Result<Rights, _>>().map(Some)
}

/// Checks that a key's rights do not undo its spend policy: a key that creates keys could create one without
/// limits.
///
/// # Errors
/// [`FieldError`] at `/rights`.
pub fn check_limits_hold(rights: Rights, policy: &SpendPolicy) -> Result<(), FieldError> {
    if policy.is_limited() && rights.contains(Right::Keys) {
        let message =
            "A key with a spend policy cannot have the right `keys`, by which it could create others";
        return Err(FieldError::new("/rights", "invalid_rights", message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cents;

    #[test]
    fn a_set_contains_exactly_its_rights() {
        for right in Right::ALL {
            let one = Rights::of(&[right]);
            assert_eq!(one.iter().collect::<Vec<_>>(), [right]);
            assert_eq!(right.as_str().parse(), Ok(right));
            assert!(Rights::ALL.contains(right) && !Rights::default().contains(right));
        }
        let cards: Rights = [Right::Cards, Right::Cards].into_iter().collect();
        assert_eq!(
            (Rights::OF_A_KEY.and(Rights::OVER_MONEY), Rights::OF_A_PROGRAM.and(cards).is_empty()),
            (cards, true)
        );
    }

    #[test]
    fn an_unknown_or_empty_list_names_its_field() {
        let check = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            checked_rights(Some(&words))
        };
        assert_eq!(checked_rights(None), Ok(None));
        assert_eq!(check(&["read", "read", "payouts"]), Ok(Some(Rights::of(&[Right::Read, Right::Payouts]))));
        for (words, field) in [
            (&[] as &[&str], "/rights"),
            (&["read", "write"], "/rights/1"),
            (&["Read"], "/rights/0"),
            (&["read,work"], "/rights/0"),
        ] {
            assert_eq!(check(words).unwrap_err().field, field, "{words:?}");
        }
    }

    #[test]
    fn a_limited_key_defaults_to_fewer_rights_and_never_creates_keys() {
        let limited = SpendPolicy { per_drop: None, per_day: Some(Cents::ZERO) };
        let unlimited = SpendPolicy::default();
        assert_eq!(Rights::default_for(&limited), Rights::OF_A_PROGRAM);
        assert_eq!(Rights::default_for(&unlimited), Rights::OF_A_KEY);
        assert!(check_limits_hold(Rights::ALL, &limited).is_err());
        assert_eq!(check_limits_hold(Rights::ALL, &unlimited), Ok(()));
        assert_eq!(check_limits_hold(Rights::OF_A_KEY, &limited), Ok(()));
    }
}
