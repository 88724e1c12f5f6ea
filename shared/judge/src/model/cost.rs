//! Costs of calls, estimated and spent.

/// Numbers of tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Tokens that the model reads.
    pub input: u64,
    /// Tokens that the model writes.
    pub output: u64,
}

/// Prices of a model, in US cents for a million tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModelPrices {
    /// Price of a million tokens that the model reads.
    pub input_cents_per_million: u64,
    /// Price of a million tokens that the model writes.
    pub output_cents_per_million: u64,
}

impl ModelPrices {
    /// The price of these tokens in millionths of a cent, exactly. `None` if it is too large for the type.
    pub fn cost_micro_cents(self, tokens: Tokens) -> Option<u64> {
        let input = tokens.input.checked_mul(self.input_cents_per_million)?;
        input.checked_add(tokens.output.checked_mul(self.output_cents_per_million)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_exact_or_none() {
        let prices = ModelPrices { input_cents_per_million: 5, output_cents_per_million: 40 };
        let cost = |input, output| prices.cost_micro_cents(Tokens { input, output });
        assert_eq!(cost(1_000_000, 0), Some(5_000_000));
        assert_eq!(cost(3, 2), Some(95));
        assert_eq!(cost(u64::MAX, 0), None);
        assert_eq!(cost(u64::MAX / 5, 1), None);
    }
}
