"""What `scripts/fuzz` adds to Schemathesis' calls: who makes them; most are about things that exist, and few share a
key."""
import json, os, random

import schemathesis

THINGS, TOKENS = json.loads(os.environ["FUZZ_THINGS"]), json.loads(os.environ["FUZZ_TOKENS"])
dice = random.Random(1)


@schemathesis.hook
def before_call(context, case, kwargs):
    # Where a redirect leads is not the document's business.
    kwargs["allow_redirects"] = False
    path, deletes = case.operation.path, case.method.upper() == "DELETE"
    if TOKENS and dice.random() < 0.95:
        # Some calls end the session; those are another's.
        token = TOKENS["other"] if path.startswith(("/auth/logout", "/auth/sessions")) else TOKENS["admin"]
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {token}"}
    known = next((things for start, things in THINGS.items() if path.startswith(start)), {})
    # What is gone makes the rest of the run dull.
    if known and not deletes and dice.random() < 0.75:
        for values in (case.path_parameters, case.query, case.body):
            for name in values if isinstance(values, dict) else ():
                if name in known and isinstance(values[name], str):
                    values[name] = known[name]
    # The same key for another request is one refusal; it hides all others.
    if dice.random() < 0.8:
        for name in [name for name in case.headers or {} if name.lower() == "idempotency-key"]:
            del case.headers[name]
