//! The marketplace's configurable rules, with their defaults and the variables that override them.

#[cfg(doc)]
use crate::Rights;
use crate::{Cents, Pack, RateClass, RateLimit, cooldown};

/// Quotas of one program that all programs of a user have together.
const PROGRAMS_SHARE: u32 = 3;

/// Every configurable bound, default and rate. Each function builds one value at startup.
/// [`Rules::from_vars`] lists the variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Lowest price of a drop; a lower one is raised to it.
    pub min_price: Cents,
    /// Highest price of a drop; a higher one is lowered to it.
    pub max_price: Cents,
    /// Price of a `roast` drop when none is given.
    pub roast_price: Cents,
    /// Price of a `scout` drop when none is given.
    pub scout_price: Cents,
    /// Price of a `code` drop when none is given.
    pub code_price: Cents,
    /// Price of a `cook` drop when none is given.
    pub cook_price: Cents,
    /// Price of a `wild` drop when none is given.
    pub wild_price: Cents,
    /// Shortest window, in seconds.
    pub min_time_limit_seconds: u32,
    /// Longest window, in seconds. A queue message can be delayed by at most 900.
    pub max_time_limit_seconds: u32,
    /// Window when none is given, in seconds.
    pub default_time_limit_seconds: u32,
    /// Time after opening before which a drop is not ranked, even if every slot has submitted, in seconds. A
    /// shorter window ends earlier.
    pub min_race_seconds: u32,
    /// Number of slots of a drop.
    pub max_claims: u32,
    /// Time for which a claim protects its slot from other workers, in seconds.
    pub lease_seconds: u32,
    /// Number of lapsed or released claims within the cooldown window that blocks further claims.
    pub cooldown_lapses: u32,
    /// Cooldown window, in seconds: the time for which a lapsed or released claim counts.
    pub cooldown_window_seconds: u32,
    /// The platform's share of the price, in basis points (2000 is 20 %), rounded down.
    pub fee_basis_points: u32,
    /// The platform's fixed fee, added to the share.
    pub fee_fixed: Cents,
    /// Time after the window within which a drop is settled, in seconds: the `settles_by` promise.
    pub settlement_seconds: u32,
    /// Time after a drop was judged in which each side may ask for a second opinion, in seconds.
    pub appeal_seconds: u32,
    /// Smallest top-up of a wallet.
    pub min_topup: Cents,
    /// Largest top-up of a wallet.
    pub max_topup: Cents,
    /// Smallest withdrawal.
    pub min_withdrawal: Cents,
    /// Largest withdrawal: the largest amount Stripe accepts.
    pub max_withdrawal: Cents,
    /// Time for which a payout is held before its winner may withdraw it, in seconds.
    pub payout_hold_seconds: u32,
    /// Number of refused charges in a row that switches automatic top-ups off.
    pub max_auto_topup_failures: u32,
    /// Most that a wallet's automatic top-ups of one day in UTC may add up to, whatever its owner sets.
    pub max_auto_topup_per_day: Cents,
    /// Maximum number of a user's agents, including the default one.
    pub max_agents: u32,
    /// Longest prompt, in bytes of UTF-8.
    pub max_prompt_bytes: usize,
    /// Maximum number of `envVars` of a drop.
    pub max_env_vars: usize,
    /// Maximum total size of the names and values of `envVars`, in bytes of UTF-8.
    pub max_env_vars_bytes: usize,
    /// Maximum number of attachments of a drop or a submission.
    pub max_attachments: usize,
    /// Largest file, in bytes.
    pub max_upload_bytes: u64,
    /// Longest text of a submission, in bytes of UTF-8.
    pub max_output_bytes: usize,
    /// Maximum number of a user's API keys.
    pub max_keys: u32,
    /// Rate limit per credential for creating or ending resources.
    pub create_rate: RateLimit,
    /// Rate limit per credential for taking or releasing slots.
    pub claim_rate: RateLimit,
    /// Rate limit per credential for submitting work.
    pub submit_rate: RateLimit,
    /// Rate limit per credential for moving money.
    pub money_rate: RateLimit,
    /// Rate limit per credential for setting up cards. A low one slows down tests of stolen cards.
    pub setup_rate: RateLimit,
    /// Rate limit per credential for creating or revoking credentials.
    pub keys_rate: RateLimit,
    /// Rate limit per credential for announcing files. Times the largest file, it bounds the bytes of a day.
    pub upload_rate: RateLimit,
    /// Rate limit per credential for verifications.
    pub verify_rate: RateLimit,
    /// Rate limit per user for drops that are posted without a payment.
    pub unpaid_rate: RateLimit,
    /// Rate limit per credential for reads, enforced by each function instance separately.
    pub read_rate: RateLimit,
    /// Rate limit per address for starting logins.
    pub login_rate: RateLimit,
    /// Rate limit per address for public reads, enforced by each function instance separately.
    pub public_rate: RateLimit,
    /// True if a session needs a second factor for what reaches money beyond the wallet
    /// ([`Rights::OVER_MONEY`]).
    pub second_factor_for_money: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            min_price: Cents::new(100),
            max_price: Cents::new(100_000),
            roast_price: Cents::new(100),
            scout_price: Cents::new(200),
            code_price: Cents::new(500),
            cook_price: Cents::new(300),
            wild_price: Cents::new(200),
            min_time_limit_seconds: 30,
            max_time_limit_seconds: 900,
            default_time_limit_seconds: 300,
            min_race_seconds: 10,
            max_claims: 5,
            lease_seconds: 120,
            cooldown_lapses: 3,
            cooldown_window_seconds: 600,
            fee_basis_points: 2000,
            fee_fixed: Cents::new(50),
            settlement_seconds: 120,
            appeal_seconds: 600,
            min_topup: Cents::new(500),
            max_topup: Cents::new(100_000),
            min_withdrawal: Cents::new(500),
            max_withdrawal: Cents::new(99_999_999),
            payout_hold_seconds: 7 * 24 * 3600,
            max_auto_topup_failures: 3,
            max_auto_topup_per_day: Cents::new(200_000),
            max_agents: 50,
            max_prompt_bytes: 16 * 1024,
            max_env_vars: 50,
            max_env_vars_bytes: 16 * 1024,
            max_attachments: 10,
            max_upload_bytes: 25 * 1024 * 1024,
            max_output_bytes: 100 * 1024,
            max_keys: 50,
            create_rate: RateLimit { quota: 120, window_seconds: 60 },
            claim_rate: RateLimit { quota: 300, window_seconds: 60 },
            submit_rate: RateLimit { quota: 300, window_seconds: 60 },
            money_rate: RateLimit { quota: 60, window_seconds: 60 },
            setup_rate: RateLimit { quota: 5, window_seconds: 3600 },
            keys_rate: RateLimit { quota: 60, window_seconds: 60 },
            upload_rate: RateLimit { quota: 200, window_seconds: 86_400 },
            verify_rate: RateLimit { quota: 500, window_seconds: 86_400 },
            unpaid_rate: RateLimit { quota: 50, window_seconds: 86_400 },
            read_rate: RateLimit { quota: 6000, window_seconds: 60 },
            login_rate: RateLimit { quota: 10, window_seconds: 60 },
            public_rate: RateLimit { quota: 6000, window_seconds: 60 },
            second_factor_for_money: false,
        }
    }
}

