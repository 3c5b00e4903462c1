"""Every target of MODEL fails: EXPECTED is raised, whole and streamed. TRIES is 1 plus the SDK's own retries."""

import sys

import openai

model, expected, tries = sys.argv[1:]
client = openai.OpenAI(timeout=30, max_retries=int(tries) - 1)
hello = [{"role": "user", "content": "Hi"}]
for stream in [False] if int(tries) > 1 else [False, True]:
    try:
        client.chat.completions.create(model=model, messages=hello, stream=stream)
    except openai.APIStatusError as error:
        assert type(error) is getattr(openai, expected), f"{type(error)}: {error}"
        assert error.request_id and error.message and error.type, error
    else:
        raise AssertionError(f"no exception, stream={stream}")
print("ok")
