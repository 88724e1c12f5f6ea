//! Owners: accounts that are known to belong to one person or company.
//!
//! Accounts that share a card or a bank account count as one owner: none of them works on a drop of another,
//! and together they hold at most one slot of a drop. One of them stands for the owner. Only what is known at
//! the time counts: what becomes known later changes no drop.

use crate::{Fingerprint, User, UserId};

/// A card or a bank account, by which owners are recognised. Stripe's fingerprint of it, hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerMark(Fingerprint);

impl OwnerMark {
    /// The mark of a card with Stripe's `fingerprint`.
    pub fn card(fingerprint: &str) -> Self {
        Self(Fingerprint::of(&[b"card", fingerprint.as_bytes()]))
    }

    /// The mark of a bank account with Stripe's `fingerprint`.
    pub fn bank_account(fingerprint: &str) -> Self {
        Self(Fingerprint::of(&[b"bank_account", fingerprint.as_bytes()]))
    }

    /// The mark as 64 hex digits.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// The result of linking an account to a mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// The mark tells nothing new.
    Known,
    /// The account turned out to belong to the same owner as this one, which stands for the owner from now
    /// on. Earlier races may have been against this rule, so a person should look.
    Joined(UserId),
}

impl User {
    /// The account that this one was linked to, or this one. It stands for the owner unless it was linked to
    /// another one itself.
    pub fn linked_owner(&self) -> &UserId {
        self.owner.as_ref().unwrap_or(&self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_and_a_bank_account_with_one_fingerprint_are_different_marks() {
        assert_eq!(OwnerMark::card("abc"), OwnerMark::card("abc"));
        assert_ne!(OwnerMark::card("abc"), OwnerMark::card("abd"));
        assert_ne!(OwnerMark::card("abc"), OwnerMark::bank_account("abc"));
        assert!(!OwnerMark::card("abc").as_str().contains("abc"));
    }
}
