#!/bin/sh
# Run the tests against the newest of everything that pyproject.toml allows. Where these are the versions of
# constraints.txt, `make test` has done so already.
set -eu
cd "$(dirname "$0")/.."
venv=.venv-newest
rm -rf "$venv"
"${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable '.[dev]' \
  $(for each in plugins/*/pyproject.toml; do echo "--editable ./${each%/pyproject.toml}[dev]"; done)
"$venv/bin/python" -m pip freeze --disable-pip-version-check --exclude-editable >"$venv/freeze.txt"
newer=$(grep -vxF -f constraints.txt "$venv/freeze.txt" || true)
if [ -z "$newer" ]; then
  echo "newest: every dependency is at the tested version"
  exit 0
fi
echo "newest: differs from constraints.txt:" $newer
"$venv/bin/pytest" -q -m 'not interop and not e2e' "$@"
