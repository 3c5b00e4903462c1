"""Each class of error as the exception that Anthropic's SDK has for it, at each of TARGETS; what breaks later; what the SDK
tries again. The SDK's key may do everything; `wrong` is nobody's, `narrow-key` may use the model `other` only, and `slow-key`
may ask once in three seconds."""

import sys
import time

import anthropic
import httpx2
import simulator

client = anthropic.Anthropic(timeout=30, max_retries=0)
hello = {"max_tokens": 500, "messages": [{"role": "user", "content": "Hi"}]}


def raised(expected, kind, says="", client=client, **request):
    """Asks whole and streamed; both raise the same."""
    for stream in (False, True):
        try:
            client.messages.create(stream=stream, **{**hello, **request})
        except anthropic.APIStatusError as error:
            assert type(error) is expected, f"{type(error)} for {request}: {error}"
            assert error.type == kind and error.request_id and says in error.api_message, error
            last = error
        else:
            raise AssertionError(f"no exception for {request}, stream={stream}")
    return last


def fails(target):
    for fault, expected, kind in (
        ({"status": 400, "message": "Your thing is wrong."}, anthropic.BadRequestError, "invalid_request_error"),
        ({"status": 401}, anthropic.InternalServerError, "api_error"),
        ({"status": 403}, anthropic.InternalServerError, "api_error"),
        ({"status": 404}, anthropic.NotFoundError, "not_found_error"),
        ({"status": 409}, anthropic.ConflictError, "conflict_error"),
        ({"status": 413}, anthropic.ContentTooLargeError, "request_too_large"),
        ({"status": 429, "retry_after": 60}, anthropic.RateLimitError, "rate_limit_error"),
        ({"status": 500}, anthropic.InternalServerError, "api_error"),
        ({"status": 529 if target.startswith("claude/") else 503}, anthropic.OverloadedError, "overloaded_error"),
        ({"reset": True}, anthropic.InternalServerError, "api_error"),
        ({"body": "<html>"}, anthropic.InternalServerError, "api_error"),
    ):
        simulator.fail(target, **fault)
        raised(expected, kind, fault.get("message", ""), model=target)
        simulator.heal()
    # The provider's bill is no rate limit, and coming again pays it not.
    billing = {"openai": "insufficient_quota", "claude": "enforced_spend_limit_reached", "gemini": "PerDay"}
    simulator.fail(target, status=429, code=billing[target.split("/")[0]])
    error = raised(anthropic.RateLimitError, "rate_limit_error", model=target)
    assert error.response.headers["x-should-retry"] == "false", error.response.headers
    simulator.fail(target, hang=True)
    raised(anthropic.GatewayTimeoutError, "timeout_error", model=f"quick-{target.split('/')[0]}")
    simulator.heal()


def breaks(target):
    for fault in ("cut_after_events", "close_after_events", "error_event_after"):
        simulator.fail(target, **{"event_delay_ms": 20, fault: simulator.preamble(target) + 4})
        text = ""
        try:
            with client.messages.stream(model=target, **hello) as stream:
                for piece in stream.text_stream:
                    text += piece
        except (anthropic.APIStatusError, httpx2.TransportError) as error:
            assert text, "nothing came before the break"
            assert isinstance(error, anthropic.APIStatusError) == (fault != "cut_after_events"), (fault, error)
        else:
            raise AssertionError(f"no exception; the stream looks complete: {text!r}")
        simulator.heal()


def succeeds_the_second_time(target):
    """Weir tries again; the SDK, which would not, sees one answer."""
    for fault in ({"status": 500}, {"reset": True}):
        request = {"model": f"again-{target.split('/')[0]}", **hello}
        simulator.fail(target, times=1, **fault)
        raw = client.messages.with_raw_response.create(**request)
        assert raw.headers["x-weir-attempts"] == "2" and raw.parse().stop_reason == "end_turn", raw.headers
        simulator.fail(target, times=1, **fault)
        with client.messages.stream(**request) as stream:
            assert stream.get_final_message().stop_reason == "end_turn"
        simulator.heal()


def refused():
    other = anthropic.Anthropic(timeout=30, max_retries=0, api_key="wrong")
    raised(anthropic.AuthenticationError, "authentication_error", client=other, model="smart")
    narrow = anthropic.Anthropic(timeout=30, max_retries=0, api_key="narrow-key")
    raised(anthropic.PermissionDeniedError, "permission_error", client=narrow, model="smart")
    raised(anthropic.NotFoundError, "not_found_error", "smart", model="nothing")
    raised(anthropic.BadRequestError, "invalid_request_error", "stop_sequences", model="openai/gpt-5.6", stop_sequences=["x"])
    wrong = {"temperature": "hot"}
    raised(anthropic.BadRequestError, "invalid_request_error", "temperature", model="smart", extra_body=wrong)


def waits_as_it_is_told():
    """A limit of our own: the SDK reads when to come again, and does."""
    slow = anthropic.Anthropic(timeout=30, api_key="slow-key", max_retries=0)
    slow.messages.create(model="smart", **hello)
    error = raised(anthropic.RateLimitError, "rate_limit_error", client=slow, model="smart")
    wait = int(error.response.headers["retry-after-ms"]) / 1000
    assert 0 < wait <= 3 and error.response.headers.get("x-should-retry") != "false", error.response.headers
    begun = time.monotonic()
    raw = slow.with_options(max_retries=2).messages.with_raw_response.create(model="smart", **hello)
    assert raw.retries_taken == 1 and time.monotonic() - begun > wait - 0.5, (raw.retries_taken, wait)


refused()
waits_as_it_is_told()
for target in sys.argv[1:]:
    fails(target)
    breaks(target)
    succeeds_the_second_time(target)
print("ok")
