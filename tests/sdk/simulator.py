"""The simulator behind the gateway: what goes wrong at a target, what it says, and what it was sent."""

import json
import os
import urllib.request

# The providers that the names in `weir.yaml` stand for, and how many events of a stream come before its first text.
PROVIDERS = {"openai": ("openai", 1), "claude": ("anthropic", 3), "gemini": ("gemini", 0)}
# The smallest picture: one dot.
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def control(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(os.environ["WEIR_SIM"] + path, data, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def heal():
    """All answer again, and what they like; what they were sent stays in the journal."""
    control("DELETE", "/faults")
    for name, _ in PROVIDERS.values():
        control("DELETE", f"/reply/{name}")


def provider(target):
    return PROVIDERS[target.split("/")[0]][0]


def preamble(target):
    return PROVIDERS[target.split("/")[0]][1]


def fail(target, **fault):
    """What is asked of a target from now on fails."""
    control("PUT", f"/faults/{provider(target)}", fault)


def say(target, **reply):
    control("PUT", f"/reply/{provider(target)}", reply)


def sent(target):
    """The bodies that a target got."""
    return [entry["body"] for entry in control("GET", f"/journal?provider={provider(target)}")]
