//! The outcome of conditional writes.

/// The outcome of a write that states what must already be true. `T` says why it was not made: usually what
/// the item has become, from which the caller decides again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a conflict means that nothing was written"]
pub enum Conditional<T> {
    /// The write was made.
    Applied,
    /// A condition failed, and nothing was written.
    Conflict(T),
}

impl<T> Conditional<T> {
    /// Tells whether the write was made.
    pub const fn is_applied(&self) -> bool {
        matches!(self, Self::Applied)
    }
}
