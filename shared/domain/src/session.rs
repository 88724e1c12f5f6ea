//! The part of browser sessions that is known outside the identity provider's client.

use std::fmt;

/// Identifier under which one refresh of a session is recorded. It is a one-way function of the refresh
/// token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshId([u8; 32]);

impl RefreshId {
    /// Wraps the output of the one-way function.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for RefreshId {
    /// Writes 64 lower-case hex digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
