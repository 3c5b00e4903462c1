"""What cannot be embedded: each is the exception that the SDK has for it, and names what is wrong."""

import openai

client = openai.OpenAI(timeout=30)


def refused(kind, param, **request):
    try:
        client.embeddings.create(**request)
    except kind as error:
        assert error.param == param, error
        return
    raise SystemExit(f"{request} was answered")


refused(openai.BadRequestError, "input", model="words", input=[])
refused(openai.BadRequestError, "dimensions", model="words", input="x", dimensions=0)
refused(openai.BadRequestError, "model", model="claude/claude-sonnet-5-5", input="x")
refused(openai.BadRequestError, "input[1]", model="gemini/gemini-embedding-001", input=["x", ""])
refused(openai.NotFoundError, "model", model="nothing", input="x")
print("ok")
