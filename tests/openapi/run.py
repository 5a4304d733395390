"""Starts the gateway in each state of the world, and lets schemathesis ask it."""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jsonschema_rs

HERE = Path(__file__).parent.resolve()
ROOT = HERE.parents[1]
PROGRAM = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "debug/pilothouse"
STATES = ["linked", "restricted", "qr", "code", "passkey", "passkey_code", "down"]
# The same requests each time: what fails, fails again.
SEED = "20260921"
# What is wrong with a request is told alike in all states: it is asked for in the first, and the others are brief.
THOROUGH = ["--phases=examples,coverage,fuzzing,stateful", "--max-examples=30"]
BRIEF = ["--phases=examples,fuzzing", "--max-examples=10"]
# How long the gateway may take to listen, and to end.
PATIENCE = 60


class Receiver(BaseHTTPRequestHandler):
    """Takes what webhooks send, and looks whether that is described."""

    protocol_version = "HTTP/1.1"
    document = json.loads((ROOT / "assets/openapi.json").read_text())
    described = document["webhooks"]["event"]["post"]
    schema = described["requestBody"]["content"]["application/json"]["schema"]
    valid = jsonschema_rs.Draft202012Validator({"allOf": [schema], "components": document["components"]})
    headers_valid = {p["name"]: jsonschema_rs.Draft202012Validator(p["schema"]) for p in described["parameters"]}
    taken = 0
    wrong = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        for error in self.valid.iter_errors(json.loads(body)):
            self.wrong.append(f"{body}: {error.message}")
        for name, valid in self.headers_valid.items():
            value = self.headers[name] or ""
            if not valid.is_valid(int(value) if value.isdigit() else value):
                self.wrong.append(f"{name}: {value}")
        Receiver.taken += 1
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def environment(folder, state):
    keep = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return keep | {
        "HOME": str(folder),
        "TZ": "UTC",
        "WA_FAKE": state,
        "WA_SESSION_DIR": str(folder / "session"),
        "PILOTHOUSE_DATA_DIR": str(folder / "data"),
        "PILOTHOUSE_LISTEN": "127.0.0.1:0",
        "PILOTHOUSE_WEBHOOKS_ALLOW_PRIVATE": "true",
        # What the operator sets on the computer itself, no request can change: these would slow sending down.
        "PILOTHOUSE_SEND_RATE_PER_MINUTE": "0",
        "PILOTHOUSE_QUEUE_LIMIT": "10000",
        "PILOTHOUSE_BRIDGE_RSS_LIMIT_MB": "0",
    }


def address(gateway, log):
    """The host and port of the API, once it listens."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and gateway.poll() is None:
        found = re.search(r"the API listens address=(\S+)", log.read_text(errors="replace"))
        if found:
            return found[1]
        time.sleep(0.02)
    raise SystemExit(f"the gateway does not listen:\n{log.read_text(errors='replace')}")


def ask(folder, state, receiver):
    """Whether every answer was one that is described."""
    log = folder / "log"
    command = [PROGRAM, "--headless", "--bridge", HERE / "bridge.py"]
    with log.open("wb") as out:
        gateway = subprocess.Popen(
            command, env=environment(folder, state), cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
    try:
        at = address(gateway, log)
        token = (folder / "data/token").read_text().strip()
        asked = [
            Path(sys.executable).parent / "st",
            f"--config-file={HERE / 'schemathesis.toml'}",
            "run",
            f"http://{at}/openapi.json",
            f"--seed={SEED}",
            *(THOROUGH if state == "linked" else BRIEF),
        ]
        ours = {
            "WA_FAKE": state,
            "RECEIVER": receiver,
            "PILOTHOUSE_TOKEN": token,
            "SCHEMATHESIS_HOOKS": "hooks",
            "PYTHONPATH": str(HERE),
        }
        # What it has tried it writes down in the folder that it runs in.
        fits = subprocess.run(asked, env=os.environ | ours, cwd=folder).returncode == 0
        if gateway.poll() is not None or " panicked at " in log.read_text(errors="replace"):
            print(f"the gateway failed:\n{log.read_text(errors='replace')[-4000:]}")
            return False
        return fits
    finally:
        gateway.terminate()
        gateway.wait(PATIENCE)


def main():
    failed = []
    receiver = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{receiver.server_port}"
    for state in sys.argv[1:] or STATES:
        print(f"\n=== {state}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            start = time.monotonic()
            if not ask(Path(folder), state, address):
                failed.append(state)
            print(f"=== {state}: {time.monotonic() - start:.0f} s", flush=True)
    print(f"webhooks sent {Receiver.taken} events")
    if Receiver.wrong or not Receiver.taken:
        sys.exit("what webhooks sent is not described:\n" + "\n".join(Receiver.wrong[:20]))
    if failed:
        sys.exit(f"the description does not fit: {', '.join(failed)}")


main()
