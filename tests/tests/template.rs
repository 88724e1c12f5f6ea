//! `template.yaml` as AWS sees it: linted by cfn-lint, and transformed by the translator that CloudFormation
//! uses for SAM.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use clorp_context::metrics::Metric;
use clorp_domain::Rules;
use clorp_http::Origins;
use clorp_judge::model::{FIRST_MODEL, ModelConfig, SECOND_MODEL};
use clorp_sam::{KeySpec, Projection, Template};
use clorp_secrets::Credential;
use clorp_stripe_api::signature::BadSignature;
use clorp_tests::permissions::{Permission, grants};
use clorp_tests::tools;
use serde_json::{Value, json};

const TEMPLATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml");
const WEBHOOK: &str = "ANY /api/stripe/webhook";
/// moto, with the packages that its CloudFormation needs.
const MOTO_PACKAGES: &[&str] =
    &["moto==5.2.5", "openapi-spec-validator==0.9.0", "docker==7.2.0", "joserfc==1.8.0"];
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
json.dump(Translator(policies, Parser()).translate(template, {"Release": "1763000000"}), sys.stdout)
"#;

/// The transformed template.
static TRANSFORMED: LazyLock<Value> = LazyLock::new(|| {
    let mut command = Command::new(python_tools().join("python"));
    command.args(["-c", TRANSFORM, TEMPLATE]).env("AWS_DEFAULT_REGION", "us-east-1");
    serde_json::from_str(&succeed(&mut command)).unwrap()
});

/// The transformed template's resources.
static RESOURCES: LazyLock<&Value> = LazyLock::new(|| &TRANSFORMED["Resources"]);

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
fn resources_of_type(kind: &str) -> BTreeMap<&'static str, &'static Value> {
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
    resources_of_type("AWS::Lambda::Function").into_iter().map(by_binary).collect()
}

fn binary(metadata: Value) -> String {
    metadata["BuildProperties"]["Binary"].as_str().unwrap().to_string()
}

/// The binary behind an alias.
fn binary_behind(alias: &str) -> String {
    assert_eq!(RESOURCES[alias]["Type"], "AWS::Lambda::Alias", "{alias}");
    binary_of(RESOURCES[alias]["Properties"]["FunctionName"]["Ref"].as_str().unwrap())
}

/// The binary of the function with this logical id.
fn binary_of(id: &str) -> String {
    binary(RESOURCES[id]["Metadata"].clone())
}

/// Every permission that the template gives.
fn permissions() -> BTreeSet<Permission> {
    functions().into_iter().flat_map(|(name, function)| permissions_of(&name, function)).collect()
}

fn permissions_of(name: &str, function: &Value) -> BTreeSet<Permission> {
    let mut found = BTreeSet::new();
    for statement in statements(role(function)) {
        assert_eq!(statement["Effect"], "Allow");
        for unknown in ["NotAction", "NotResource"] {
            assert!(statement.get(unknown).is_none(), "{unknown} allows everything that it leaves out");
        }
        let keys = leading_keys(statement);
        for action in one_or_many(&statement["Action"]) {
            for resource in one_or_many(&statement["Resource"]) {
                found.insert(Permission {
                    function: name.to_owned(),
                    action: action.as_str().unwrap().to_owned(),
                    resource: arn(resource),
                    keys: keys.clone(),
                });
            }
        }
    }
    found
}

/// The partition keys a statement is limited to. There is no other kind of condition.
fn leading_keys(statement: &Value) -> Option<String> {
    let condition = statement.get("Condition")?;
    let keys = &condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
    let all = json!({ "ForAllValues:StringLike": { "dynamodb:LeadingKeys": keys } });
    assert_eq!(*condition, all);
    let keys: Vec<&str> = keys.as_array().unwrap().iter().map(|key| key.as_str().unwrap()).collect();
    Some(keys.join(" "))
}

fn role(function: &Value) -> &'static Value {
    &RESOURCES[function["Role"]["Fn::GetAtt"][0].as_str().unwrap()]["Properties"]
}

