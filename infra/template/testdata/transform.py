"""What SAM makes of a template: transform.py TEMPLATE writes JSON to standard output."""

import json
import os
import sys

os.environ.setdefault("AWS_DEFAULT_REGION", "ap-northeast-1")

from samtranslator.translator.managed_policy_translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


class NoPolicies(ManagedPolicyLoader):
    """No role of ours has a managed policy, so none is looked up in an account."""

    def __init__(self):
        pass

    def load(self):
        return {}


with open(sys.argv[1], encoding="utf-8") as f:
    doc = yaml_parse(f.read())
for r in doc["Resources"].values():  # which is what sam package does
    if r["Type"] == "AWS::Serverless::Function":
        r["Properties"]["CodeUri"] = {"Bucket": "artifacts", "Key": "function.zip"}
json.dump(transform(doc, {}, NoPolicies()), sys.stdout, default=str)
