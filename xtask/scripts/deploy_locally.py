#!/usr/bin/env python3
"""Deploys what `sam build` made into the local AWS emulator, as far as that can take it. Prints what became of it as JSON: the
stack's status, its outputs, and what was left out.

    .local/venv-sam/bin/python xtask/scripts/deploy_locally.py --endpoint http://127.0.0.1:4566 \
        [--stack docent] [--delete] [Parameter=value ...]

SAM's own translator makes plain CloudFormation of the built template, each package is put where a deployment puts it, and the
emulator's CloudFormation makes the stack: parameters, rules and conditions are worked out, roles, queues, functions and event
sources made, the migrator is invoked as a custom resource and has to answer.

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

BUILT = Path(__file__).resolve().parents[2] / ".aws-sam" / "build"
PACKAGED = (("AWS::Serverless::Function", "CodeUri"), ("AWS::Serverless::LayerVersion", "ContentUri"))
BUCKET = "docent-deployment"
REGION = "us-east-1"
# What the emulator refuses, in every mode.
UNKNOWN = {"AWS::EC2::EgressOnlyInternetGateway", "AWS::EC2::VPCCidrBlock", "AWS::ElastiCache::ServerlessCache"}


def translated():
    """The built template as CloudFormation gets it from SAM, and the packages by the keys that it knows them by."""
    template, problems = decode(str(BUILT / "template.yaml"))
    if problems:
        sys.exit(f"{BUILT}/template.yaml: {problems}")
    template = json.loads(json.dumps(template))
    template["Globals"]["Function"].pop("CodeUri", None)
    os.environ["AWS_DEFAULT_REGION"] = REGION  # the translator asks for one
    packages = {}
    for name, resource in template["Resources"].items():
        # CloudFormation makes texts of them, the emulator does not.
        variables = resource.get("Properties", {}).get("Environment", {}).get("Variables", {})
        variables.update({key: str(value) for key, value in variables.items() if isinstance(value, int)})
        for kind, property in PACKAGED:
            if resource["Type"] == kind:
                # SAM writes a folder beside the template; a deployment packs it and writes where it went.
                packages[f"{name}.zip"] = archive(BUILT / resource["Properties"][property])
                resource["Properties"][property] = {"Bucket": BUCKET, "Key": f"{name}.zip"}
    return Translator({}, Parser()).translate(template, parameter_values={}), packages


def without_what_is_unknown(template):
    """Leaves out resources that the emulator refuses, and whatever names them."""
    resources = template["Resources"]
    # Alarms that compute with several metrics; and the dashboard, which names them.
    gone = {name for name, it in resources.items() if it["Type"] in UNKNOWN or "Metrics" in it.get("Properties", {})}
    gone.add("Dashboard")
    gone.add("PrivateRouteOut")
    for name in gone:
        resources.pop(name)
    for name in ("PrivateSubnetA", "PrivateSubnetB"):
        resources[name].pop("DependsOn")
        resources[name]["Properties"].pop("Ipv6CidrBlock")
    template = json.loads(json.dumps(template), object_hook=lambda node: "left-out" if names(node) & gone else node)
    return template, sorted(gone)


def names(node):
    """The resources that an intrinsic function names."""
    text = node.get("Ref") or node.get("Fn::GetAtt") or node.get("Fn::Sub") or ""
    if isinstance(text, list):
        return {text[0]} if isinstance(text[0], str) else set()
    if "Fn::Sub" in node:
        return {part.split("}")[0].split(".")[0] for part in text.split("${")[1:]}
    return {text}


def archive(folder):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            file.write(path, path.relative_to(folder))
    return buffer.getvalue()


def end_of(cloudformation, stack, seconds=120):
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
    template, packages = translated()
    template, left_out = without_what_is_unknown(template)
    s3 = boto3.client("s3", **clients)
    s3.create_bucket(Bucket=BUCKET)
    for key, package in packages.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=package)
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
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    print(json.dumps({"status": stack["StackStatus"], "leftOut": left_out, "outputs": outputs}, indent=1))


if __name__ == "__main__":
    main()
