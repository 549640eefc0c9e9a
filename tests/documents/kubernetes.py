"""Validates Kubernetes resources on standard input, YAML documents, against the schemas that
Kubernetes publishes. Members that a schema does not know are faults. Prints what it validated;
resources of other makers have no schema here."""
import sys

import yaml
import kubernetes_validate

VERSION = "1.30"
for resource in yaml.safe_load_all(sys.stdin):
    name = f"{resource['kind']} {resource['metadata']['name']}"
    if resource["apiVersion"].startswith("monitoring.coreos.com/"):
        print(f"no schema: {name}")
        continue
    kubernetes_validate.validate(resource, VERSION, strict=True)
    print(f"valid: {name}")
