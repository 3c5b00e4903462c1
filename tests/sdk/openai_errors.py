"""Each class of error as the exception that OpenAI's SDK has for it, at each of TARGETS; what breaks later; what the SDK tries
again. The SDK's key may do everything; `wrong` is nobody's, `narrow-key` may use the model `other` only, and `slow-key` may
ask once in three seconds."""

import sys
import time

import httpx2
import openai
import simulator

client = openai.OpenAI(timeout=30, max_retries=0)
hello = [{"role": "user", "content": "Hi"}]


def raised(expected, code=None, says="", client=client, **request):
    """Asks whole and streamed; both raise the same."""
    for stream in (False, True):
        try:
            client.chat.completions.create(messages=hello, stream=stream, **request)
        except openai.APIStatusError as error:
            assert type(error) is expected, f"{type(error)} for {request}: {error}"
            assert code in (None, error.code), (error.code, error)
            assert error.request_id and error.type and says in error.message, error
            last = error
        else:
            raise AssertionError(f"no exception for {request}, stream={stream}")
    return last


def fails(target):
    for fault, expected, code in (
        ({"status": 400, "message": "Your thing is wrong."}, openai.BadRequestError, None),
        ({"status": 401}, openai.InternalServerError, "upstream_authentication_error"),
        ({"status": 403}, openai.InternalServerError, "upstream_authentication_error"),
        ({"status": 404}, openai.NotFoundError, "model_not_found"),
        ({"status": 409}, openai.ConflictError, None),
        ({"status": 413}, openai.APIStatusError, None),
        ({"status": 422}, openai.UnprocessableEntityError, None),
        ({"status": 429, "retry_after": 60}, openai.RateLimitError, "rate_limit_exceeded"),
        ({"status": 500}, openai.InternalServerError, None),
        ({"status": 529 if target.startswith("claude/") else 503}, openai.InternalServerError, "overloaded"),
        ({"reset": True}, openai.InternalServerError, None),
        ({"body": "<html>"}, openai.InternalServerError, None),
    ):
        simulator.fail(target, **fault)
        error = raised(expected, code, fault.get("message", ""), model=target)
        assert error.status_code == {401: 502, 403: 502, 500: 502, 529: 503, None: 502}.get(
            fault.get("status"), fault.get("status")
        ), (fault, error.status_code)
        simulator.heal()
    # The provider's bill is no rate limit, and coming again pays it not.
    billing = {"openai": "insufficient_quota", "claude": "enforced_spend_limit_reached", "gemini": "PerDay"}
    simulator.fail(target, status=429, code=billing[target.split("/")[0]])
    error = raised(openai.RateLimitError, "insufficient_quota", model=target)
    assert error.response.headers["x-should-retry"] == "false", error.response.headers
    simulator.fail(target, hang=True)
    assert raised(openai.InternalServerError, "upstream_timeout", model=f"quick-{target.split('/')[0]}").status_code == 504
    simulator.heal()


def breaks(target):
    for fault in ("cut_after_events", "close_after_events", "error_event_after"):
        simulator.fail(target, **{"event_delay_ms": 20, fault: simulator.preamble(target) + 4})
        text = ""
        try:
            for chunk in client.chat.completions.create(model=target, messages=hello, stream=True):
                text += chunk.choices[0].delta.content or ""
        except (openai.APIError, httpx2.TransportError) as error:
            assert text, "nothing came before the break"
            assert (type(error) is openai.APIError) == (fault != "cut_after_events"), (fault, error)
        else:
            raise AssertionError(f"no exception; the stream looks complete: {text!r}")
        simulator.heal()


def succeeds_the_second_time(target):
    """Weir tries again; the SDK, which would not, sees one answer."""
    for fault in ({"status": 429, "retry_after_ms": 20}, {"status": 500}, {"reset": True}):
        simulator.fail(target, times=1, **fault)
        request = {"model": f"again-{target.split('/')[0]}", "messages": hello}
        raw = client.chat.completions.with_raw_response.create(**request)
        assert raw.headers["x-weir-attempts"] == "2" and raw.parse().choices[0].finish_reason == "stop", raw.headers
        simulator.fail(target, times=1, **fault)
        chunks = list(client.chat.completions.create(stream=True, **request))
        assert chunks[-1].choices[0].finish_reason == "stop", chunks
        simulator.heal()


def refused():
    other = openai.OpenAI(timeout=30, max_retries=0, api_key="wrong")
    raised(openai.AuthenticationError, "invalid_api_key", client=other, model="smart")
    narrow = openai.OpenAI(timeout=30, max_retries=0, api_key="narrow-key")
    raised(openai.PermissionDeniedError, client=narrow, model="smart")
    raised(openai.NotFoundError, "model_not_found", "smart", model="nothing")
    raised(openai.BadRequestError, "unsupported_parameter", model="claude/claude-sonnet-5-5", n=2)
    raised(openai.BadRequestError, "invalid_value", model="smart", temperature="hot")


def waits_as_it_is_told():
    """A limit of our own: the SDK reads when to come again, and does."""
    slow = openai.OpenAI(timeout=30, api_key="slow-key", max_retries=0)
    slow.chat.completions.create(model="smart", messages=hello)
    error = raised(openai.RateLimitError, "rate_limit_exceeded", client=slow, model="smart")
    wait = int(error.response.headers["retry-after-ms"]) / 1000
    assert 0 < wait <= 3 and error.response.headers.get("x-should-retry") != "false", error.response.headers
    begun = time.monotonic()
    raw = slow.with_options(max_retries=2).chat.completions.with_raw_response.create(model="smart", messages=hello)
    assert raw.retries_taken == 1 and time.monotonic() - begun > wait - 0.5, (raw.retries_taken, wait)


refused()
waits_as_it_is_told()
for target in sys.argv[1:]:
    fails(target)
    breaks(target)
    succeeds_the_second_time(target)
print("ok")
