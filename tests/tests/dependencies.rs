//! The packages that each function links.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::LazyLock;

use clorp_sam::Template;

/// Every package in each function's binary.
static LINKED: LazyLock<BTreeMap<String, BTreeSet<String>>> = LazyLock::new(|| {
    let functions = Template::from_repo().unwrap().functions().into_iter();
    functions.map(|function| (function.clone(), linked(&function))).collect()
});

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
fn functions_with(matches: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let having = LINKED.iter().filter(|(_, packages)| packages.iter().any(|package| matches(package)));
    having.map(|(function, _)| function.as_str()).collect()
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
    assert_eq!(functions_with(|package| package == "aws-sdk-s3"), ["drops", "ranking", "uploads", "verify"]);
    assert_eq!(functions_with(|package| package == "clorp-files"), ["drops", "ranking", "uploads", "verify"]);
}

#[test]
fn every_function_but_the_public_one_links_the_client_of_secrets_manager() {
    let functions: Vec<_> = LINKED.keys().filter(|function| *function != "board").collect();
    assert_eq!(functions_with(|package| package == "aws-sdk-secretsmanager"), functions);
}

#[test]
fn the_command_line_links_no_crate_that_knows_a_rule() {
    let own: Vec<String> =
        linked("cli").into_iter().filter(|package| package.starts_with("clorp-")).collect();
    assert_eq!(own, ["clorp-cli"]);
}

#[test]
fn no_function_links_the_local_stack() {
    let local =
        ["clorp-dev", "clorp-local-aws", "clorp-stand-in", "clorp-tests", "dynoxide-rs", "reqwest", "s3s"];
    assert_eq!(functions_with(|package| local.contains(&package)), Vec::<&str>::new());
    assert!(LINKED["board"].contains("clorp-store"), "the list has the names of packages");
}
