"""Reads one YAML document on standard input, a Compose file, validates it against the schema that
the argument names, and prints it as JSON."""
import json
import sys

import jsonschema
import yaml

with open(sys.argv[1]) as file:
    schema = json.load(file)
document = yaml.safe_load(sys.stdin)
jsonschema.validate(document, schema, jsonschema.Draft7Validator)
json.dump(document, sys.stdout)
