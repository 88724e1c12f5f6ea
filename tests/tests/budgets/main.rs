//! Budgets: what requests cost, counted.
