"""What is asked otherwise than schemathesis would."""

import itertools
import os
import re

import schemathesis

NUMBERS = itertools.count()


@schemathesis.hook
def before_call(context, case, kwargs):
    # Two messages with one key are a mistake of the caller's, and only that.
    key = (case.headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and re.fullmatch(r"[!#-~]{1,200}", key):
        case.headers["Idempotency-Key"] = f"{next(NUMBERS)}{key}"
    # What would be waited for half a minute never comes.
    if os.environ["WA_FAKE"] != "linked" and (case.query or {}).get("wait") == "sent":
        del case.query["wait"]
