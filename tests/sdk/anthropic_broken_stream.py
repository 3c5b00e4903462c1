"""The stream of MODEL breaks after some text: Anthropic's SDK must raise, whatever came before."""

import sys

import anthropic
import httpx2

client = anthropic.Anthropic(timeout=30, max_retries=0)
text = ""
try:
    request = {"model": sys.argv[1], "max_tokens": 500, "messages": [{"role": "user", "content": "Hi"}]}
    for event in client.messages.create(stream=True, **request):
        if event.type == "content_block_delta":
            text += event.delta.text
except (anthropic.APIError, httpx2.TransportError) as error:
    assert text, "nothing came before the break"
    print("ok", type(error).__name__)
else:
    raise AssertionError(f"no exception; the stream looks complete: {text!r}")
