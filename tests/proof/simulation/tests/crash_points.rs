//! Crash points: see `clorp_simulation::crash`.

use clorp_simulation::crash::{DEATHS, DECIDED, decides, points, scenarios, strike};
use clorp_simulation::run::Ground;

/// The scenarios of one of two halves, which run beside each other.
fn fail_at_every_call(half: usize) {
    let ground = Ground::new().unwrap();
    let mut crashes = Vec::new();
    for scenario in scenarios().into_iter().skip(half).step_by(2) {
        let (points, effect) = points(&ground, &scenario).unwrap();
        assert!(!points.is_empty(), "{} makes no call", scenario.name);
        for (at, possible) in points {
            for fault in possible.into_iter().filter(|fault| DEATHS.contains(fault)) {
                let crash = strike(&ground, &scenario, &effect, at, fault).unwrap();
                crashes.extend(crash);
            }
        }
    }
    assert!(crashes.is_empty(), "{} crashes: {crashes:#?}", crashes.len());
}

#[test]
fn a_death_at_any_call_changes_no_effect() {
    fail_at_every_call(0);
}

#[test]
fn a_death_at_any_call_of_other_requests_changes_no_effect() {
    fail_at_every_call(1);
}

#[test]
fn each_fault_that_may_change_an_effect_changes_it_somewhere() {
    let ground = Ground::new().unwrap();
    for scenario in scenarios() {
        let decided = || DECIDED.iter().filter(|(name, _)| *name == scenario.name).map(|(_, fault)| *fault);
        if decided().next().is_none() {
            continue;
        }
        let (points, effect) = points(&ground, &scenario).unwrap();
        for fault in decided() {
            let mut at = points.iter().filter(|(_, possible)| possible.contains(&fault)).map(|(at, _)| *at);
            let changes = at.any(|at| decides(&ground, &scenario, &effect, at, fault).unwrap());
            assert!(changes, "{fault:?} changes nothing in the scenario \"{}\"", scenario.name);
        }
    }
    let names: Vec<&str> = scenarios().iter().map(|scenario| scenario.name).collect();
    assert!(DECIDED.iter().all(|(name, _)| names.contains(name)), "a scenario of another name");
}