fn statements(role: &'static Value) -> impl Iterator<Item = &'static Value> {
    let policies = role["Policies"].as_array().unwrap().iter();
    policies.flat_map(|policy| one_or_many(&policy["PolicyDocument"]["Statement"])).map(granted)
}

/// A statement, as it is granted where its condition holds.
fn granted(statement: &'static Value) -> &'static Value {
    statement.get("Fn::If").map_or(statement, |choice| &choice[1])
}

fn one_or_many(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |items| items.iter().collect())
}

/// A resource as the template writes it, without the functions around it: `Table.Arn/index/by_sender`.
fn arn(value: &Value) -> String {
    if let Some(parameter) = value["Ref"].as_str() {
        return parameter.to_owned();
    }
    if let Some(parts) = value["Fn::GetAtt"].as_array() {
        return parts.iter().map(|part| part.as_str().unwrap()).collect::<Vec<_>>().join(".");
    }
    let text = value.as_str().or(value["Fn::Sub"].as_str()).unwrap_or_else(|| panic!("{value}"));
    text.replace("${", "").replace('}', "")
}

/// The functions whose environment has a variable.
fn functions_with(variable: &str) -> Vec<String> {
    let has = |function: &Value| function["Environment"]["Variables"].get(variable).is_some();
    functions().into_iter().filter(|(_, function)| has(function)).map(|(name, _)| name).collect()
}

#[test]
fn cfn_lint_finds_nothing() {
    let mut command = Command::new(python_tools().join("cfn-lint"));
    succeed(command.args(["--include-checks", "I", "--template", TEMPLATE]));
}

#[test]
fn every_parameter_is_documented() {
    let documented = include_str!("../../docs/deploy.md");
    let parameters = TRANSFORMED["Parameters"].as_object().unwrap();
    let missing: Vec<_> =
        parameters.keys().filter(|name| !documented.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "docs/deploy.md: {missing:?}");
}

#[test]
fn every_parameter_without_a_default_is_asked_for_by_the_file_of_parameters() {
    let file = include_str!("../../infra/parameters.yaml");
    let file: yaml_serde::Value = yaml_serde::from_str(file).unwrap();
    let asked: BTreeSet<&str> =
        file.as_mapping().unwrap().iter().filter_map(|(name, _)| name.as_str()).collect();
    let parameters = TRANSFORMED["Parameters"].as_object().unwrap();
    let unknown: Vec<_> = asked.iter().filter(|name| !parameters.contains_key(**name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let required = parameters.iter().filter(|(_, parameter)| parameter.get("Default").is_none());
    for (name, _) in required {
        assert!(asked.contains(name.as_str()), "{name}");
        assert_eq!(file[name.as_str()].as_str(), Some(""), "an operator decides about {name}");
    }
}

/// The names to which a part of a template refers.
fn references(part: &Value, found: &mut BTreeSet<String>) {
    let of_text = |text: &str| text.split(['.', '}']).next().unwrap_or_default().to_owned();
    match part {
        Value::Object(fields) => fields.iter().for_each(|(field, value)| match (field.as_str(), value) {
            ("Ref" | "DependsOn", Value::String(name)) => found.extend([name.clone()]),
            ("Fn::GetAtt", value) => found.extend(value[0].as_str().map(str::to_owned)),
            ("Fn::Sub", value) => {
                let text = value.as_str().or(value[0].as_str()).unwrap_or_default();
                found.extend(text.split("${").skip(1).map(of_text));
                references(&value[1], found);
            }
            (_, value) => references(value, found),
        }),
        Value::Array(parts) => parts.iter().for_each(|part| match part {
            Value::String(name) => found.extend([name.clone()]),
            part => references(part, found),
        }),
        _ => {}
    }
}

#[test]
fn no_resource_waits_for_itself() {
    let mut waiting: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (id, resource) in RESOURCES.as_object().unwrap() {
        let mut found = BTreeSet::new();
        references(resource, &mut found);
        waiting.insert(id, found);
    }
    assert!(
        waiting["BoardFunctionAliaslive"].contains("BoardFunctionDeploymentGroup"),
        "by its update policy"
    );
    loop {
        let is_ready =
            |id: &str| waiting[id].iter().all(|other| other == id || !waiting.contains_key(&**other));
        let ready: Vec<&str> = waiting.keys().copied().filter(|&id| is_ready(id)).collect();
        if ready.is_empty() {
            break;
        }
        waiting.retain(|id, _| !ready.contains(id));
    }
    // CloudFormation refuses such a template, and cfn-lint does not follow update policies.
    assert_eq!(waiting.into_keys().collect::<Vec<_>>(), Vec::<&str>::new());
}

#[test]
fn every_function_of_the_workspace_is_deployed_on_arm() {
    let expected = Template::from_repo().unwrap().functions();
    assert_eq!(functions().keys().collect::<Vec<_>>(), expected.iter().collect::<Vec<_>>());
    for (name, function) in functions() {
        assert_eq!(function["Architectures"], json!(["arm64"]), "{name}");
        assert_eq!(function["Runtime"], "provided.al2023", "{name}");
        assert_eq!(function["Handler"], "bootstrap", "{name}");
        assert_eq!(function["Environment"]["Variables"]["CLORP_TABLE"]["Ref"], "Table", "{name}");
    }
}

#[test]
fn every_function_has_a_package_of_its_name() {
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
        let methods = paths[&route.path].as_object().unwrap();
        assert!(methods.contains_key("x-amazon-apigateway-any-method"), "{}", route.path);
        for method in methods.values() {
            let uri = method["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"].as_str().unwrap();
            let (_, rest) = uri.split_once("functions/${").unwrap();
            let (alias, _) = rest.split_once("}/").unwrap();
            assert_eq!(binary_behind(alias), route.function, "{}", route.path);
        }
    }
}

#[test]
fn an_http_function_times_out_before_the_gateway() {
    for name in Template::from_repo().unwrap().http_functions() {
        let timeout = functions()[&name]["Timeout"].as_u64().unwrap();
        assert!(timeout <= 15, "{name}: {timeout} s of the gateway's 30");
    }
}

#[test]
fn every_log_has_a_retention_period() {
    let groups = resources_of_type("AWS::Logs::LogGroup");
    let retained = |id: &Value| groups[id.as_str().unwrap()]["RetentionInDays"].is_object();
    for (name, function) in functions() {
        assert!(retained(&function["LoggingConfig"]["LogGroup"]["Ref"]), "{name}");
    }
    let stage = &only("AWS::ApiGatewayV2::Stage")["Properties"];
    assert!(retained(&stage["AccessLogSettings"]["DestinationArn"]["Fn::GetAtt"][0]));
    assert!(stage["DefaultRouteSettings"]["ThrottlingRateLimit"].is_object());
}

#[test]
fn the_logs_of_functions_that_move_money_outlive_the_stack() {
    let with_money = ["connect", "drops", "ranking", "reconciler", "stripe-webhook", "wallet"];
    for (name, function) in functions() {
        let log = &RESOURCES[function["LoggingConfig"]["LogGroup"]["Ref"].as_str().unwrap()];
        let (parameter, deletion, replacement) = if with_money.contains(&name.as_str()) {
            ("MoneyLogRetentionDays", "RetainExceptOnCreate", "Retain")
        } else {
            ("LogRetentionDays", "Delete", "Delete")
        };
        assert_eq!(log["Properties"]["RetentionInDays"]["Ref"], parameter, "{name}");
        assert_eq!(log["DeletionPolicy"], deletion, "{name}");
        assert_eq!(log["UpdateReplacePolicy"], replacement, "{name}");
    }
}

#[test]
fn no_permission_is_a_wildcard() {
    for Permission { function, action, resource, .. } in permissions() {
        assert!(!action.contains('*'), "{function}: {action}");
        // A wildcard may end a name inside the project's own table, such as its board indexes.
        let own = ["Table.Arn", "UploadsBucket.Arn"].iter().any(|arn| resource.starts_with(arn));
        // A model on Bedrock is no resource of the stack, and its operator chooses it by a parameter.
        let queue = ["RankingQueue.Arn", "FailedSweepsQueue.Arn"].contains(&resource.as_str());
        // A secret is no resource of the stack either, and a parameter names exactly one.
        let secret = action == "secretsmanager:GetSecretValue" && resource.ends_with("SecretArn");
        let own = own || queue || secret || action == "bedrock:InvokeModel";
        assert!(own && !resource.starts_with('*'), "{function}: {action} on {resource}");
    }
}

#[test]
fn the_only_managed_policies_are_for_logs_traces_the_queue_deployments_and_backups() {
    let names = |role: &Value| -> Vec<String> {
        let arns = one_or_many(&role["ManagedPolicyArns"]).into_iter().map(arn);
        arns.map(|arn| arn.rsplit('/').next().unwrap().to_string()).collect()
    };
    for (name, function) in functions() {
        let mut expected = vec!["AWSLambdaBasicExecutionRole", "AWSXrayWriteOnlyAccess"];
        expected.extend((name == "ranking").then_some("AWSLambdaSQSQueueExecutionRole"));
        assert_eq!(names(role(function)), expected, "{name}");
    }
    let roles = resources_of_type("AWS::IAM::Role");
    assert_eq!(names(roles["CodeDeployServiceRole"]), ["AWSCodeDeployRoleForLambda"]);
    let backups = ["AWSBackupServiceRolePolicyForBackup", "AWSBackupServiceRolePolicyForS3Backup"];
    assert_eq!(names(roles["BackupRole"]), backups);
    assert_eq!(roles.len(), functions().len() + 2, "there is a role for something else");
}

#[test]
fn the_table_and_the_bucket_are_backed_up_to_a_vault_that_outlives_the_stack() {
    let selection = &only("AWS::Backup::BackupSelection")["Properties"]["BackupSelection"];
    let expected = ["Table", "UploadsBucket"].map(|id| json!({ "Fn::GetAtt": [id, "Arn"] }));
    assert_eq!(selection["Resources"], json!(expected));
    assert_eq!(selection["IamRoleArn"]["Fn::GetAtt"][0], "BackupRole");
    assert_eq!(only("AWS::Backup::BackupVault")["DeletionPolicy"], "RetainExceptOnCreate");
    assert_eq!(only("AWS::S3::Bucket")["Properties"]["VersioningConfiguration"]["Status"], "Enabled");
    let rules = &only("AWS::Backup::BackupPlan")["Properties"]["BackupPlan"]["BackupPlanRule"];
    let days = rules.as_array().unwrap().iter().map(|rule| rule["Lifecycle"]["DeleteAfterDays"].as_u64());
    assert_eq!(days.collect::<Vec<_>>(), [Some(35), Some(400)]);
}

#[test]
fn a_release_takes_every_function_into_service_gradually_and_its_alarms_roll_it_back() {
    for (id, function) in resources_of_type("AWS::Lambda::Function") {
        let alias = &RESOURCES[format!("{id}Aliaslive")];
        // CloudFormation publishes a version if its name changes. The name has the value of `Release`.
        let version = json!({ "Fn::GetAtt": [format!("{id}Version1763000000"), "Version"] });
        assert_eq!(alias["Properties"]["FunctionVersion"], version);
        // Lambda publishes no version of what has not changed.
        assert!(function["Description"].as_str().unwrap().ends_with(" 1763000000"), "{id}");
        let update = &alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"];
        let group = &RESOURCES[update["DeploymentGroupName"]["Ref"].as_str().unwrap()]["Properties"];
        let config = &group["DeploymentConfigName"]["Fn::Sub"][1]["ConfigName"];
        // A function that is called once a minute needs more calls to be judged by.
        let sweeps = Template::from_repo().unwrap().scheduled_functions().contains(&binary_of(id));
        let expected = if sweeps { "Linear10PercentEvery1Minute" } else { "Canary10Percent5Minutes" };
        assert_eq!(config, expected, "{id}");
        let alarms = group["AlarmConfiguration"]["Alarms"].as_array().unwrap().iter();
        let alarms: Vec<_> = alarms.map(|alarm| alarm["Name"].clone()).collect();
        let name = id.strip_suffix("Function").unwrap();
        let api = RESOURCES["ApiServerErrorsAlarm"]["Properties"]["AlarmName"].clone();
        let mut expected = vec![api, json!({ "Ref": format!("{name}ErrorsAlarm") })];
        let sweep = format!("{name}SweepAlarm");
        expected.extend(RESOURCES.get(&sweep).map(|_| json!({ "Ref": sweep })));
        assert_eq!(alarms, expected);
    }
}

#[test]
fn each_function_has_exactly_the_permissions_on_the_table_that_it_needs() {
    // The `budgets` tests show at work that each of these is needed, and nothing else.
    let on_the_table = |permission: &Permission| permission.action.starts_with("dynamodb:");
    let given: BTreeSet<_> = permissions().into_iter().filter(on_the_table).collect();
    let (more, less): (Vec<_>, Vec<_>) =
        (given.difference(&grants()).cloned().collect(), grants().difference(&given).cloned().collect());
    assert!(more.is_empty() && less.is_empty(), "more than it should: {more:#?}\nless: {less:#?}");
}

#[test]
fn only_functions_that_need_them_have_permissions_on_the_queue_and_the_bucket() {
    let apart = ["dynamodb:", "secretsmanager:"];
    let is_apart = |action: &str| apart.iter().any(|service| action.starts_with(service));
    let others: Vec<_> = permissions().into_iter().filter(|p| !is_apart(&p.action)).collect();
    let expected = [
        ("drops", "s3:GetObject", "UploadsBucket.Arn/attachments/*"),
        ("drops", "s3:GetObject", "UploadsBucket.Arn/uploads/*"),
        ("drops", "s3:ListBucket", "UploadsBucket.Arn"),
        ("drops", "s3:PutObject", "UploadsBucket.Arn/attachments/*"),
        ("drops", "sqs:SendMessage", "RankingQueue.Arn"),
        ("ranking", "bedrock:InvokeModel", "arn:AWS::Partition:bedrock:*::foundation-model/*"),
        ("ranking", "bedrock:InvokeModel", "arn:AWS::Partition:bedrock:*:AWS::AccountId:inference-profile/*"),
        ("ranking", "s3:GetObject", "UploadsBucket.Arn/attachments/*"),
        ("ranking", "sqs:SendMessage", "FailedSweepsQueue.Arn"),
        ("ranking", "sqs:SendMessage", "RankingQueue.Arn"),
        ("reconciler", "sqs:SendMessage", "FailedSweepsQueue.Arn"),
        ("uploads", "s3:PutObject", "UploadsBucket.Arn/uploads/*"),
        ("verify", "s3:GetObject", "UploadsBucket.Arn/uploads/*"),
        ("verify", "s3:ListBucket", "UploadsBucket.Arn"),
    ];
    let expected = expected.map(|(function, action, resource)| Permission {
        function: function.to_owned(),
        action: action.to_owned(),
        resource: resource.to_owned(),
        keys: None,
    });
    assert_eq!(others, expected);
    assert_eq!(functions_with("RANKING_QUEUE_URL"), ["drops", "ranking"]);
    assert_eq!(functions_with("CLORP_UPLOADS_BUCKET"), ["drops", "ranking", "uploads", "verify"]);
}

#[test]
fn the_bucket_is_private_and_keeps_attachments() {
    let bucket = only("AWS::S3::Bucket");
    assert_eq!(
        (&bucket["DeletionPolicy"], &bucket["UpdateReplacePolicy"]),
        (&"Retain".into(), &"Retain".into())
    );
    let properties = &bucket["Properties"];
    for block in ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"] {
        assert_eq!(properties["PublicAccessBlockConfiguration"][block], true, "{block}");
    }
    let encryption = &properties["BucketEncryption"]["ServerSideEncryptionConfiguration"][0];
    assert_eq!(encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"], "AES256");
    let statements = &only("AWS::S3::BucketPolicy")["Properties"]["PolicyDocument"]["Statement"];
    let [plain] = statements.as_array().unwrap().as_slice() else { panic!("{statements}") };
    assert_eq!(
        (&plain["Effect"], &plain["Principal"], &plain["Action"]),
        (&"Deny".into(), &"*".into(), &"s3:*".into())
    );
    assert_eq!(plain["Condition"], json!({ "Bool": { "aws:SecureTransport": "false" } }));
    let rules = properties["LifecycleConfiguration"]["Rules"].as_array().unwrap();
    let expiring: Vec<_> = rules.iter().filter(|rule| rule.get("ExpirationInDays").is_some()).collect();
    let [uploads] = expiring.as_slice() else { panic!("{rules:?}") };
    // An upload can be attached for one day, so two days are enough.
    assert_eq!((&uploads["Prefix"], &uploads["ExpirationInDays"]), (&"uploads/".into(), &2.into()));
    let cors = &properties["CorsConfiguration"]["CorsRules"][0];
    assert_eq!(cors["AllowedOrigins"]["Ref"], "WebOrigins");
}

#[test]
fn the_web_pages_have_no_default_and_every_function_knows_their_origins() {
    assert!(TRANSFORMED["Parameters"]["WebOrigins"].get("Default").is_none());
    let on_first = |path: &str| {
        let first = json!({ "Fn::Select": [0, { "Ref": "WebOrigins" }] });
        json!({ "Fn::Join": ["", [first, { "Ref": path }]] })
    };
    for (name, function) in functions() {
        let variables = &function["Environment"]["Variables"];
        let origins = json!({ "Fn::Join": [",", { "Ref": "WebOrigins" }] });
        assert_eq!(variables["CLORP_WEB_ORIGINS"], origins, "{name}");
        for (variable, path) in [("CLORP_WALLET_URL", "WalletPath"), ("CLORP_CLI_LOGIN_URL", "CliLoginPath")]
        {
            if let Some(url) = variables.get(variable) {
                assert_eq!(*url, on_first(path), "{name}: {variable}");
            }
        }
    }
}

#[test]
fn a_domain_needs_a_certificate_and_replaces_the_hosts_of_aws() {
    let assertions = &TRANSFORMED["Rules"]["DomainIsComplete"]["Assertions"];
    let is_empty = |name: &str| json!({ "Fn::Equals": [{ "Ref": name }, ""] });
    let is_set = |name: &str| json!({ "Fn::Not": [is_empty(name)] });
    let alone = json!({ "Fn::And": [is_empty("CertificateArn"), is_empty("HostedZoneId")] });
    let expected = [
        json!({ "Fn::Or": [is_empty("DomainName"), is_set("CertificateArn")] }),
        json!({ "Fn::Or": [is_set("DomainName"), alone] }),
    ];
    let assertions: Vec<_> = assertions.as_array().unwrap().iter().map(|a| a["Assert"].clone()).collect();
    assert_eq!(assertions, expected);
    for (kind, condition) in [
        ("AWS::ApiGatewayV2::DomainName", "HasDomain"),
        ("AWS::ApiGatewayV2::ApiMapping", "HasDomain"),
        ("AWS::Route53::RecordSetGroup", "HasHostedZone"),
    ] {
        assert_eq!(only(kind)["Condition"], condition, "{kind}");
    }
    let mapping = &only("AWS::ApiGatewayV2::ApiMapping")["Properties"];
    let stage = mapping["Stage"]["Ref"].as_str().unwrap();
    assert_eq!(RESOURCES[stage]["Type"], "AWS::ApiGatewayV2::Stage");
    let servers = &only("AWS::ApiGatewayV2::Api")["Properties"]["Body"]["servers"][0];
    let disabled = &servers["x-amazon-apigateway-endpoint-configuration"]["disableExecuteApiEndpoint"];
    assert_eq!(*disabled, json!({ "Fn::If": ["HasDomain", true, false] }));
}

/// The parameter with the ARN of each function's secret.
const SECRETS: [(&str, &str); 9] = [
    ("connect", "ConnectSecretArn"),
    ("drops", "DropsSecretArn"),
    ("ranking", "RankingSecretArn"),
    ("reconciler", "ReconcilerSecretArn"),
    ("stripe-webhook", "StripeWebhookSecretArn"),
    ("uploads", "SessionsSecretArn"),
    ("users", "SessionsSecretArn"),
    ("verify", "SessionsSecretArn"),
    ("wallet", "WalletSecretArn"),
];

#[test]
fn each_function_reads_one_secret_and_no_other() {
    let of_secrets = permissions().into_iter().filter(|p| p.action.starts_with("secretsmanager:"));
    let expected = SECRETS.map(|(function, parameter)| Permission {
        function: function.to_owned(),
        action: "secretsmanager:GetSecretValue".to_owned(),
        resource: parameter.to_owned(),
        keys: None,
    });
    assert_eq!(of_secrets.collect::<Vec<_>>(), expected);
    assert_eq!(functions_with("CLORP_SECRET_ARN"), SECRETS.map(|(function, _)| function));
    for (function, parameter) in SECRETS {
        let variables = &functions()[function]["Environment"]["Variables"];
        assert_eq!(variables["CLORP_SECRET_ARN"]["Ref"], parameter, "{function}");
    }
}

#[test]
fn no_secret_is_in_the_template_or_in_a_variable() {
    assert!(!TRANSFORMED.to_string().contains("{{resolve:"), "CloudFormation would show it to everyone");
    for secret in [
        "STRIPE_SECRET_KEY",
        "STRIPE_WEBHOOK_SECRETS",
        "SUPABASE_ANON_KEY",
        "SUPABASE_JWT_SECRET",
        "CLORP_JUDGE_MODEL_KEY",
        "CLORP_JUDGE_SECOND_MODEL_KEY",
    ] {
        assert_eq!(functions_with(secret), Vec::<String>::new(), "{secret}");
    }
    assert_eq!(functions_with("CLORP_WALLET_URL"), ["connect", "drops", "reconciler", "wallet"]);
    let with_substitute = functions_with("STRIPE_API_URL");
    assert_eq!(with_substitute, Vec::<String>::new(), "deployed functions use the real Stripe");
}

/// True if a rule's condition holds with these parameters, and the defaults of the others.
fn holds(condition: &Value, parameters: &Value) -> bool {
    let (operator, operands) = condition.as_object().unwrap().iter().next().unwrap();
    let operands = operands.as_array().unwrap();
    let value = |operand: &Value| match operand["Ref"].as_str() {
        Some(name) => {
            let given = parameters.get(name).unwrap_or(&TRANSFORMED["Parameters"][name]["Default"]);
            given.clone()
        }
        None => operand.clone(),
    };
    match operator.as_str() {
        "Fn::Equals" => value(&operands[0]) == value(&operands[1]),
        "Fn::Not" => !holds(&operands[0], parameters),
        "Fn::Or" => operands.iter().any(|operand| holds(operand, parameters)),
        "Fn::And" => operands.iter().all(|operand| holds(operand, parameters)),
        other => panic!("{other}"),
    }
}

#[test]
fn a_stack_whose_functions_would_lack_a_secret_is_refused() {
    let assertions = TRANSFORMED["Rules"]["SecretsAreComplete"]["Assertions"].as_array().unwrap();
    let is_accepted = |parameters: Value| assertions.iter().all(|rule| holds(&rule["Assert"], &parameters));
    let arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:a-123456";
    for (parameters, expected) in [
        (json!({ "Judge": "embedded" }), true),
        (json!({ "Judge": "embedded", "SupabaseUrl": "https://a.supabase.co" }), false),
        (
            json!({ "Judge": "embedded", "SupabaseUrl": "https://a.supabase.co", "SessionsSecretArn": arn }),
            true,
        ),
        (json!({ "Judge": "model" }), false),
        (json!({ "Judge": "model", "RankingSecretArn": arn, "JudgeSecondModel": "b" }), true),
        (json!({ "Judge": "model", "JudgeModelAuth": "aws" }), true),
        (json!({ "Judge": "model", "JudgeModelAuth": "aws", "JudgeSecondModel": "b" }), false),
    ] {
        assert_eq!(is_accepted(parameters.clone()), expected, "{parameters}");
    }
}

#[test]
fn reserved_concurrency_stops_every_function_or_leaves_room_in_an_account_of_usual_size() {
    let default = |parameter: &str| TRANSFORMED["Parameters"][parameter]["Default"].as_u64().unwrap();
    let mut sum = 0;
    for (name, function) in functions() {
        let stopped = &function["ReservedConcurrentExecutions"]["Fn::If"];
        assert_eq!((&stopped[0], &stopped[1]), (&"IsStopped".into(), &0.into()), "{name}");
        let share = &stopped[2]["Fn::If"];
        assert_eq!((&share[0], &share[2]["Ref"]), (&"ReservesConcurrency".into(), &"AWS::NoValue".into()));
        sum += share[1].as_u64().unwrap_or_else(|| default(share[1]["Ref"].as_str().expect(&name)));
    }
    assert!(sum <= 900, "{sum} of 1,000, of which Lambda keeps 100 unreserved");
    let comment = format!("# Reserved concurrency sums to {sum} of");
    assert!(std::fs::read_to_string(TEMPLATE).unwrap().contains(&comment), "it sums to {sum}");
    assert!(default("RankingConcurrency") > default("JudgeConcurrency"), "a sweep needs a function too");
}

#[test]
fn the_gateway_limits_the_public_writes_apart_and_never_the_webhook() {
    let settings = &only("AWS::ApiGatewayV2::Stage")["Properties"]["RouteSettings"];
    let limited: BTreeSet<&str> = settings.as_object().unwrap().keys().map(String::as_str).collect();
    let login = ["ANY /api/cli/login", "GET /api/cli/login", "POST /api/cli/login"];
    let others = ["ANY /api/cli/token", WEBHOOK];
    assert_eq!(limited, login.into_iter().chain(others).collect());
    let paths = &only("AWS::ApiGatewayV2::Api")["Properties"]["Body"]["paths"];
    for (route, limits) in settings.as_object().unwrap() {
        let (method, path) = route.split_once(' ').unwrap();
        let method = match method {
            "ANY" => "x-amazon-apigateway-any-method".to_owned(),
            method => method.to_lowercase(),
        };
        // The gateway refuses a setting for a route that does not exist.
        assert!(paths[path][method].is_object(), "{route} is no route");
        assert!(limits["ThrottlingRateLimit"].is_u64() && limits["ThrottlingBurstLimit"].is_u64());
    }
    let rate = settings[WEBHOOK]["ThrottlingRateLimit"].as_u64();
    assert!(rate > TRANSFORMED["Parameters"]["ThrottleRate"]["Default"].as_u64(), "{rate:?}");
    // A query can contain a code.
    let format = only("AWS::ApiGatewayV2::Stage")["Properties"]["AccessLogSettings"]["Format"].to_string();
    assert!(!format.contains("query") && !format.contains("Query"), "{format}");
    assert_eq!(functions_with("CLORP_CLI_LOGIN_URL"), ["users"]);
}

#[test]
fn functions_with_callers_are_configured_for_supabase() {
    let with_callers = ["connect", "drops", "uploads", "users", "verify", "wallet"];
    for variable in ["SUPABASE_URL", "SUPABASE_COOKIE_DOMAIN"] {
        assert_eq!(functions_with(variable), with_callers, "{variable}");
    }
    for name in with_callers {
        let variables = &functions()[name]["Environment"]["Variables"];
        assert_eq!(variables["SUPABASE_URL"]["Ref"], "SupabaseUrl");
    }
}

/// Alarms that allow for some occurrences, or that watch something other than failures.
const WITH_A_THRESHOLD: [&str; 6] = [
    "ApiLatencyAlarm",
    "ApiServerErrorsAlarm",
    "RankingQueueAgeAlarm",
    "RankingQueueDepthAlarm",
    "RankingSweepAlarm",
    "ReconcilerSweepAlarm",
];

/// The alarm that watches the lines of a function's log that match a pattern.
fn alarm_of(function: &str, pattern: &str) -> &'static Value {
    let log = &functions()[function]["LoggingConfig"]["LogGroup"]["Ref"];
    let filters = resources_of_type("AWS::Logs::MetricFilter");
    let matches =
        |filter: &&&Value| &filter["LogGroupName"]["Ref"] == log && filter["FilterPattern"] == pattern;
    let filter = filters.values().find(matches).unwrap_or_else(|| panic!("{function}: {pattern}"));
    let metric = &filter["MetricTransformations"][0];
    let alarms = resources_of_type("AWS::CloudWatch::Alarm");
    let alarm = alarms.values().find(|alarm| alarm["MetricName"] == metric["MetricName"]).unwrap();
    assert_eq!(alarm["Namespace"], metric["MetricNamespace"]);
    alarm
}

#[test]
fn a_webhook_event_that_is_not_applied_raises_an_alarm() {
    let words = "\"webhook event not applied\"";
    assert!(include_str!("../../shared/payments/src/events.rs").contains(words), "nobody logs {words}");
    assert_eq!(alarm_of("stripe-webhook", &format!("{{ $.message = {words} }}"))["EvaluationPeriods"], 1);
}

#[test]
fn a_webhook_signature_under_no_secret_raises_an_alarm() {
    let route = include_str!("../../functions/stripe-webhook/src/routes/webhook.rs");
    let words = "\"webhook event with an invalid signature\"";
    assert!(route.contains(&format!("tracing::warn!(?bad, {words})")), "nobody logs {words}");
    assert_eq!(format!("{:?}", BadSignature::Mismatch), "Mismatch");
    let pattern = format!("{{ $.message = {words} && $.bad = \"Mismatch\" }}");
    assert_eq!(alarm_of("stripe-webhook", &pattern)["EvaluationPeriods"], 1);
}

#[test]
fn the_api_the_table_and_the_queue_have_alarms() {
    let alarms = resources_of_type("AWS::CloudWatch::Alarm");
    for (id, metric) in [("ApiServerErrorsAlarm", "5xx"), ("ApiLatencyAlarm", "Latency")] {
        assert_eq!(alarms[id]["MetricName"], metric);
        assert_eq!(alarms[id]["Dimensions"][0]["Value"]["Ref"], "Api");
    }
    for (id, metric) in [
        ("TableReadThrottlesAlarm", "ReadThrottleEvents"),
        ("TableWriteThrottlesAlarm", "WriteThrottleEvents"),
    ] {
        let query = format!("SELECT SUM({metric}) FROM \"AWS/DynamoDB\" WHERE TableName = '${{Table}}'");
        assert_eq!(alarms[id]["Metrics"][0]["Expression"]["Fn::Sub"], query);
    }
    for id in ["RankingQueueAgeAlarm", "RankingQueueDepthAlarm"] {
        assert_eq!(alarms[id]["Dimensions"][0]["Value"]["Fn::GetAtt"][0], "RankingQueue");
    }
    // A message is delayed by 15 minutes at most, and SQS counts them as its age.
    assert!(alarms["RankingQueueAgeAlarm"]["Threshold"].as_u64().unwrap() > 900);
}

#[test]
fn money_that_is_pending_for_a_quarter_of_an_hour_raises_an_alarm() {
    let sweep = include_str!("../../shared/payments/src/resume.rs");
    assert!(sweep.contains("const OVERDUE: SignedDuration = SignedDuration::from_mins(15)"), "another age");
    assert!(sweep.contains("info!(unsettled = unsettled.len(), overdue,"), "nobody logs what is overdue");
    let alarm = alarm_of("reconciler", "{ $.overdue > 0 }");
    assert_eq!((&alarm["EvaluationPeriods"], &alarm["Period"]), (&1.into(), &60.into()));
}

#[test]
fn every_function_has_an_alarm_for_its_errors_and_one_for_its_throttles() {
    let alarms = resources_of_type("AWS::CloudWatch::Alarm");
    let watched = |metric: &str| -> Vec<&str> {
        let of_functions = alarms.values().filter(|alarm| alarm["Namespace"] == "AWS/Lambda");
        let alarms = of_functions.filter(|alarm| alarm["MetricName"] == metric);
        let mut ids: Vec<_> = alarms.map(|a| a["Dimensions"][0]["Value"]["Ref"].as_str().unwrap()).collect();
        ids.sort_unstable();
        ids
    };
    let functions: Vec<_> = resources_of_type("AWS::Lambda::Function").into_keys().collect();
    assert_eq!(watched("Errors"), functions);
    assert_eq!(watched("Throttles"), functions);
}

#[test]
fn a_sweep_that_does_not_end_within_five_minutes_raises_an_alarm() {
    for (function, code) in [
        ("ranking", include_str!("../../functions/ranking/src/event.rs")),
        ("reconciler", include_str!("../../functions/reconciler/src/lib.rs")),
    ] {
        let words = "\"sweep ended\"";
        assert!(code.contains(words), "{function} does not log {words}");
        let alarm = alarm_of(function, &format!("{{ $.message = {words} }}"));
        let rings = (&alarm["ComparisonOperator"], &alarm["Threshold"], &alarm["TreatMissingData"]);
        assert_eq!(rings, (&"LessThanThreshold".into(), &1.into(), &"breaching".into()), "{function}");
        assert_eq!((&alarm["Period"], &alarm["EvaluationPeriods"]), (&60.into(), &5.into()), "{function}");
    }
}

#[test]
fn every_alarm_about_failures_is_raised_at_the_first_and_every_alarm_notifies_the_topic() {
    let topic = json!({ "Fn::If": ["HasAlarmTopic", { "Ref": "AlarmTopicArn" }, { "Ref": "AlarmTopic" }] });
    for (id, alarm) in resources_of_type("AWS::CloudWatch::Alarm") {
        assert_eq!(alarm["AlarmActions"], json!([topic]), "{id}");
        if !WITH_A_THRESHOLD.contains(&id) {
            assert_eq!((&alarm["Threshold"], &alarm["EvaluationPeriods"]), (&0.into(), &1.into()), "{id}");
            assert_eq!(alarm["ComparisonOperator"], "GreaterThanThreshold", "{id}");
        }
    }
}

#[test]
fn every_alarm_has_a_section_of_the_runbook_and_every_section_an_alarm() {
    let runbook = include_str!("../../docs/runbook.md");
    let sections: BTreeMap<String, &str> = runbook
        .split("\n## ")
        .skip(1)
        .map(|section| section.split_once('\n').unwrap())
        .map(|(heading, text)| (heading.to_lowercase().replace(' ', "-"), text))
        .collect();
    let mut used = BTreeSet::new();
    for (id, alarm) in resources_of_type("AWS::CloudWatch::Alarm") {
        let description = alarm["AlarmDescription"].as_str().unwrap();
        let (_, anchor) = description.split_once(" See docs/runbook.md#").unwrap_or_else(|| panic!("{id}"));
        let text = sections.get(anchor).unwrap_or_else(|| panic!("{id}: no section {anchor}"));
        // The alarms of functions share a section, which names their common ending.
        let ending = ["ErrorsAlarm", "ThrottlesAlarm"].into_iter().find(|ending| id.ends_with(ending));
        let named = format!("`{id}`");
        let common = ending.map(|ending| format!("`…{ending}`"));
        assert!(text.contains(&named) || common.is_some_and(|common| text.contains(&common)), "{id}");
        used.insert(anchor);
    }
    assert_eq!(used, sections.keys().map(String::as_str).collect());
    for (heading, text) in &sections {
        for lead in ["**Meaning.**", "**Look at.**", "**Do.**"] {
            assert!(text.contains(lead), "{heading}: {lead}");
        }
    }
}

#[test]
fn a_stack_whose_alarms_reach_nobody_is_refused() {
    let assertion = &TRANSFORMED["Rules"]["AlarmsReachSomebody"]["Assertions"][0]["Assert"];
    let is_set = |name: &str| json!({ "Fn::Not": [{ "Fn::Equals": [{ "Ref": name }, ""] }] });
    assert_eq!(*assertion, json!({ "Fn::Or": [is_set("AlarmEmail"), is_set("AlarmTopicArn")] }));
    let topic = only("AWS::SNS::Topic");
    assert_eq!(topic["Condition"], "NeedsAlarmTopic");
    assert_eq!(topic["Properties"]["Subscription"][0]["Endpoint"]["Ref"], "AlarmEmail");
}

#[test]
fn the_dashboard_shows_every_figure_that_is_taken_from_a_log() {
    let body = &only("AWS::CloudWatch::Dashboard")["Properties"]["DashboardBody"]["Fn::Sub"][0];
    let body: Value = serde_json::from_str(body.as_str().unwrap()).unwrap();
    let widgets = body["widgets"].as_array().unwrap().iter();
    let metrics = widgets.flat_map(|widget| widget["properties"]["metrics"].as_array().unwrap());
    let of_logs = metrics.filter(|metric| metric[0] == "${AWS::StackName}");
    let shown: BTreeSet<&str> = of_logs.map(|metric| metric[1].as_str().unwrap()).collect();
    let filters = resources_of_type("AWS::Logs::MetricFilter").into_values();
    let counted = filters.map(|filter| filter["MetricTransformations"][0]["MetricName"].as_str().unwrap());
    let counted: BTreeSet<_> = counted.chain(Metric::ALL.map(Metric::name)).collect();
    assert_eq!(shown, counted);
    let variables = &TRANSFORMED["Resources"]["DropsFunction"]["Properties"]["Environment"]["Variables"];
    assert_eq!(variables["CLORP_METRICS_NAMESPACE"]["Ref"], "AWS::StackName", "where the dashboard looks");
}

#[test]
fn the_queue_waits_for_the_ranking_and_its_dead_letters_raise_an_alarm() {
    let wake = &only("AWS::Lambda::EventSourceMapping")["Properties"];
    assert_eq!(wake["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]));
    let queue = &RESOURCES[wake["EventSourceArn"]["Fn::GetAtt"][0].as_str().unwrap()]["Properties"];
    let timeout = functions()["ranking"]["Timeout"].as_u64().unwrap();
    assert!(queue["VisibilityTimeout"].as_u64().unwrap() >= 6 * timeout);
    assert_eq!(queue["RedrivePolicy"]["maxReceiveCount"], 5);
    let dead = &queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0];
    let alarms = resources_of_type("AWS::CloudWatch::Alarm");
    for dead in [dead, &"FailedSweepsQueue".into()] {
        let watches = |alarm: &&&Value| &alarm["Dimensions"][0]["Value"]["Fn::GetAtt"][0] == dead;
        assert_eq!(alarms.values().filter(watches).count(), 1, "{dead}");
    }
    for (id, queue) in resources_of_type("AWS::SQS::Queue") {
        assert_eq!(queue["SqsManagedSseEnabled"], true, "{id}");
    }
}

#[test]
fn ranking_and_reconciler_sweep_every_minute() {
    let failed_sweeps = json!({ "Fn::GetAtt": ["FailedSweepsQueue", "Arn"] });
    let mut sweeping = Vec::new();
    for (id, rule) in resources_of_type("AWS::Events::Rule") {
        assert_eq!(rule["ScheduleExpression"], "rate(1 minute)", "{id}");
        assert_eq!(rule["Targets"][0]["DeadLetterConfig"]["Arn"], failed_sweeps, "{id}");
        sweeping.push(binary_behind(rule["Targets"][0]["Arn"]["Ref"].as_str().unwrap()));
    }
    sweeping.sort();
    assert_eq!(sweeping, ["ranking", "reconciler"]);
    assert_eq!(sweeping, Template::from_repo().unwrap().scheduled_functions());
    for (id, config) in resources_of_type("AWS::Lambda::EventInvokeConfig") {
        assert_eq!(config["MaximumRetryAttempts"], 0, "{id}: the next sweep finds the same work");
        assert_eq!(config["DestinationConfig"]["OnFailure"]["Destination"], failed_sweeps, "{id}");
    }
}

#[test]
fn the_table_is_protected_against_deletion_and_high_costs_and_restorable() {
    let table = only("AWS::DynamoDB::Table");
    assert_eq!(table["DeletionPolicy"], "Retain");
    assert_eq!(table["UpdateReplacePolicy"], "Retain");
    let properties = &table["Properties"];
    assert_eq!(properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true);
    assert_eq!(properties["DeletionProtectionEnabled"], true);
    assert_eq!(properties["SSESpecification"]["SSEEnabled"], true);
    assert_eq!(properties["BillingMode"], "PAY_PER_REQUEST");
    let brake = &properties["OnDemandThroughput"];
    assert_eq!(brake["MaxWriteRequestUnits"]["Ref"], "TableMaxWriteUnits");
    for index in properties["GlobalSecondaryIndexes"].as_array().unwrap() {
        assert_eq!(index["OnDemandThroughput"], *brake, "{}", index["IndexName"]);
    }
    let ttl = json!({"AttributeName": "expires_at", "Enabled": true});
    assert_eq!(properties["TimeToLiveSpecification"], ttl);
}

/// Creates the stack in moto with these parameters, and the secrets that every stack has. Returns what
/// `create.py` tells of it.
fn create(mut parameters: Value) -> Value {
    for (function, parameter) in SECRETS {
        let secret = match function {
            "stripe-webhook" => "clorp/stripe-webhook",
            "uploads" | "users" | "verify" | "ranking" => continue,
            _ => "clorp/payments",
        };
        parameters[parameter] = secret.into();
    }
    let bin = tools::python_venv(&tools::tools_dir().join("template-moto"), MOTO_PACKAGES).unwrap();
    let mut template = tempfile::tempfile().unwrap();
    template.write_all(TRANSFORMED.to_string().as_bytes()).unwrap();
    template.rewind().unwrap();
    let mut command = Command::new(bin.join("python"));
    command.args(["-c", include_str!("template/create.py"), &parameters.to_string()]).stdin(template);
    serde_json::from_str(&succeed(&mut command)).unwrap()
}

/// A stack with the parameters that are required.
static CREATED: LazyLock<Value> = LazyLock::new(|| {
    let origins = "https://www.example.com,https://shop.example.com";
    create(json!({ "WebOrigins": origins, "Judge": "embedded", "AlarmEmail": "a@example.com" }))
});

/// A variable of a function of a created stack, as the function reads it.
fn variable(created: &Value, function: &str, name: &str) -> Option<String> {
    let value = &created["environments"][function][name];
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Some(text).filter(|text| !text.is_empty() && !value.is_null())
}

/// A field of the secret of a function of a created stack, as the function reads it.
fn credential(created: &Value, function: &str, name: &str) -> Option<Credential> {
    let arn = variable(created, function, "CLORP_SECRET_ARN")?;
    created["secrets"][&arn][name].as_str().map(Credential::from)
}

/// The key of a table or an index, as DynamoDB describes it.
fn key_of(described: &Value) -> KeySpec {
    let part = |index: usize| described["KeySchema"][index]["AttributeName"].as_str().map(str::to_owned);
    KeySpec { hash: part(0).unwrap(), range: part(1) }
}

/// The projection of an index, as DynamoDB describes it.
fn projection_of(described: &Value) -> Projection {
    let projection = &described["Projection"];
    match projection["ProjectionType"].as_str().unwrap() {
        "KEYS_ONLY" => Projection::KeysOnly,
        "INCLUDE" => {
            let names = projection["NonKeyAttributes"].as_array().unwrap().iter();
            let mut names: Vec<_> = names.map(|name| name.as_str().unwrap().to_owned()).collect();
            names.sort();
            Projection::Include(names)
        }
        other => panic!("{other}"),
    }
}

#[test]
fn moto_creates_the_stack_but_for_the_types_that_it_does_not_know() {
    let unknown = [
        "AWS::ApiGatewayV2::Api",
        "AWS::ApiGatewayV2::Stage",
        "AWS::Backup::BackupPlan",
        "AWS::Backup::BackupSelection",
        "AWS::Backup::BackupVault",
        "AWS::CloudWatch::Alarm",
        "AWS::CodeDeploy::Application",
        "AWS::CodeDeploy::DeploymentGroup",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::Logs::MetricFilter",
        "AWS::S3::BucketPolicy",
        "AWS::SQS::QueuePolicy",
    ];
    assert_eq!(CREATED["unknown"], json!(unknown));
    for kind in ["AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::Lambda::Function", "AWS::Logs::LogGroup"] {
        for id in resources_of_type(kind).keys() {
            assert!(CREATED["names"][id].is_string(), "{id} is not created");
        }
    }
}

#[test]
fn the_table_of_a_created_stack_is_the_one_that_all_tests_run_on() {
    let (table, expected) = (&CREATED["table"], Template::from_repo().unwrap().table().unwrap());
    assert_eq!(key_of(table), expected.key);
    let indexes = table["GlobalSecondaryIndexes"].as_array().unwrap().iter();
    let indexes: BTreeMap<&str, _> = indexes
        .map(|index| (index["IndexName"].as_str().unwrap(), (key_of(index), projection_of(index))))
        .collect();
    let expected = expected.indexes.iter();
    let expected: BTreeMap<&str, _> =
        expected.map(|index| (index.name.as_str(), (index.key.clone(), index.projection.clone()))).collect();
    assert_eq!(indexes, expected);
}

#[test]
fn the_functions_of_a_created_stack_are_configured_as_their_code_expects() {
    let (names, environments) = (&CREATED["names"], CREATED["environments"].as_object().unwrap());
    assert_eq!(environments.len(), functions().len());
    for id in environments.keys() {
        let var = |name: &str| variable(&CREATED, id, name);
        assert_eq!(var("CLORP_TABLE").as_deref(), names["Table"].as_str(), "{id}");
        assert!(Rules::from_vars(var).is_ok(), "{id}");
        assert!(Origins::parse(&var("CLORP_WEB_ORIGINS").unwrap()).is_some(), "{id}");
        for (name, resource) in
            [("RANKING_QUEUE_URL", "RankingQueue"), ("CLORP_UPLOADS_BUCKET", "UploadsBucket")]
        {
            assert!(var(name).is_none_or(|value| names[resource] == value), "{id}: {name}");
        }
        assert!(var("SUPABASE_URL").is_none(), "{id}");
        let secret = |name: &str| credential(&CREATED, id, name).is_some();
        let name = binary_of(id);
        let calls_stripe = ["connect", "drops", "reconciler", "wallet"].contains(&name.as_str());
        assert_eq!(secret("STRIPE_SECRET_KEY"), calls_stripe, "{id}");
        assert_eq!(secret("STRIPE_WEBHOOK_SECRETS"), name == "stripe-webhook", "{id}");
    }
    let ranking = |name: &str| variable(&CREATED, "RankingFunction", name);
    assert_eq!(ModelConfig::from_vars(&FIRST_MODEL, ranking, |_| None).unwrap(), None);
    let wallet = variable(&CREATED, "WalletFunction", "CLORP_WALLET_URL");
    assert_eq!(wallet.as_deref(), Some("https://www.example.com/wallet"));
}

#[test]
fn the_queue_of_a_created_stack_wakes_ranking_and_rules_invoke_both_sweeps() {
    let ends_in = |arn: &Value, id: &str| {
        arn.as_str().unwrap().ends_with(CREATED["names"][id].as_str().unwrap().rsplit('/').next().unwrap())
    };
    let [wake] = CREATED["woken"].as_array().unwrap().as_slice() else { panic!("{}", CREATED["woken"]) };
    assert!(ends_in(&wake[0], "RankingQueue") && ends_in(&wake[1], "RankingFunction"));
    let redrive: Value = serde_json::from_str(CREATED["queue"]["RedrivePolicy"].as_str().unwrap()).unwrap();
    assert!(ends_in(&redrive["deadLetterTargetArn"], "RankingDeadLetterQueue"));
    let swept = &CREATED["swept"];
    assert_eq!(swept.as_array().unwrap().len(), 2);
    assert!(ends_in(&swept[0], "RankingFunction") && ends_in(&swept[1], "ReconcilerFunction"));
}

#[test]
fn a_stack_with_a_domain_sessions_and_models_is_configured_as_its_code_expects() {
    let created = create(json!({
        "WebOrigins": "https://www.example.com", "Judge": "model", "ReserveConcurrency": "no",
        "AlarmTopicArn": "arn:aws:sns:us-east-1:123456789012:alarms",
        "DomainName": "api.example.com",
        "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/1",
        "SupabaseUrl": "https://abcdefgh.supabase.co", "SupabaseCookieDomain": "example.com",
        "JudgeModel": "first", "JudgeModelUrl": "https://models.example.com/v1",
        "JudgeModelInputCentsPerMillion": "25", "JudgeModelOutputCentsPerMillion": "200",
        "JudgeSecondModel": "second", "JudgeSecondModelUrl": "https://models.example.com/v1",
        "JudgeSecondModelApi": "messages",
        "SessionsSecretArn": "clorp/sessions", "RankingSecretArn": "clorp/judge",
    }));
    let ranking = |name: &str| variable(&created, "RankingFunction", name);
    for vars in [&FIRST_MODEL, &SECOND_MODEL] {
        let key = |name: &'static str| credential(&created, "RankingFunction", name);
        assert!(ModelConfig::from_vars(vars, ranking, key).unwrap().is_some());
    }
    let users = |name: &str| variable(&created, "UsersFunction", name);
    assert_eq!(users("SUPABASE_URL").as_deref(), Some("https://abcdefgh.supabase.co"));
    for function in ["UploadsFunction", "UsersFunction", "VerifyFunction", "DropsFunction"] {
        assert!(credential(&created, function, "SUPABASE_ANON_KEY").is_some(), "{function}");
    }
    assert!(credential(&created, "UsersFunction", "STRIPE_SECRET_KEY").is_none());
    assert_eq!(users("CLORP_CLI_LOGIN_URL").as_deref(), Some("https://www.example.com/cli/login"));
    assert!(created["names"]["AlarmTopic"].is_null(), "the topic exists already");
}
