//! The API against the reference model: see `clorp_simulation::api_model`.

use clorp_simulation::api_model::compare_sequences;

/// Number of sequences of each test.
const SEQUENCES: u32 = 5_000;
/// The sequences that failed once.
const KEPT: &str = "tests/api_model.regressions";

#[test]
fn every_answer_is_the_models() {
    assert_eq!(compare_sequences(SEQUENCES, Some(KEPT)), Ok(()));
}

// Two tests of half the sequences run beside each other.
#[test]
fn every_answer_in_other_sequences_is_the_models() {
    assert_eq!(compare_sequences(SEQUENCES, Some(KEPT)), Ok(()));
}
