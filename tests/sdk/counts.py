"""Both SDKs count the tokens of a chat of MODEL. EXACT is `exact` where a target of their kind counts, else `estimate`."""

import sys

import anthropic
from google import genai

model, exact = sys.argv[1:]
google = genai.Client()
text = "How many tokens are in this?"
tools = [{"name": "weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}]


def count_message(words, **more):
    raw = anthropic.Anthropic(timeout=30).messages.with_raw_response.count_tokens(
        model=model, messages=[{"role": "user", "content": words}], **more
    )
    estimate = raw.headers.get("x-weir-estimate")
    assert (estimate == "true") == (exact == "estimate"), raw.headers
    return raw.parse().input_tokens


def count_contents(words):
    return google.models.count_tokens(model=model, contents=words).total_tokens


if exact == "exact":
    assert count_message(text) == count_contents(text) == (len(text) + 3) // 4
assert count_message(text, system="Be brief.", tools=tools) > count_message(text) > 0
for count in (count_message, count_contents):
    assert count(text * 50) > 20 * count(text) / 4, count
print("ok")
