//! `template.yaml` as AWS would see it: linted by cfn-lint, and transformed by the translator that CloudFormation
//! itself uses for SAM.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use infra::template::Template;
use infra::tools;
use serde_json::Value;

const TEMPLATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml");
const PACKAGES: &[&str] = &["cfn-lint==1.58.0", "aws-sam-translator==1.115.0"];

/// Prints the CloudFormation template that the SAM template in the first argument becomes.
const TRANSFORM: &str = r#"
import json, sys
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

with open(sys.argv[1]) as file:
    template = yaml_parse(file.read())
for resource in template["Resources"].values():
    if resource["Type"] == "AWS::Serverless::Function":
        resource["Properties"]["CodeUri"] = "s3://bucket/key"  # as `sam package` leaves it
names = ["AWSLambdaBasicExecutionRole", "AWSLambdaSQSQueueExecutionRole"]
policies = {name: "arn:aws:iam::aws:policy/service-role/" + name for name in names}
json.dump(Translator(policies, Parser()).translate(template, {}), sys.stdout)
"#;

/// The transformed template's resources.
static RESOURCES: LazyLock<Value> = LazyLock::new(|| {
    let mut command = Command::new(python_tools().join("python"));
    command.args(["-c", TRANSFORM, TEMPLATE]).env("AWS_DEFAULT_REGION", "us-east-1");
    let template: Value = serde_json::from_str(&succeed(&mut command)).unwrap();
    template["Resources"].clone()
});

fn python_tools() -> PathBuf {
    tools::python_venv(&tools::tools_dir().join("template"), PACKAGES).unwrap()
}

fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{out}{err}", output.status);
    out.into_owned()
}

/// The resources of one type, by logical id.
fn of_type(kind: &str) -> BTreeMap<&'static str, &'static Value> {
    let resources = RESOURCES.as_object().unwrap().iter();
    let matching = resources.filter(|(_, resource)| resource["Type"] == kind);
    matching.map(|(id, resource)| (id.as_str(), &resource["Properties"])).collect()
}

/// The only resource of a type, with its policies for deletion.
fn only(kind: &str) -> &'static Value {
    let mut found = RESOURCES.as_object().unwrap().values().filter(|resource| resource["Type"] == kind);
    let one = found.next().unwrap_or_else(|| panic!("no {kind}"));
    assert!(found.next().is_none(), "more than one {kind}");
    one
}

/// The Lambda functions by binary name.
fn functions() -> BTreeMap<String, &'static Value> {
    let by_binary = |(id, properties)| (binary(RESOURCES[id]["Metadata"].clone()), properties);
    of_type("AWS::Lambda::Function").into_iter().map(by_binary).collect()
}

fn binary(metadata: Value) -> String {
    metadata["BuildProperties"]["Binary"].as_str().unwrap().to_string()
}

/// One action that a function may take on one resource.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Permission {
    action: String,
    resource: String,
    /// The partition keys it is limited to, if it is.
    keys: Option<String>,
}

fn permission(action: &str, resource: &str) -> Permission {
    Permission { action: action.to_string(), resource: resource.to_string(), keys: None }
}

/// The permissions that the template gives each function, by binary name.
fn permissions() -> BTreeMap<String, BTreeSet<Permission>> {
    functions().into_iter().map(|(name, function)| (name, permissions_of(function))).collect()
}

fn permissions_of(function: &Value) -> BTreeSet<Permission> {
    let mut found = BTreeSet::new();
    for statement in statements(role(function)) {
        assert_eq!(statement["Effect"], "Allow");
        for unknown in ["NotAction", "NotResource"] {
            assert!(statement.get(unknown).is_none(), "{unknown} says what is allowed by leaving it out");
        }
        let keys = leading_keys(statement);
        for action in one_or_many(&statement["Action"]) {
            for resource in one_or_many(&statement["Resource"]) {
                let permission = permission(action.as_str().unwrap(), &arn(resource));
                found.insert(Permission { keys: keys.clone(), ..permission });
            }
        }
    }
    found
}

/// The partition keys a statement is limited to. There is no other kind of condition.
fn leading_keys(statement: &Value) -> Option<String> {
    let condition = statement.get("Condition")?;
    let keys = condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"][0].as_str().unwrap();
    let all = serde_json::json!({ "ForAllValues:StringLike": { "dynamodb:LeadingKeys": [keys] } });
    assert_eq!(*condition, all);
    Some(keys.to_owned())
}

fn role(function: &Value) -> &'static Value {
    &RESOURCES[function["Role"]["Fn::GetAtt"][0].as_str().unwrap()]["Properties"]
}

