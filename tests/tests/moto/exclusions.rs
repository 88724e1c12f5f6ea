//! The list of the tests that do not run on moto.

use std::collections::BTreeSet;
use std::process::Command;

use clorp_tests::moto::{COVERED, EXCLUDED};

#[test]
fn every_excluded_test_exists_and_is_listed_once() {
    let mut list = Command::new(std::env::current_exe().unwrap());
    let output = list.args(["--list", "--format", "terse"]).output().unwrap();
    let listed = String::from_utf8(output.stdout).unwrap();
    let existing: BTreeSet<&str> = listed.lines().filter_map(|line| line.strip_suffix(": test")).collect();
    assert!(existing.contains("moto::exclusions::every_excluded_test_exists_and_is_listed_once"));
    for module in COVERED {
        assert!(existing.iter().any(|test| test.starts_with(module)), "{module} does not exist");
    }
    let mut seen = BTreeSet::new();
    for test in EXCLUDED.iter().flat_map(|(_, tests)| *tests) {
        assert!(existing.contains(test), "{test} does not exist");
        assert!(seen.insert(test), "{test} is excluded twice");
    }
}
