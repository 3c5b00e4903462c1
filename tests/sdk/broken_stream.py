"""The stream of MODEL breaks after some text: the SDK must raise, whatever came before."""

import sys

import httpx2
import openai

client = openai.OpenAI(timeout=30, max_retries=0)
text = ""
try:
    for chunk in client.chat.completions.create(model=sys.argv[1], messages=[{"role": "user", "content": "Hi"}], stream=True):
        text += chunk.choices[0].delta.content or ""
except (openai.APIError, httpx2.TransportError) as error:
    assert text, "nothing came before the break"
    print("ok", type(error).__name__)
else:
    raise AssertionError(f"no exception; the stream looks complete: {text!r}")