fn statements(role: &'static Value) -> impl Iterator<Item = &'static Value> {
    let policies = role["Policies"].as_array().unwrap().iter();
    policies.flat_map(|policy| one_or_many(&policy["PolicyDocument"]["Statement"]))
}

fn one_or_many(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |items| items.iter().collect())
}

/// A resource as the template writes it, without the functions around it: `Table.Arn/index/by_sender`.
fn arn(value: &Value) -> String {
    if let Some(parts) = value["Fn::GetAtt"].as_array() {
        return parts.iter().map(|part| part.as_str().unwrap()).collect::<Vec<_>>().join(".");
    }
    let text = value.as_str().or(value["Fn::Sub"].as_str()).unwrap_or_else(|| panic!("{value}"));
    text.replace("${", "").replace('}', "")
}

fn is_write(action: &str) -> bool {
    let reads = ["GetItem", "BatchGetItem", "Query", "ConditionCheckItem"];
    action.strip_prefix("dynamodb:").is_some_and(|verb| !reads.contains(&verb))
}

/// The functions with a permission that `matches`.
fn who(matches: impl Fn(&Permission) -> bool) -> Vec<String> {
    let permitted = permissions().into_iter().filter(|(_, permissions)| permissions.iter().any(&matches));
    permitted.map(|(name, _)| name).collect()
}

#[test]
fn cfn_lint_has_nothing_to_say() {
    let mut command = Command::new(python_tools().join("cfn-lint"));
    succeed(command.args(["--include-checks", "I", "--template", TEMPLATE]));
}

#[test]
fn every_function_of_the_workspace_is_deployed_on_arm() {
    let expected = Template::from_repo().unwrap().functions();
    assert_eq!(functions().keys().collect::<Vec<_>>(), expected.iter().collect::<Vec<_>>());
    for (name, function) in functions() {
        assert_eq!(function["Architectures"], serde_json::json!(["arm64"]), "{name}");
        assert_eq!(function["Runtime"], "provided.al2023", "{name}");
        assert_eq!(function["Handler"], "bootstrap", "{name}");
        assert_eq!(function["Environment"]["Variables"]["CLORP_TABLE"]["Ref"], "Table", "{name}");
    }
}

#[test]
fn every_function_is_a_package_of_that_name() {
    let folders = std::fs::read_dir(Path::new(TEMPLATE).with_file_name("functions")).unwrap();
    let packages = folders.map(|folder| folder.unwrap()).filter(|f| f.path().join("Cargo.toml").exists());
    let mut folders: Vec<_> = packages.map(|folder| folder.file_name().into_string().unwrap()).collect();
    folders.sort();
    assert_eq!(folders, Template::from_repo().unwrap().functions());
}

#[test]
fn the_api_routes_every_path_to_its_function() {
    let paths = only("AWS::ApiGatewayV2::Api")["Properties"]["Body"]["paths"].as_object().unwrap();
    let routes = Template::from_repo().unwrap().routes();
    assert_eq!(paths.len(), routes.len());
    for route in routes {
        let any = &paths[&route.path]["x-amazon-apigateway-any-method"];
        let uri = any["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"].as_str().unwrap();
        let (_, rest) = uri.split_once("functions/${").unwrap();
        let (id, _) = rest.split_once(".Arn}").unwrap();
        assert_eq!(binary(RESOURCES[id]["Metadata"].clone()), route.function, "{}", route.path);
    }
}

#[test]
fn an_http_function_answers_before_the_gateway_gives_up() {
    for name in Template::from_repo().unwrap().http_functions() {
        let timeout = functions()[&name]["Timeout"].as_u64().unwrap();
        assert!(timeout <= 15, "{name}: {timeout} s of the gateway's 30");
    }
}

#[test]
fn every_log_is_kept_for_a_limited_time() {
    let groups = of_type("AWS::Logs::LogGroup");
    let retained = |id: &Value| groups[id.as_str().unwrap()]["RetentionInDays"].is_object();
    for (name, function) in functions() {
        assert!(retained(&function["LoggingConfig"]["LogGroup"]["Ref"]), "{name}");
    }
    let stage = &only("AWS::ApiGatewayV2::Stage")["Properties"];
    assert!(retained(&stage["AccessLogSettings"]["DestinationArn"]["Fn::GetAtt"][0]));
    assert!(stage["DefaultRouteSettings"]["ThrottlingRateLimit"].is_object());
}

#[test]
fn no_permission_is_a_wildcard() {
    for (name, permissions) in permissions() {
        assert!(!permissions.is_empty(), "{name}");
        for Permission { action, resource, .. } in permissions {
            assert!(!action.contains('*'), "{name}: {action}");
            // A pattern may end a name inside our own table, such as its board indexes.
            let own = resource.starts_with("Table.Arn") || resource == "RankingQueue.Arn";
            assert!(own && !resource.starts_with('*'), "{name}: {action} on {resource}");
        }
    }
}