/// The error for a variable whose value cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRule {
    /// Name of the variable.
    pub name: &'static str,
    /// Requirement that the value breaks.
    pub expected: &'static str,
}

impl std::fmt::Display for BadRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} must be {}", self.name, self.expected)
    }
}

impl std::error::Error for BadRule {}

impl Rules {
    /// Builds the rules: the defaults, each overridden by the variable of its name if `var` finds one.
    ///
    /// # Errors
    /// [`BadRule`] for the first variable that is not a number in its range, or that contradicts another one.
    pub fn from_vars(var: impl Fn(&str) -> Option<String>) -> Result<Self, BadRule> {
        let mut rules = Self::default();
        {
            let cents = |name, into: &mut Cents, most| {
                parse_whole(&var, name, 0, most).map(|v| set(into, v.map(Cents::new)))
            };
            cents("CLORP_MIN_PRICE_CENTS", &mut rules.min_price, 99_999_999)?;
            cents("CLORP_MAX_PRICE_CENTS", &mut rules.max_price, 99_999_999)?;
            cents("CLORP_ROAST_PRICE_CENTS", &mut rules.roast_price, 99_999_999)?;
            cents("CLORP_SCOUT_PRICE_CENTS", &mut rules.scout_price, 99_999_999)?;
            cents("CLORP_CODE_PRICE_CENTS", &mut rules.code_price, 99_999_999)?;
            cents("CLORP_COOK_PRICE_CENTS", &mut rules.cook_price, 99_999_999)?;
            cents("CLORP_WILD_PRICE_CENTS", &mut rules.wild_price, 99_999_999)?;
            cents("CLORP_FEE_FIXED_CENTS", &mut rules.fee_fixed, 99_999_999)?;
            cents("CLORP_MIN_TOPUP_CENTS", &mut rules.min_topup, 99_999_999)?;
            cents("CLORP_MAX_TOPUP_CENTS", &mut rules.max_topup, 99_999_999)?;
            cents("CLORP_MIN_WITHDRAWAL_CENTS", &mut rules.min_withdrawal, 99_999_999)?;
            cents("CLORP_MAX_AUTO_TOPUP_DAY_CENTS", &mut rules.max_auto_topup_per_day, 99_999_999)?;
            let number = |name, into: &mut u32, least, most| {
                parse_whole(&var, name, least, most).map(|v| set(into, v.and_then(|v| u32::try_from(v).ok())))
            };
            number("CLORP_MIN_TIME_LIMIT_SECONDS", &mut rules.min_time_limit_seconds, 1, 900)?;
            number("CLORP_MAX_TIME_LIMIT_SECONDS", &mut rules.max_time_limit_seconds, 1, 900)?;
            number("CLORP_DEFAULT_TIME_LIMIT_SECONDS", &mut rules.default_time_limit_seconds, 1, 900)?;
            number("CLORP_MIN_RACE_SECONDS", &mut rules.min_race_seconds, 0, 900)?;
            // Claims live on the drop's item, and one settlement transaction has an action for each.
            number("CLORP_MAX_CLAIMS", &mut rules.max_claims, 1, 20)?;
            number("CLORP_LEASE_SECONDS", &mut rules.lease_seconds, 1, 900)?;
            // One query of a user's claims reliably finds this many.
            number("CLORP_COOLDOWN_LAPSES", &mut rules.cooldown_lapses, 1, 100)?;
            let longest = cooldown::MAX_WINDOW_SECONDS.into();
            number("CLORP_COOLDOWN_WINDOW_SECONDS", &mut rules.cooldown_window_seconds, 1, longest)?;
            number("CLORP_FEE_BASIS_POINTS", &mut rules.fee_basis_points, 0, 10_000)?;
            number("CLORP_SETTLEMENT_SECONDS", &mut rules.settlement_seconds, 1, 3600)?;
            number("CLORP_APPEAL_SECONDS", &mut rules.appeal_seconds, 0, 86_400)?;
            number("CLORP_PAYOUT_HOLD_SECONDS", &mut rules.payout_hold_seconds, 0, 90 * 24 * 3600)?;
            number("CLORP_MAX_AUTO_TOPUP_FAILURES", &mut rules.max_auto_topup_failures, 1, 100)?;
            number("CLORP_MAX_KEYS", &mut rules.max_keys, 1, 100)?;
            rules.set_rates(&var)?;
            rules.second_factor_for_money = match var("CLORP_REQUIRE_AAL2").as_deref() {
                None => false,
                Some("money") => true,
                Some(_) => return Err(BadRule { name: "CLORP_REQUIRE_AAL2", expected: "money, or not set" }),
            };
            // Attached files are copied within the store while the caller waits.
            parse_whole(&var, "CLORP_MAX_UPLOAD_BYTES", 1, 100 * 1024 * 1024)
                .map(|v| set(&mut rules.max_upload_bytes, v.and_then(|v| u64::try_from(v).ok())))?;
            // The names of all agents of a user share one item.
            number("CLORP_MAX_AGENTS", &mut rules.max_agents, 1, 1000)?;
        }
        rules.require_consistent()
    }

