//! The list of breakages fits the sources.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;

use clorp_broken::breakages::BREAKAGES;
use clorp_broken::conditions::{LEFT_OUT, REACHED, SWITCH, TABLE, TRANSACTION, UPDATE};
use clorp_broken::harmless::HARMLESS;
use clorp_broken::tree::root;
use clorp_broken::{Breakage, Change, conditions, switched};

fn all() -> Vec<&'static Breakage> {
    BREAKAGES.iter().chain(HARMLESS.iter().map(|harmless| &harmless.breakage)).collect()
}

#[test]
fn every_text_to_break_occurs_exactly_once_in_its_file() {
    let all = all();
    let files: BTreeSet<&str> =
        all.iter().flat_map(|breakage| breakage.changes).map(|change| change.file).collect();
    for file in files {
        let text = fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        let broken = switched(file, &text, &all).unwrap_or_else(|error| panic!("{error}"));
        assert_ne!(broken, text, "{file}");
    }
}

#[test]
fn the_simulation_must_find_sixteen_breakages_and_more() {
    let names: BTreeSet<&str> = all().iter().map(|breakage| breakage.name).collect();
    assert_eq!(names.len(), all().len(), "two breakages have one name");
    assert!(BREAKAGES.len() >= 16);
    assert!(all().iter().all(|breakage| !breakage.changes.is_empty() && breakage.seeds > 0));
}

#[test]
fn a_text_that_is_missing_or_ambiguous_is_refused() {
    const CHANGES: [Change; 1] = [Change { file: "a.rs", find: "one", broken: "two" }];
    let breakage = Breakage { name: "a", breaks: "nothing", seeds: 1, changes: &CHANGES };
    for (text, fits) in [("one", true), ("", false), ("one one", false)] {
        assert_eq!(switched("a.rs", text, &[&breakage]).is_ok(), fits, "{text}");
    }
    assert!(switched("a.rs", "one", &[&breakage, &breakage]).is_err(), "two changes of one text");
}

#[test]
fn each_condition_is_found_at_the_name_of_its_method() {
    let text = "fn f() {\n    update\n        .require(\"a\", \"=\", b)\n        .require_new();\n    tx.create(key, item);\n}\n\
                #[cfg(test)]\nfn g() { x.require_new(); }\n";
    let places: Vec<_> =
        conditions::of_file("a.rs", text).into_iter().map(|found| (found.line, found.column)).collect();
    assert_eq!(places, [(3, 10), (4, 10), (5, 8)]);
}

#[test]
fn every_condition_has_a_name_of_its_own() {
    let all = conditions::all().unwrap();
    let names: BTreeSet<String> = all.iter().map(conditions::Condition::name).collect();
    assert_eq!(names.len(), all.len());
    let text =
        "fn f() {\n    a.require(\"b\", \"=\", n(c)).require_new();\n    a.require(\"b\", \"=\", n(c));\n}\n";
    let named: Vec<_> = conditions::of_file("a.rs", text).iter().map(conditions::Condition::name).collect();
    assert_eq!(
        named,
        [
            "a.rs, f: require(\"b\", \"=\", n(c))",
            "a.rs, f: require_new()",
            "a.rs, f: require(\"b\", \"=\", n(c)) (2)"
        ]
    );
}

#[test]
fn every_reason_names_a_condition() {
    let names: BTreeSet<String> =
        conditions::all().unwrap().iter().map(conditions::Condition::name).collect();
    for (name, _) in conditions::REDUNDANT {
        assert!(names.contains(*name), "{name}");
    }
}

#[test]
fn the_switch_of_the_conditions_fits_the_store() {
    for file in [UPDATE, TRANSACTION, TABLE] {
        let text = fs::read_to_string(root().join(file)).unwrap();
        let switched = conditions::instrumented(file, text.clone()).unwrap();
        assert!(switched.len() > text.len() + 100, "{file}");
    }
    assert!(SWITCH.contains(LEFT_OUT) && SWITCH.contains(REACHED));
    assert!(conditions::all().unwrap().len() > 150);
}