#[test]
fn the_only_managed_policies_are_sam_s_for_logs_and_the_queue() {
    let names = |role: &Value| -> Vec<String> {
        let arns = one_or_many(&role["ManagedPolicyArns"]).into_iter().map(|arn| arn.as_str().unwrap());
        arns.map(|arn| arn.rsplit('/').next().unwrap().to_string()).collect()
    };
    for (name, function) in functions() {
        let mut expected = vec!["AWSLambdaBasicExecutionRole"];
        expected.extend((name == "ranking").then_some("AWSLambdaSQSQueueExecutionRole"));
        assert_eq!(names(role(function)), expected, "{name}");
    }
    assert_eq!(of_type("AWS::IAM::Role").len(), functions().len(), "no roles besides the functions'");
}

#[test]
fn only_drops_and_ranking_write_whatever_they_like() {
    let free = |permission: &Permission| is_write(&permission.action) && permission.keys.is_none();
    assert_eq!(who(free), ["drops", "ranking"]);
}

#[test]
fn users_writes_nothing_but_records_of_idempotency_keys() {
    let permissions = permissions();
    let writes: Vec<_> = permissions["users"].iter().filter(|p| is_write(&p.action)).collect();
    let update = permission("dynamodb:UpdateItem", "Table.Arn");
    assert_eq!(writes, [&Permission { keys: Some("IDEMP#*".to_owned()), ..update }]);
    assert_eq!(who(|permission| is_write(&permission.action)), ["drops", "ranking", "users"]);
}

#[test]
fn only_drops_and_ranking_wake_ranking() {
    assert_eq!(who(|permission| permission.action == "sqs:SendMessage"), ["drops", "ranking"]);
    for (name, function) in functions() {
        let has_url = function["Environment"]["Variables"].get("RANKING_QUEUE_URL").is_some();
        assert_eq!(has_url, ["drops", "ranking"].contains(&name.as_str()), "{name}");
    }
}

#[test]
fn the_board_reads_its_indexes_and_the_items_they_list() {
    let expected = BTreeSet::from([
        permission("dynamodb:BatchGetItem", "Table.Arn"),
        permission("dynamodb:Query", "Table.Arn/index/board_*"),
    ]);
    assert_eq!(permissions()["board"], expected);
}

#[test]
fn the_queue_waits_for_ranking_and_gives_up_in_sight() {
    let wake = &only("AWS::Lambda::EventSourceMapping")["Properties"];
    assert_eq!(wake["FunctionResponseTypes"], serde_json::json!(["ReportBatchItemFailures"]));
    let queue = &RESOURCES[wake["EventSourceArn"]["Fn::GetAtt"][0].as_str().unwrap()]["Properties"];
    let timeout = functions()["ranking"]["Timeout"].as_u64().unwrap();
    assert!(queue["VisibilityTimeout"].as_u64().unwrap() >= 6 * timeout);
    assert_eq!(queue["RedrivePolicy"]["maxReceiveCount"], 5);
    let dead = &queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0];
    let alarm = &only("AWS::CloudWatch::Alarm")["Properties"];
    assert_eq!(&alarm["Dimensions"][0]["Value"]["Fn::GetAtt"][0], dead);
    for (id, queue) in of_type("AWS::SQS::Queue") {
        assert_eq!(queue["SqsManagedSseEnabled"], true, "{id}");
    }
}

#[test]
fn ranking_also_sweeps_every_minute() {
    let rule = &only("AWS::Events::Rule")["Properties"];
    assert_eq!(rule["ScheduleExpression"], "rate(1 minute)");
    let target = &RESOURCES[rule["Targets"][0]["Arn"]["Fn::GetAtt"][0].as_str().unwrap()];
    assert_eq!(binary(target["Metadata"].clone()), "ranking");
}

#[test]
fn the_table_survives_mistakes() {
    let table = only("AWS::DynamoDB::Table");
    assert_eq!(table["DeletionPolicy"], "Retain");
    assert_eq!(table["UpdateReplacePolicy"], "Retain");
    let properties = &table["Properties"];
    assert_eq!(properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true);
    assert_eq!(properties["DeletionProtectionEnabled"], true);
    assert_eq!(properties["SSESpecification"]["SSEEnabled"], true);
    assert_eq!(properties["BillingMode"], "PAY_PER_REQUEST");
    let ttl = serde_json::json!({"AttributeName": "expires_at", "Enabled": true});
    assert_eq!(properties["TimeToLiveSpecification"], ttl);
}
