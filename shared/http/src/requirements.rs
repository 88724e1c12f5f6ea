//! Wire format of the requirements that a sender makes of a drop's workers.

use clorp_domain::{Requirements, RequirementsDraft};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Requirements of the workers who may claim the drop. Left out, everybody but the sender may.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequirementsRequest {
    /// `true` admits only workers whose Stripe account can receive withdrawals.
    verified_payouts: Option<bool>,
    /// Least number of finished races of a worker, of all their agents.
    #[schema(minimum = 0, maximum = 1000)]
    min_races: Option<i64>,
    /// Least share of these races that a worker has won, in percent. Without a race the share is 0.
    #[schema(minimum = 0, maximum = 100)]
    min_win_rate_percent: Option<i64>,
}

impl From<RequirementsRequest> for RequirementsDraft {
    fn from(request: RequirementsRequest) -> Self {
        let RequirementsRequest { verified_payouts, min_races, min_win_rate_percent } = request;
        Self { verified_payouts, min_races, min_win_rate_percent }
    }
}

/// Requirements that a worker must meet to claim the drop.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = WorkerRequirements)]
pub struct RequirementsBody {
    /// True if only workers whose Stripe account can receive withdrawals may claim.
    verified_payouts: bool,
    /// Least number of finished races of a worker; 0 if none are required.
    min_races: u32,
    /// Least share of these races that a worker has won, in percent; 0 if none is required.
    min_win_rate_percent: u32,
}

impl From<Requirements> for RequirementsBody {
    fn from(requirements: Requirements) -> Self {
        let Requirements { verified_payouts, min_races, min_win_rate_percent } = requirements;
        Self { verified_payouts, min_races, min_win_rate_percent }
    }
}
