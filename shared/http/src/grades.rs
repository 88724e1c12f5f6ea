//! Counts of grades on the wire.

use serde::Serialize;
use utoipa::ToSchema;

/// How often each grade was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = GradeCounts)]
#[serde(rename_all = "UPPERCASE")]
pub struct GradeCounts {
    /// Outstanding.
    s: u64,
    /// Very good.
    a: u64,
    /// Good.
    b: u64,
    /// Acceptable.
    c: u64,
    /// Weak.
    d: u64,
    /// Failed.
    f: u64,
}

impl From<[u64; 6]> for GradeCounts {
    /// In the order of [`clorp_domain::Grade::ALL`].
    fn from([s, a, b, c, d, f]: [u64; 6]) -> Self {
        Self { s, a, b, c, d, f }
    }
}
