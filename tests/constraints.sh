#!/bin/sh
# Write constraints.txt: what a new environment gets today from the ranges of pyproject.toml.
set -eu
cd "$(dirname "$0")/.."
aside=$(mktemp -d)
trap 'rm -rf "$aside"' EXIT
"${PYTHON:-python3}" -m venv "$aside/venv"
"$aside/venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable '.[dev,mutants]' \
  $(for each in plugins/*/pyproject.toml; do echo "--editable ./${each%/pyproject.toml}[dev]"; done)
{
  echo "# The versions that the tests were run with; written by \`make constraints\`, used by \`make dev\` and the gate."
  "$aside/venv/bin/python" -m pip freeze --disable-pip-version-check --exclude-editable
} >"$aside/constraints.txt"
mv "$aside/constraints.txt" constraints.txt
git --no-pager diff --stat -- constraints.txt
