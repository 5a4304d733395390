#!/usr/bin/env python3
"""A bridge that pretends: the state of the world that WA_FAKE names, and an answer to each message."""

import json
import os
import sys

STATE = os.environ["WA_FAKE"]
RESTRICTED = {"type": "restriction", "class": "reachout_timelock", "active": True, "text": "no new chats"}
MESSAGE = {
    "type": "message", "from": "+15551112222", "body": "good morning", "messageId": "3A01", "kind": "text",
    "timestampMs": 1790000000000, "name": "Ana", "chat": {"kind": "person", "id": "15551112222@s.whatsapp.net"},
}
READY = {"type": "ready", "account": {"phone": "+15550009999", "lid": None, "name": "Office"}}
REACTION = MESSAGE | {"messageId": "3A02", "kind": "reaction", "body": "+1", "target": {"messageId": "3A01"}}
ONCE_CONNECTED = {
    "linked": [READY, MESSAGE, REACTION],
    "restricted": [READY, RESTRICTED],
    "qr": [{"type": "qr", "qr": "2@pretended", "expiresInMs": 600000}],
    "code": [{"type": "pairing_code", "code": "ABCD1234", "expiresInMs": 600000}],
    "passkey": [{"type": "passkey", "options": {"challenge": "AA"}, "snippet": "(() => {})()", "expiresInMs": 600000}],
    "passkey_code": [{"type": "passkey_code", "code": "ABCD-1234", "confirm": True, "expiresInMs": 600000}],
}


def say(event):
    print(json.dumps(event), flush=True)


if STATE == "down":
    sys.exit(78)
# A bridge that can't log out is there too. With another the next account links at once.
LOGOUT = [] if STATE == "restricted" else ["logout"]
CAPABILITIES = [*LOGOUT, "ids", "connection", "heartbeat", "restriction", "passkey"]
say({"type": "hello", "protocol": {"major": 1}, "bridge": "pretended", "capabilities": CAPABILITIES})
for line in sys.stdin:
    command = json.loads(line)
    match command["cmd"]:
        case "connect":
            for event in ONCE_CONNECTED[STATE]:
                say(event)
        case "send":
            say({"type": "sent", "to": command["to"], "messageId": command["messageId"], "ok": True})
        case "ping":
            say({"type": "pong", "id": command["id"], "lastAnswerAgeMs": 0})
        case "logout":
            reason = {"class": "logged_out", "text": "asked for"}
            say({"type": "connection", "state": "logged_out", "reason": reason})
        case "passkey":
            say({"type": "error", "error": "it answers another challenge"})
