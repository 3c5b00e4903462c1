"""A stream of MODEL that breaks after its first content: the SDK must raise, never end quietly."""

import sys

import httpx2
import openai

(model,) = sys.argv[1:]
seen = []
try:
    for event in openai.OpenAI(timeout=30).responses.create(model=model, input="How are you?", stream=True):
        seen.append(event.type)
except (openai.APIError, httpx2.TransportError) as error:
    assert "response.output_text.delta" in seen, seen
    assert "response.completed" not in seen, seen
    print(type(error).__name__)
else:
    raise SystemExit(f"it ended quietly after {seen}")