    fn set_rates(&mut self, var: impl Fn(&str) -> Option<String>) -> Result<(), BadRule> {
        for (name, into) in [
            ("CLORP_CREATE_RATE", &mut self.create_rate),
            ("CLORP_CLAIM_RATE", &mut self.claim_rate),
            ("CLORP_SUBMIT_RATE", &mut self.submit_rate),
            ("CLORP_MONEY_RATE", &mut self.money_rate),
            ("CLORP_SETUP_RATE", &mut self.setup_rate),
            ("CLORP_KEYS_RATE", &mut self.keys_rate),
            ("CLORP_UPLOAD_RATE", &mut self.upload_rate),
            ("CLORP_VERIFY_RATE", &mut self.verify_rate),
            ("CLORP_UNPAID_RATE", &mut self.unpaid_rate),
            ("CLORP_READ_RATE", &mut self.read_rate),
            ("CLORP_LOGIN_RATE", &mut self.login_rate),
            ("CLORP_PUBLIC_RATE", &mut self.public_rate),
        ] {
            set(into, parse_rate(&var, name)?);
        }
        Ok(())
    }

    /// Returns the rules, unless they contradict each other.
    fn require_consistent(self) -> Result<Self, BadRule> {
        if self.min_price.get() < 1 || self.min_price > self.max_price {
            return Err(BadRule {
                name: "CLORP_MIN_PRICE_CENTS",
                expected: "at least 1 and at most CLORP_MAX_PRICE_CENTS",
            });
        }
        // Stripe refuses card payments below 50 cents and transfers of zero.
        if self.min_topup.get() < 50 || self.min_topup > self.max_topup {
            return Err(BadRule {
                name: "CLORP_MIN_TOPUP_CENTS",
                expected: "at least 50 and at most CLORP_MAX_TOPUP_CENTS",
            });
        }
        if self.min_withdrawal.get() < 1 {
            return Err(BadRule { name: "CLORP_MIN_WITHDRAWAL_CENTS", expected: "at least 1" });
        }
        if self.min_time_limit_seconds > self.max_time_limit_seconds {
            return Err(BadRule {
                name: "CLORP_MIN_TIME_LIMIT_SECONDS",
                expected: "at most CLORP_MAX_TIME_LIMIT_SECONDS",
            });
        }
        Ok(self)
    }

