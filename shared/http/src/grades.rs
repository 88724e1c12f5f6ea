//! Wire format of grade counts.

use serde::Serialize;
use utoipa::ToSchema;

/// Number of submissions with each grade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = GradeCounts)]
#[serde(rename_all = "UPPERCASE")]
pub struct GradeCounts {
    /// Number of outstanding submissions.
    s: u64,
    /// Number of very good submissions.
    a: u64,
    /// Number of good submissions.
    b: u64,
    /// Number of acceptable submissions.
    c: u64,
    /// Number of weak submissions.
    d: u64,
    /// Number of failed submissions.
    f: u64,
}

impl From<[u64; 6]> for GradeCounts {
    /// Takes the counts in the order of [`clorp_domain::Grade::ALL`].
    fn from([s, a, b, c, d, f]: [u64; 6]) -> Self {
        Self { s, a, b, c, d, f }
    }
}
