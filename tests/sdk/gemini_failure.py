"""MODEL is not answered: Google's SDK raises EXPECTED of that STATUS, whole and streamed, and the message says SAYS."""

import sys

from google import genai
from google.genai import errors

model, expected, status, says = sys.argv[1:]
client = genai.Client()
for call in (client.models.generate_content, client.models.generate_content_stream):
    try:
        list(call(model=model, contents="Hi"))
    except errors.APIError as error:
        assert type(error) is getattr(errors, expected), f"{type(error)}: {error}"
        assert error.status == status and says in error.message, (error.code, error.status, error.message)
    else:
        raise AssertionError(f"no exception from {call}")
print("ok")
