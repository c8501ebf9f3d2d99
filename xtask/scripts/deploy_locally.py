#!/usr/bin/env python3
"""Deploys template.yaml into the local AWS emulator, as far as that can take it, and prints the stack's outputs as JSON.

    .local/venv-sam/bin/python xtask/scripts/deploy_locally.py --endpoint http://127.0.0.1:4566 --binaries target/debug \
        [--stack docent] [--delete] [Parameter=value ...]

SAM's own translator makes plain CloudFormation of the template, each function is packed as AWS wants it (`bootstrap` in a
zip file), and the emulator's CloudFormation makes the stack: parameters, rules and conditions are worked out, roles, queues,
functions and event sources made, the migrator is invoked as a custom resource and has to answer. What the emulator does not
know is left out and named on standard error.

It shows that the template's references, conditions and order hold. It cannot show that AWS accepts each value, that the
permissions suffice (the emulator asks nobody for them), the network, the alarms, the dashboard, or the HTTP API, whose routes
it does not take from a template.
"""

import argparse
import io
import json
import os
import sys
import time
import zipfile
from pathlib import Path

import boto3
from cfnlint.decode import decode
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

ROOT = Path(__file__).resolve().parents[2]
BUCKET = "docent-deployment"
REGION = "us-east-1"
# What the emulator refuses, in every mode.
UNKNOWN = {"AWS::EC2::EgressOnlyInternetGateway", "AWS::EC2::VPCCidrBlock", "AWS::ElastiCache::ServerlessCache"}


def translated():
    """The template as CloudFormation gets it from SAM, with the code where this script puts it."""
    template, problems = decode(str(ROOT / "template.yaml"))
    if problems:
        sys.exit(f"template.yaml: {problems}")
    template = json.loads(json.dumps(template))
    template["Globals"]["Function"].pop("CodeUri")
    os.environ["AWS_DEFAULT_REGION"] = REGION  # the translator asks for one
    functions = {}
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            binary = resource["Metadata"]["BuildProperties"]["Binary"]
            functions[name] = binary
            resource["Properties"]["CodeUri"] = {"Bucket": BUCKET, "Key": f"{binary}.zip"}
        if resource["Type"] == "AWS::Serverless::LayerVersion":
            resource["Properties"]["ContentUri"] = {"Bucket": BUCKET, "Key": "layer.zip"}
    return Translator({}, Parser()).translate(template, parameter_values={}), functions.values()


def without_what_is_unknown(template):
    """Leaves out resources that the emulator refuses, and whatever names them."""
    resources = template["Resources"]
    # Alarms that compute with several metrics; and the dashboard, which names them.
    gone = {name for name, it in resources.items() if it["Type"] in UNKNOWN or "Metrics" in it.get("Properties", {})}
    gone.add("Dashboard")
    gone.add("PrivateRouteOut")
    for name in sorted(gone):
        print(f"left out: {name} ({resources.pop(name)['Type']})", file=sys.stderr)
    for name in ("PrivateSubnetA", "PrivateSubnetB"):
        resources[name].pop("DependsOn")
        resources[name]["Properties"].pop("Ipv6CidrBlock")
    return json.loads(json.dumps(template), object_hook=lambda node: "left-out" if names(node) & gone else node)


def names(node):
    """The resources that an intrinsic function names."""
    text = node.get("Ref") or node.get("Fn::GetAtt") or node.get("Fn::Sub") or ""
    if isinstance(text, list):
        return {text[0]} if isinstance(text[0], str) else set()
    if "Fn::Sub" in node:
        return {part.split("}")[0].split(".")[0] for part in text.split("${")[1:]}
    return {text}


def archive(name, content):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = 0o755 << 16
        file.writestr(entry, content)
    return buffer.getvalue()


def end_of(cloudformation, stack, seconds=300):
    """Waits for the stack; its description, or none if it is gone."""
    for _ in range(seconds * 4):
        try:
            found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        except cloudformation.exceptions.ClientError:
            return None
        if not found["StackStatus"].endswith("_IN_PROGRESS"):
            return found
        time.sleep(0.25)
    sys.exit(f"the stack {stack} did not end within {seconds} s")


def why(cloudformation, stack):
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    return [f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason')}" for e in events if "FAILED" in e["ResourceStatus"]]


def main():
    arguments = argparse.ArgumentParser(description="Deploys template.yaml into the local AWS emulator.")
    arguments.add_argument("--endpoint", required=True)
    arguments.add_argument("--binaries", type=Path, help="the folder with api, worker, janitor and migrator")
    arguments.add_argument("--stack", default="docent")
    arguments.add_argument("--delete", action="store_true", help="delete the stack instead")
    arguments.add_argument("parameters", nargs="*", metavar="Parameter=value")
    given = arguments.parse_args()
    clients = {"endpoint_url": given.endpoint, "region_name": REGION, "aws_access_key_id": "test", "aws_secret_access_key": "test"}
    cloudformation = boto3.client("cloudformation", **clients)
    if given.delete:
        cloudformation.delete_stack(StackName=given.stack)
        left = end_of(cloudformation, given.stack)
        if left and left["StackStatus"] != "DELETE_COMPLETE":
            sys.exit(f"{left['StackStatus']}: {why(cloudformation, given.stack)}")
        return
    template, binaries = translated()
    template = without_what_is_unknown(template)
    s3 = boto3.client("s3", **clients)
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="layer.zip", Body=archive("README.md", (ROOT / "layer/README.md").read_bytes()))
    for binary in binaries:
        body = archive("bootstrap", (given.binaries / binary).read_bytes())
        s3.put_object(Bucket=BUCKET, Key=f"{binary}.zip", Body=body)
    s3.put_object(Bucket=BUCKET, Key="template.json", Body=json.dumps(template).encode())
    pairs = [parameter.split("=", 1) for parameter in given.parameters]
    deploy = cloudformation.update_stack if end_of(cloudformation, given.stack) else cloudformation.create_stack
    deploy(
        StackName=given.stack,
        TemplateURL=f"{given.endpoint}/{BUCKET}/template.json",
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in pairs],
    )
    stack = end_of(cloudformation, given.stack)
    if stack["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        sys.exit(f"{stack['StackStatus']}: {why(cloudformation, given.stack)}")
    print(json.dumps({output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}, indent=1))


if __name__ == "__main__":
    main()
