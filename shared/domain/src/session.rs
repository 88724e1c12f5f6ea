//! Browser sessions, as far as anybody but the identity provider's client has to know of them.

use std::fmt;

/// What one refresh of a session is recorded under. It follows from the refresh token, and does not lead back to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshId([u8; 32]);

impl RefreshId {
    /// The id with these bytes, which a one-way function has made of the token.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for RefreshId {
    /// 64 lower-case hex digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
