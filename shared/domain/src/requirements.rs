//! Requirements that a sender makes of a drop's workers.

use std::fmt;

use crate::{ConnectStatus, Error, FieldError, User};

/// Highest number of races that a drop may require.
pub const MAX_MIN_RACES: u32 = 1000;

/// Requirements of a drop, as the sender states them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequirementsDraft {
    /// True to require verified payouts.
    pub verified_payouts: Option<bool>,
    /// Least number of finished races.
    pub min_races: Option<i64>,
    /// Least win rate, in percent.
    pub min_win_rate_percent: Option<i64>,
}

/// Requirements of a drop. The default requires nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requirements {
    /// True if workers must be able to receive payouts.
    pub verified_payouts: bool,
    /// Least number of finished races.
    pub min_races: u32,
    /// Least win rate, in percent.
    pub min_win_rate_percent: u32,
}

/// One requirement of a drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// The worker's account at Stripe can receive payouts.
    VerifiedPayouts,
    /// The worker has finished this many races.
    MinRaces(u32),
    /// The worker has won this share of them, in percent.
    MinWinRatePercent(u32),
}

/// The facts about a worker that requirements are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// True if the worker's account at Stripe can receive payouts.
    pub verified_payouts: bool,
    /// Number of finished races, of all the worker's agents.
    pub races: u64,
    /// Share of races won, in whole percent, rounded down.
    pub win_rate_percent: u32,
}

impl Requirements {
    /// Validates a sender's requirements.
    ///
    /// # Errors
    /// [`FieldError`] for a number out of bounds.
    pub fn new(draft: RequirementsDraft) -> Result<Self, FieldError> {
        let number = |name: &str, value: Option<i64>, most: u32| match u32::try_from(value.unwrap_or(0)) {
            Ok(value) if value <= most => Ok(value),
            _ => {
                let field = format!("/worker_requirements/{name}");
                let message = format!("{name} must be from 0 to {most}");
                Err(FieldError::new(field, "invalid_worker_requirements", message))
            }
        };
        Ok(Self {
            verified_payouts: draft.verified_payouts.unwrap_or(false),
            min_races: number("min_races", draft.min_races, MAX_MIN_RACES)?,
            min_win_rate_percent: number("min_win_rate_percent", draft.min_win_rate_percent, 100)?,
        })
    }

    /// True if every worker meets the requirements.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The requirements that a worker does not meet.
    pub fn unmet(&self, standing: &Standing) -> Vec<Requirement> {
        let checks = [
            (!self.verified_payouts || standing.verified_payouts, Requirement::VerifiedPayouts),
            (standing.races >= self.min_races.into(), Requirement::MinRaces(self.min_races)),
            (
                standing.win_rate_percent >= self.min_win_rate_percent,
                Requirement::MinWinRatePercent(self.min_win_rate_percent),
            ),
        ];
        checks.into_iter().filter(|(met, _)| !met).map(|(_, requirement)| requirement).collect()
    }

    /// Checks that a worker meets the requirements.
    ///
    /// # Errors
    /// [`Error::RequirementsNotMet`].
    pub fn require(&self, standing: &Standing) -> Result<(), Error> {
        let unmet = self.unmet(standing);
        if unmet.is_empty() { Ok(()) } else { Err(Error::RequirementsNotMet { unmet }) }
    }
}

impl Requirement {
    /// The requirement's word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VerifiedPayouts => "verified_payouts",
            Self::MinRaces(_) => "min_races",
            Self::MinWinRatePercent(_) => "min_win_rate_percent",
        }
    }
}

impl fmt::Display for Requirement {
    /// Describes to people what the worker lacks.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::VerifiedPayouts => f.write_str("a bank account for withdrawals"),
            Self::MinRaces(races) => write!(f, "{races} finished races"),
            Self::MinWinRatePercent(percent) => write!(f, "a win rate of {percent} %"),
        }
    }
}

impl Standing {
    /// The standing of a worker who has won `wins` of `races`.
    pub fn new(verified_payouts: bool, races: u64, wins: u64) -> Self {
        let percent = (u128::from(wins) * 100).checked_div(races.into()).unwrap_or(0);
        Self { verified_payouts, races, win_rate_percent: u32::try_from(percent).unwrap_or(u32::MAX) }
    }
}

impl User {
    /// True if a withdrawal to the user's account at Stripe would be accepted.
    pub fn has_verified_payouts(&self) -> bool {
        self.stripe.account_status == ConnectStatus::Active
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(races: i64, percent: i64) -> RequirementsDraft {
        RequirementsDraft {
            verified_payouts: None,
            min_races: Some(races),
            min_win_rate_percent: Some(percent),
        }
    }

    #[test]
    fn numbers_out_of_bounds_are_refused_and_name_their_field() {
        assert_eq!(Requirements::new(RequirementsDraft::default()), Ok(Requirements::default()));
        assert!(Requirements::new(draft(1000, 100)).is_ok());
        for (draft, field) in [
            (draft(-1, 0), "/worker_requirements/min_races"),
            (draft(1001, 0), "/worker_requirements/min_races"),
            (draft(i64::MAX, 0), "/worker_requirements/min_races"),
            (draft(0, -1), "/worker_requirements/min_win_rate_percent"),
            (draft(0, 101), "/worker_requirements/min_win_rate_percent"),
        ] {
            let refused = Requirements::new(draft).unwrap_err();
            assert_eq!((refused.field.as_str(), refused.code), (field, "invalid_worker_requirements"));
        }
    }

    #[test]
    fn a_win_rate_is_rounded_down_and_zero_without_races() {
        for (races, wins, percent) in
            [(0, 0, 0), (3, 1, 33), (3, 2, 66), (1, 1, 100), (u64::MAX, u64::MAX, 100), (1000, 9, 0)]
        {
            assert_eq!(Standing::new(false, races, wins).win_rate_percent, percent, "{wins}/{races}");
        }
    }

    #[test]
    fn every_unmet_requirement_is_named() {
        let all = Requirements { verified_payouts: true, min_races: 10, min_win_rate_percent: 20 };
        let unmet = |standing: Standing| -> Vec<&str> {
            all.unmet(&standing).into_iter().map(Requirement::as_str).collect()
        };
        assert_eq!(
            unmet(Standing::new(false, 0, 0)),
            ["verified_payouts", "min_races", "min_win_rate_percent"]
        );
        assert_eq!(unmet(Standing::new(true, 9, 9)), ["min_races"]);
        assert_eq!(unmet(Standing::new(true, 10, 1)), ["min_win_rate_percent"]);
        assert_eq!(unmet(Standing::new(false, 10, 2)), ["verified_payouts"]);
        assert_eq!(unmet(Standing::new(true, 10, 2)), Vec::<&str>::new());
        assert!(Requirements::default().unmet(&Standing::new(false, 0, 0)).is_empty());
    }
}
