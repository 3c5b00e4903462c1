"""A conversation that OpenAI keeps. MODEL has targets at several providers; HOLDER is the one that answers first."""

import sys

import openai

model, holder = sys.argv[1:]
client = openai.OpenAI(timeout=30)
raw = client.responses.with_raw_response.create(model=model, input="Hi")
assert raw.headers["x-weir-provider"] == holder, raw.headers
first = raw.parse()
try:
    client.responses.create(model=model, input="And now?", previous_response_id=first.id)
    raise SystemExit("it may have gone to an account that knows nothing of it")
except openai.BadRequestError as error:
    assert error.param == "previous_response_id" and "x-weir-route" in error.message, error
there = {"x-weir-route": raw.headers["x-weir-provider"]}
raw = client.responses.with_raw_response.create(model=model, input="And now?", previous_response_id=first.id, extra_headers=there)
assert raw.headers["x-weir-provider"] == holder, raw.headers
assert raw.parse().previous_response_id == first.id
try:
    client.responses.create(model=model, input="Hi", background=True)
    raise SystemExit("a background response was begun that nobody can fetch")
except openai.BadRequestError as error:
    assert error.param == "background", error
print("ok")
