"""What the gateway refuses itself: each refusal as its own exception class, with a message that helps."""

import openai

client = openai.OpenAI(timeout=30, max_retries=0)
hello = [{"role": "user", "content": "Hi"}]


def refused(expected, status, code, **request):
    request = {"model": "smart", "messages": hello, **request}
    try:
        client.chat.completions.create(**request)
    except openai.APIStatusError as error:
        assert type(error) is expected, f"{type(error)} for {request}: {error}"
        assert error.status_code == status, error
        assert error.code == code, (error.code, error)
        assert error.message and error.request_id, error
        assert error.body["message"], error.body
        return error
    raise AssertionError(f"no exception for {request}")


error = refused(openai.NotFoundError, 404, "model_not_found", model="nothing")
assert "smart" in str(error), error
refused(openai.BadRequestError, 400, "invalid_value", messages=[])
refused(openai.BadRequestError, 400, "invalid_value", temperature="hot")
refused(openai.BadRequestError, 400, "unsupported_parameter", model="claude/claude-sonnet-5-5", n=2)
refused(openai.BadRequestError, 400, "unknown_route", extra_headers={"x-weir-route": "nobody"})
refused(openai.APIStatusError, 413, "request_too_large", messages=[{"role": "user", "content": "x" * (1 << 20)}])
try:
    client.embeddings.create(model="smart", input="x")
except openai.NotFoundError:
    pass
print("ok")
