//! Configuration of the judge: the embedded one, or a language model with its limits.

use clorp_context::{BootError, var};
use clorp_domain::rules::BadRule;
use clorp_judge::model::{ConfigError, FIRST_MODEL, Model, ModelConfig, SECOND_MODEL, Seat};
use clorp_secrets::Secrets;
use clorp_store::JudgingCost;

/// Millionths of a cent in a cent.
const MICRO_CENTS: u64 = 1_000_000;

/// The models that judge, and what they may cost.
#[derive(Clone, Debug)]
pub struct Judges {
    /// Model that judges.
    pub first: Model,
    /// Model that decides without a majority, and hears appeals.
    pub second: Option<Model>,
    /// Limits of the costs.
    pub limits: Limits,
}

/// Limits of the costs of judging.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most for one verdict or one second opinion.
    pub drop: JudgingCost,
    /// Most on one day, in UTC, for all drops.
    pub day: JudgingCost,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            drop: JudgingCost { tokens: 400_000, micro_cents: 20 * MICRO_CENTS },
            day: JudgingCost { tokens: 50_000_000, micro_cents: 2_000 * MICRO_CENTS },
        }
    }
}

impl Judges {
    /// Reads the judge from the environment: `CLORP_JUDGE` is `embedded`, which gives `None`, or `model`,
    /// which needs the variables of a model and its key from `secrets`. `connect` makes a client of a model's
    /// configuration.
    ///
    /// # Errors
    /// [`BootError`] if `CLORP_JUDGE` is not set, because money depends on it, and for every variable or key
    /// that is missing or unusable.
    pub fn from_env(
        secrets: &Secrets,
        connect: impl Fn(ModelConfig) -> Result<Model, ConfigError>,
    ) -> Result<Option<Self>, BootError> {
        match var("CLORP_JUDGE").as_deref() {
            None => return Err(BootError::Missing("CLORP_JUDGE")),
            Some("embedded") => return Ok(None),
            Some("model") => {}
            Some(_) => return Err(bad("CLORP_JUDGE", "embedded or model")),
        }
        let credential = |name| secrets.credential(name);
        let first = ModelConfig::from_vars(&FIRST_MODEL, var, credential).map_err(boot_error)?;
        let first = first.ok_or(BootError::Missing("CLORP_JUDGE_MODEL"))?;
        let second = ModelConfig::from_vars(&SECOND_MODEL, var, credential).map_err(boot_error)?;
        Ok(Some(Self {
            first: connect(first).map_err(boot_error)?,
            second: second.map(connect).transpose().map_err(boot_error)?,
            limits: Limits::from_env()?,
        }))
    }

    /// The model of a seat.
    pub(crate) fn model(&self, seat: Seat) -> &Model {
        match seat {
            Seat::First => &self.first,
            Seat::Second => self.second.as_ref().unwrap_or(&self.first),
        }
    }
}

impl Limits {
    fn from_env() -> Result<Self, BootError> {
        let Self { drop, day } = Self::default();
        let cents =
            |name, default: u64| Ok::<_, BootError>(number(name, default / MICRO_CENTS)? * MICRO_CENTS);
        Ok(Self {
            drop: JudgingCost {
                tokens: number("CLORP_JUDGE_DROP_TOKENS", drop.tokens)?,
                micro_cents: cents("CLORP_JUDGE_DROP_CENTS", drop.micro_cents)?,
            },
            day: JudgingCost {
                tokens: number("CLORP_JUDGE_DAY_TOKENS", day.tokens)?,
                micro_cents: cents("CLORP_JUDGE_DAY_CENTS", day.micro_cents)?,
            },
        })
    }
}

fn number(name: &'static str, default: u64) -> Result<u64, BootError> {
    let Some(text) = var(name) else { return Ok(default) };
    let number = text.parse().ok().filter(|number| *number <= 1_000_000_000_000);
    number.ok_or_else(|| bad(name, "a number from 0 to 1000000000000"))
}

const fn bad(name: &'static str, expected: &'static str) -> BootError {
    BootError::Bad(BadRule { name, expected })
}

fn boot_error(error: ConfigError) -> BootError {
    match error {
        ConfigError::Missing(name) => BootError::Missing(name),
        ConfigError::Bad(rule) => BootError::Bad(rule),
        ConfigError::Unusable(name) => BootError::Unusable(name),
        ConfigError::NoCredentials => BootError::Missing("AWS credentials"),
    }
}
