"""MODEL is not answered: Anthropic's SDK raises EXPECTED, whole and streamed, with a message that says SAYS."""

import sys

import anthropic

model, expected, says = sys.argv[1:]
client = anthropic.Anthropic(timeout=30, max_retries=0)
for stream in [False, True]:
    try:
        client.messages.create(model=model, max_tokens=9, messages=[{"role": "user", "content": "Hi"}], stream=stream)
    except anthropic.APIStatusError as error:
        assert type(error).__name__ == expected, f"{type(error)}: {error}"
        assert error.request_id and error.body["type"] == "error", error.body
        assert says in error.body["error"]["message"], error.body
    else:
        raise AssertionError(f"no exception, stream={stream}")
print("ok")
