"""The Responses API in every form that the SDK knows: MODEL is asked for, PROVIDER and NAME must answer."""

import json
import sys

import openai

model, provider, name = sys.argv[1:]
client = openai.OpenAI(timeout=30)
weather = {
    "type": "function",
    "name": "weather",
    "description": "The weather of a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}


def plain():
    raw = client.responses.with_raw_response.create(model=model, input="How are you?", instructions="Be brief.")
    assert raw.headers["x-weir-provider"] == provider, raw.headers
    assert raw.headers["x-weir-model"] == name, raw.headers
    answer = raw.parse()
    assert answer.status == "completed" and answer._request_id, answer
    assert answer.output_text.startswith(f"Hello from {name} at"), answer
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens > 0, answer.usage
    return answer.output_text


def streamed(expected):
    events = list(client.responses.create(model=model, input="How are you?", instructions="Be brief.", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events))), events
    assert events[0].type == "response.created" and events[-1].type == "response.completed", events
    pieces = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(pieces) == expected and len(pieces) > 3, pieces
    assert events[-1].response.output_text == expected
    assert events[-1].response.usage.total_tokens > 0


def helper_streamed(expected):
    """The SDK's own accumulator, which is stricter about the order of events."""
    with client.responses.stream(model=model, input="How are you?", instructions="Be brief.") as stream:
        for _ in stream:
            pass
        assert stream.get_final_response().output_text == expected


def tools():
    for stream in (False, True):
        given = [{"role": "user", "content": "Weather?"}]
        answer = client.responses.create(model=model, input=given, tools=[weather], stream=stream)
        if stream:
            answer = list(answer)[-1].response
        (call,) = answer.output
        assert call.type == "function_call" and call.name == "weather", call
        assert json.loads(call.arguments) == {"city": "sim"}, call
        given += [call, {"type": "function_call_output", "call_id": call.call_id, "output": "18C and sunny"}]
        answer = client.responses.create(model=model, input=given, tools=[weather])
        assert "18C and sunny" in answer.output_text, answer


def structured():
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}},
        "required": ["name"],
        "additionalProperties": False,
    }
    form = {"format": {"type": "json_schema", "name": "thing", "schema": schema, "strict": True}}
    answer = client.responses.create(model=model, input="Hi", text=form)
    assert isinstance(json.loads(answer.output_text)["name"], str), answer


def cut_short():
    answer = client.responses.create(model=model, input="x" * 300, max_output_tokens=16)
    assert answer.usage.output_tokens <= 16, answer


text = plain()
streamed(text)
helper_streamed(text)
tools()
structured()
cut_short()
print("ok")
