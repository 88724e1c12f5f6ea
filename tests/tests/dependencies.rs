//! What is linked into which function.

use std::collections::BTreeSet;
use std::process::Command;

use clorp_sam::Template;

/// Every package in a function's binary.
fn linked(function: &str) -> BTreeSet<String> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    command.args(["tree", "--locked", "--offline", "--edges", "normal", "--prefix", "none", "--package"]);
    let output =
        command.arg(format!("clorp-{function}")).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

/// The functions whose binary has a package that `matches`.
fn who_has(matches: impl Fn(&str) -> bool) -> Vec<String> {
    let functions = Template::from_repo().unwrap().functions().into_iter();
    functions.filter(|function| linked(function).iter().any(|package| matches(package))).collect()
}

#[test]
fn only_functions_that_ask_stripe_have_its_client_in_them() {
    let asking = ["connect", "drops", "reconciler", "wallet"];
    assert_eq!(who_has(|package| package.starts_with("async-stripe")), asking);
    let understanding = ["connect", "drops", "reconciler", "stripe-webhook", "wallet"];
    assert_eq!(who_has(|package| package == "clorp-stripe-api"), understanding);
}

#[test]
fn only_functions_that_wake_the_ranking_have_its_queue_and_only_those_that_judge_the_judge() {
    assert_eq!(who_has(|package| package == "aws-sdk-sqs"), ["drops", "ranking"]);
    assert_eq!(who_has(|package| package == "clorp-judge"), ["ranking", "verify"]);
}

#[test]
fn only_functions_that_handle_files_have_the_client_of_s3() {
    assert_eq!(who_has(|package| package == "aws-sdk-s3"), ["drops", "uploads", "verify"]);
    assert_eq!(who_has(|package| package == "clorp-files"), ["drops", "uploads", "verify"]);
}

#[test]
fn no_function_has_anything_of_the_local_stack() {
    let local =
        ["clorp-dev", "clorp-local-aws", "clorp-stand-in", "clorp-tests", "dynoxide-rs", "reqwest", "s3s"];
    assert_eq!(who_has(|package| local.contains(&package)), Vec::<String>::new());
    assert!(linked("board").contains("clorp-store"), "the names are those of packages");
}
