"""The tokens of MODEL cannot be counted: prints what each SDK raises."""

import sys

import anthropic
from google import genai
from google.genai import errors

(model,) = sys.argv[1:]
google = genai.Client()
raised = []
try:
    anthropic.Anthropic(timeout=30).messages.count_tokens(model=model, messages=[{"role": "user", "content": "Hi"}])
except anthropic.APIStatusError as error:
    raised.append(type(error).__name__)
try:
    google.models.count_tokens(model=model, contents="Hi")
except errors.APIError as error:
    raised.append(type(error).__name__)
print(*raised)
