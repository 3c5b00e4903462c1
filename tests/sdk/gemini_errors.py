"""Each class of error as the exception that Google's SDK has for it, at each of TARGETS; what breaks later; what the SDK
tries again. The SDK's key may do everything; `wrong` is nobody's, `narrow-key` may use the model `other` only, and `slow-key`
may ask once in three seconds."""

import sys

import httpx2
import simulator
from google import genai
from google.genai import errors, types

client = genai.Client()


def raised(expected, code, status, says="", client=client, **request):
    """Asks whole and streamed; both raise the same."""
    for ask in (client.models.generate_content, client.models.generate_content_stream):
        try:
            list(ask(contents="Hi", **request))
        except errors.APIError as error:
            assert type(error) is expected, f"{type(error)} for {request}: {error}"
            assert (error.code, error.status) == (code, status) and says in error.message, error
        else:
            raise AssertionError(f"no exception for {request} from {ask}")


def fails(target):
    for fault, expected, code, status in (
        ({"status": 400, "message": "Your thing is wrong."}, errors.ClientError, 400, "INVALID_ARGUMENT"),
        ({"status": 401}, errors.ServerError, 502, "UNAVAILABLE"),
        ({"status": 403}, errors.ServerError, 502, "UNAVAILABLE"),
        ({"status": 404}, errors.ClientError, 404, "NOT_FOUND"),
        ({"status": 413}, errors.ClientError, 413, "INVALID_ARGUMENT"),
        ({"status": 429, "retry_after": 60}, errors.ClientError, 429, "RESOURCE_EXHAUSTED"),
        ({"status": 500}, errors.ServerError, 502, "UNAVAILABLE"),
        ({"status": 529 if target.startswith("claude/") else 503}, errors.ServerError, 503, "UNAVAILABLE"),
        ({"reset": True}, errors.ServerError, 502, "UNAVAILABLE"),
        ({"body": "<html>"}, errors.ServerError, 502, "UNAVAILABLE"),
    ):
        simulator.fail(target, **fault)
        raised(expected, code, status, fault.get("message", ""), model=target)
        simulator.heal()
    simulator.fail(target, hang=True)
    raised(errors.ServerError, 504, "DEADLINE_EXCEEDED", model=f"quick-{target.split('/')[0]}")
    simulator.heal()


def breaks(target):
    for fault in ("cut_after_events", "close_after_events", "error_event_after"):
        simulator.fail(target, **{"event_delay_ms": 20, fault: simulator.preamble(target) + 4})
        text = ""
        try:
            for chunk in client.models.generate_content_stream(model=target, contents="Hi"):
                text += chunk.text or ""
        except (errors.ServerError, httpx2.TransportError) as error:
            assert text, "nothing came before the break"
            assert isinstance(error, errors.ServerError) == (fault != "cut_after_events"), (fault, error)
        else:
            raise AssertionError(f"no exception; the stream looks complete: {text!r}")
        simulator.heal()


def succeeds_the_second_time(target):
    """Weir tries again; the SDK, which would not, sees one answer."""
    for fault in ({"status": 500}, {"reset": True}):
        request = {"model": f"again-{target.split('/')[0]}", "contents": "Hi"}
        simulator.fail(target, times=1, **fault)
        answer = client.models.generate_content(**request)
        assert answer.sdk_http_response.headers["x-weir-attempts"] == "2" and answer.text, answer
        simulator.fail(target, times=1, **fault)
        chunks = list(client.models.generate_content_stream(**request))
        assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP, chunks
        simulator.heal()


def refused():
    raised(errors.ClientError, 401, "UNAUTHENTICATED", client=genai.Client(api_key="wrong"), model="smart")
    raised(errors.ClientError, 403, "PERMISSION_DENIED", client=genai.Client(api_key="narrow-key"), model="smart")
    raised(errors.ClientError, 404, "NOT_FOUND", "smart", model="nothing")
    two = types.GenerateContentConfig(candidate_count=2)
    named = "generationConfig.candidateCount"
    raised(errors.ClientError, 400, "INVALID_ARGUMENT", named, model="claude/claude-sonnet-5-5", config=two)


def comes_again():
    """A limit of our own: the SDK, asked to retry, does. (It reads no time from the answer.)"""
    slow = genai.Client(api_key="slow-key")
    slow.models.generate_content(model="smart", contents="Hi")
    raised(errors.ClientError, 429, "RESOURCE_EXHAUSTED", client=slow, model="smart")
    retries = types.HttpRetryOptions(attempts=5, initial_delay=1)
    slow = genai.Client(api_key="slow-key", http_options=types.HttpOptions(retry_options=retries))
    assert slow.models.generate_content(model="smart", contents="Hi").text


refused()
comes_again()
for target in sys.argv[1:]:
    fails(target)
    breaks(target)
    succeeds_the_second_time(target)
print("ok")