    /// The price of a drop of this pack when the sender names none.
    pub const fn default_price(&self, pack: Pack) -> Cents {
        match pack {
            Pack::Roast => self.roast_price,
            Pack::Scout => self.scout_price,
            Pack::Code => self.code_price,
            Pack::Cook => self.cook_price,
            Pack::Wild => self.wild_price,
        }
    }

    /// The rate limit of a class for all programs of a user together: room for a few busy keys, whatever the
    /// number of keys. Further keys give no room for setting up cards.
    pub const fn programs_rate(&self, class: RateClass) -> RateLimit {
        let RateLimit { quota, window_seconds } = self.rate(class);
        let share = if matches!(class, RateClass::Setup) { 1 } else { PROGRAMS_SHARE };
        RateLimit { quota: quota.saturating_mul(share), window_seconds }
    }

    /// The rate limit of a class for one credential.
    pub const fn rate(&self, class: RateClass) -> RateLimit {
        match class {
            RateClass::Create => self.create_rate,
            RateClass::Claim => self.claim_rate,
            RateClass::Submit => self.submit_rate,
            RateClass::Money => self.money_rate,
            RateClass::Setup => self.setup_rate,
            RateClass::Keys => self.keys_rate,
            RateClass::Upload => self.upload_rate,
            RateClass::Verify => self.verify_rate,
            RateClass::Read => self.read_rate,
        }
    }

    /// Clamps a price to its bounds.
    pub fn clamp_price(&self, price: Cents) -> Cents {
        price.clamp(self.min_price, self.max_price)
    }

    /// Clamps a window to its bounds, in seconds.
    pub fn clamp_time_limit_seconds(&self, seconds: u64) -> u32 {
        let bounded = seconds.clamp(self.min_time_limit_seconds.into(), self.max_time_limit_seconds.into());
        u32::try_from(bounded).unwrap_or(self.max_time_limit_seconds)
    }

    /// The platform's fee on a drop of this price: the share, rounded down, plus the fixed fee. Never more
    /// than the price.
    pub fn fee(&self, price: Cents) -> Cents {
        let share = i128::from(price.get()) * i128::from(self.fee_basis_points) / 10_000;
        let fee = share + i128::from(self.fee_fixed.get());
        let bounded = fee.clamp(0, i128::from(price.get().max(0)));
        Cents::new(i64::try_from(bounded).unwrap_or(price.get()))
    }
}

