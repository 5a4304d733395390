#!/usr/bin/env bash
# Whether the program answers as assets/openapi.json says: schemathesis asks it, in several states of the world, with a
# bridge that only pretends. What it needs is installed in target/. Arguments are states: linked, restricted, …
set -euo pipefail
cd "$(dirname "$0")/.."

venv=${CARGO_TARGET_DIR:-target}/schemathesis
locked=tests/openapi/requirements.txt
if ! cmp -s "$locked" "$venv/installed"; then
  command -v python3 >/dev/null && python3 -c 'import ensurepip, venv' 2>/dev/null ||
    { apt-get update -q && apt-get install -y -q python3 python3-venv; }
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$locked"
  cp "$locked" "$venv/installed"
fi
cargo build --locked --bin pilothouse
exec "$venv/bin/python" tests/openapi/run.py "$@"
