#!/usr/bin/env bash
# Prints prometheusrule.yaml: the rules of deploy/prometheus, as Prometheus' operator reads them.
set -euo pipefail
cd "$(dirname "$0")/../../../prometheus"
cat <<'HEAD'
# Made by prometheusrule.sh of deploy/prometheus/alerts.yml and recording.yml.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: srvd
spec:
  groups:
HEAD
sed -n '/^groups:/,$ { /^groups:/d; s/^\(.\)/  \1/; p }' alerts.yml recording.yml | sed '/^ *groups:$/d'
