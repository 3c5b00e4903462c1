"""The stream of MODEL breaks after some text: Google's SDK must raise, whatever came before."""

import sys

import httpx2
from google import genai
from google.genai import errors

text = ""
try:
    client = genai.Client()
    for chunk in client.models.generate_content_stream(model=sys.argv[1], contents="Hi"):
        text += chunk.text or ""
except (errors.APIError, httpx2.TransportError) as error:
    assert text, "nothing came before the break"
    print("ok", type(error).__name__)
else:
    raise AssertionError(f"no exception; the stream looks complete: {text!r}")
