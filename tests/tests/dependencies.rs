//! The packages that each function links.

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
fn functions_with(matches: impl Fn(&str) -> bool) -> Vec<String> {
    let functions = Template::from_repo().unwrap().functions().into_iter();
    functions.filter(|function| linked(function).iter().any(|package| matches(package))).collect()
}

#[test]
fn only_functions_that_call_stripe_link_its_client() {
    let callers = ["connect", "drops", "reconciler", "wallet"];
    assert_eq!(functions_with(|package| package.starts_with("async-stripe")), callers);
    let users = ["connect", "drops", "reconciler", "stripe-webhook", "wallet"];
    assert_eq!(functions_with(|package| package == "clorp-stripe-api"), users);
}

#[test]
fn only_functions_that_wake_the_ranking_link_its_queue_and_only_functions_that_judge_link_the_judge() {
    assert_eq!(functions_with(|package| package == "aws-sdk-sqs"), ["drops", "ranking"]);
    assert_eq!(functions_with(|package| package == "clorp-judge"), ["ranking", "verify"]);
}

#[test]
fn only_functions_that_handle_files_link_the_client_of_s3() {
    assert_eq!(functions_with(|package| package == "aws-sdk-s3"), ["drops", "uploads", "verify"]);
    assert_eq!(functions_with(|package| package == "clorp-files"), ["drops", "uploads", "verify"]);
}

#[test]
fn no_function_links_the_local_stack() {
    let local =
        ["clorp-dev", "clorp-local-aws", "clorp-stand-in", "clorp-tests", "dynoxide-rs", "reqwest", "s3s"];
    assert_eq!(functions_with(|package| local.contains(&package)), Vec::<String>::new());
    assert!(linked("board").contains("clorp-store"), "the list has the names of packages");
}