fn set<T>(into: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *into = value;
    }
}

/// Parses a whole number within bounds. `None` without the variable.
///
/// # Errors
/// [`BadRule`] for any other text.
pub fn parse_whole(
    var: impl Fn(&str) -> Option<String>,
    name: &'static str,
    least: i64,
    most: i64,
) -> Result<Option<i64>, BadRule> {
    match var(name) {
        None => Ok(None),
        Some(text) => match text.trim().parse::<i64>() {
            Ok(value) if (least..=most).contains(&value) => Ok(Some(value)),
            _ => Err(BadRule { name, expected: "a whole number within its documented range" }),
        },
    }
}

/// Parses a rate limit, written as requests and seconds: `120/60`. `None` without the variable.
///
/// # Errors
/// [`BadRule`] for any other text.
pub fn parse_rate(
    var: impl Fn(&str) -> Option<String>,
    name: &'static str,
) -> Result<Option<RateLimit>, BadRule> {
    let Some(text) = var(name) else { return Ok(None) };
    let bad = BadRule { name, expected: "requests and seconds, such as 120/60, each 1 to 1000000" };
    let (quota, window) = text.split_once('/').ok_or_else(|| bad.clone())?;
    let number = |text: &str| text.trim().parse().ok().filter(|n| (1..=1_000_000).contains(n));
    match (number(quota), number(window)) {
        (Some(quota), Some(window_seconds)) => Ok(Some(RateLimit { quota, window_seconds })),
        _ => Err(bad),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fees_follow_the_table() {
        let rules = Rules::default();
        for (price, fee) in [
            (500, 150),
            (1000, 250),
            (5000, 1050),
            (100, 70),
            (101, 70),
            (104, 70),
            (105, 71),
            (100_000, 20_050),
            (62, 62),
            (63, 62),
            (50, 50),
            (1, 1),
            (0, 0),
        ] {
            assert_eq!(rules.fee(Cents::new(price)), Cents::new(fee), "price {price}");
        }
    }

    #[test]
    fn further_keys_give_room_for_busy_programs_but_not_for_setting_up_cards() {
        let rules = Rules::default();
        let quotas = |class| (rules.rate(class).quota, rules.programs_rate(class).quota);
        assert_eq!((quotas(RateClass::Claim), quotas(RateClass::Setup)), ((300, 900), (5, 5)));
    }

    #[test]
    fn variables_override_defaults_and_errors_name_the_bad_one() {
        let of = |name: &'static str, value: &'static str| {
            Rules::from_vars(move |asked| (asked == name).then(|| value.to_owned()))
        };
        assert_eq!(of("CLORP_FEE_FIXED_CENTS", "0").unwrap().fee(Cents::new(1000)), Cents::new(200));
        assert_eq!(of("CLORP_LEASE_SECONDS", "30").unwrap().lease_seconds, 30);
        let rate = RateLimit { quota: 5, window_seconds: 30 };
        assert_eq!(of("CLORP_CLAIM_RATE", "5/30").unwrap().rate(RateClass::Claim), rate);
        assert!(of("CLORP_REQUIRE_AAL2", "money").unwrap().second_factor_for_money);
        assert_eq!(of("NOTHING", "").unwrap(), Rules::default());
        for (name, bad) in [
            ("CLORP_FEE_FIXED_CENTS", "-1"),
            ("CLORP_MAX_TIME_LIMIT_SECONDS", "901"),
            ("CLORP_MAX_CLAIMS", "five"),
            ("CLORP_MIN_RACE_SECONDS", "-1"),
            ("CLORP_COOLDOWN_LAPSES", "0"),
            ("CLORP_COOLDOWN_WINDOW_SECONDS", "86401"),
            ("CLORP_MIN_PRICE_CENTS", "100001"),
            ("CLORP_CLAIM_RATE", "5"),
            ("CLORP_CLAIM_RATE", "5/0"),
            ("CLORP_CLAIM_RATE", "-5/1"),
            ("CLORP_REQUIRE_AAL2", "always"),
        ] {
            assert_eq!(of(name, bad).unwrap_err().name, name, "{name}={bad}");
        }
    }
}
