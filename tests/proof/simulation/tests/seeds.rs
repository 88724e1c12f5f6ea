//! Seeds: those that ever failed, and fresh ones.

use std::time::{SystemTime, UNIX_EPOCH};

use clorp_simulation::faults::Weather;
use clorp_simulation::plan::Plan;
use clorp_simulation::run::{Ground, Outcome};

/// Seeds that have failed once, each with the reason.
const KEPT: &str = include_str!("../seeds.txt");
/// Number of fresh seeds of each test.
const FRESH: u64 = 150;

fn run(ground: &Ground, seed: u64) -> Outcome {
    let plan = Plan::of_seed(seed);
    ground.run(&plan, Weather::of_seed(seed, plan.muted.clone()), false).unwrap()
}

fn run_fresh(offset: u64) {
    let ground = Ground::new().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let first = now.as_secs() * 1_000 + offset;
    for seed in first..first + FRESH {
        let violations = run(&ground, seed).violations;
        assert!(violations.is_empty(), "`cargo simulate --seed {seed}`: {violations:#?}");
    }
}

// Two tests of half the seeds run beside each other.
#[test]
fn fresh_seeds_break_no_rule() {
    run_fresh(0);
}

#[test]
fn other_fresh_seeds_break_no_rule() {
    run_fresh(FRESH);
}

#[test]
fn seeds_that_failed_once_break_no_rule() {
    let ground = Ground::new().unwrap();
    let lines = KEPT.lines().filter(|line| !line.starts_with('#'));
    let seeds: Vec<u64> = lines.filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect();
    assert!(!seeds.is_empty());
    for seed in seeds {
        let violations = run(&ground, seed).violations;
        assert!(violations.is_empty(), "`cargo simulate --seed {seed}`: {violations:#?}");
    }
}

#[test]
fn a_seed_runs_alike_whatever_ran_before_it() {
    let (one, other) = (Ground::new().unwrap(), Ground::new().unwrap());
    let seeds: Vec<u64> = (1..=30).collect();
    let digests = |ground: &Ground, seeds: &[u64]| -> Vec<u64> {
        seeds.iter().map(|seed| run(ground, *seed).digest).collect()
    };
    let forward = digests(&one, &seeds);
    let reversed: Vec<u64> = seeds.iter().rev().copied().collect();
    let mut backward = digests(&other, &reversed);
    backward.reverse();
    assert_eq!(forward, backward);
    assert_eq!(digests(&one, &seeds), forward);
}
