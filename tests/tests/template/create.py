"""Creates the transformed template on standard input in moto, with the parameters in the arguments, and prints
the resources as JSON. A parameter that is the name of a secret becomes its ARN.
"""

import io
import json
import re
import sys
import warnings
import zipfile

import boto3
from moto import mock_aws

REGION = "us-east-1"
SECRETS = {
    "clorp/payments": {"STRIPE_SECRET_KEY": "sk_1", "SUPABASE_ANON_KEY": "anon_1"},
    "clorp/stripe-webhook": {"STRIPE_WEBHOOK_SECRETS": "whsec_1"},
    "clorp/sessions": {"SUPABASE_ANON_KEY": "anon_1"},
    "clorp/judge": {"CLORP_JUDGE_MODEL_KEY": "model_1", "CLORP_JUDGE_SECOND_MODEL_KEY": "model_2"},
}


def client(service):
    return boto3.client(service, region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")


def code():
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("bootstrap", "")
    return zipped.getvalue()


def create_secrets():
    """Creates the secrets. Returns their ARNs by name."""
    create = client("secretsmanager").create_secret
    return {name: create(Name=name, SecretString=json.dumps(fields))["ARN"] for name, fields in SECRETS.items()}


def create(template, parameters):
    """Creates the stack. Returns its resources by type, and the types that moto does not know."""
    s3 = client("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="key", Body=code())
    s3.put_object(Bucket="bucket", Key="template", Body=template)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        client("cloudformation").create_stack(
            StackName="clorp",
            TemplateURL="https://s3.amazonaws.com/bucket/template",
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
    unknown = re.findall(r"Tried to parse (\S+) but", " ".join(str(w.message) for w in caught))
    pages = client("cloudformation").get_paginator("list_stack_resources").paginate(StackName="clorp")
    resources = [r for page in pages for r in page["StackResourceSummaries"]]
    return {r["LogicalResourceId"]: r.get("PhysicalResourceId") for r in resources}, sorted(set(unknown))


def environments(names):
    functions = {id: name for id, name in names.items() if id.endswith("Function")}
    get = client("lambda").get_function_configuration
    return {id: get(FunctionName=name)["Environment"]["Variables"] for id, name in functions.items()}


@mock_aws
def main():
    # moto knows no alias, so that callers reach the function itself.
    template = json.dumps(json.load(sys.stdin))
    template = re.sub(r'\{"Ref": "(\w+)Aliaslive"\}', r'{"Fn::GetAtt": ["\1", "Arn"]}', template)
    template = json.loads(template)
    # moto fails on attributes of types that it does not know.
    del template["Outputs"]
    template["Resources"] = {
        id: resource
        for id, resource in template["Resources"].items()
        if resource["Type"] != "AWS::Lambda::Alias"
    }
    arns = create_secrets()
    parameters = {name: arns.get(value, value) for name, value in json.loads(sys.argv[1]).items()}
    names, unknown = create(json.dumps(template), parameters)
    queue = client("sqs").get_queue_attributes(QueueUrl=names["RankingQueue"], AttributeNames=["All"])
    rules = client("events").list_rules()["Rules"]
    targets = [client("events").list_targets_by_rule(Rule=rule["Name"])["Targets"] for rule in rules]
    wakes = client("lambda").list_event_source_mappings()["EventSourceMappings"]
    result = {
        "names": names,
        "unknown": unknown,
        "environments": environments(names),
        "secrets": {arn: SECRETS[name] for name, arn in arns.items()},
        "table": client("dynamodb").describe_table(TableName=names["Table"])["Table"],
        "queue": queue["Attributes"],
        "swept": sorted(target["Arn"] for of_rule in targets for target in of_rule),
        "woken": [(wake["EventSourceArn"], wake["FunctionArn"]) for wake in wakes],
    }
    json.dump(result, sys.stdout, default=str)


main()
