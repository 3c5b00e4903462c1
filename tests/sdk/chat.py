"""A chat in every form that the SDK knows: MODEL is asked for, PROVIDER and NAME must answer."""

import asyncio
import json
import sys

import openai

model, provider, name = sys.argv[1:]
client = openai.OpenAI(timeout=30)
hello = [{"role": "user", "content": "How are you?"}]
weather = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
clock = {"type": "function", "function": {"name": "clock", "description": "The time.", "parameters": {"type": "object", "properties": {}}}}


def plain():
    raw = client.chat.completions.with_raw_response.create(model=model, messages=hello)
    assert raw.headers["x-weir-provider"] == provider, raw.headers
    assert raw.headers["x-weir-model"] == name, raw.headers
    answer = raw.parse()
    assert answer._request_id, "the SDK found no request id"
    choice = answer.choices[0]
    assert choice.message.role == "assistant"
    assert choice.message.content.startswith(f"Hello from {name} at"), choice
    assert choice.finish_reason == "stop", choice
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0, answer.usage
    return choice.message.content


def streamed(expected):
    pieces, finish = [], None
    for chunk in client.chat.completions.create(model=model, messages=hello, stream=True):
        assert chunk.usage is None, chunk
        (choice,) = chunk.choices
        pieces.append(choice.delta.content or "")
        finish = choice.finish_reason or finish
    assert "".join(pieces) == expected, pieces
    assert finish == "stop", finish
    assert len([piece for piece in pieces if piece]) > 3, pieces


def streamed_with_usage(expected):
    options = {"include_usage": True}
    chunks = list(client.chat.completions.create(model=model, messages=hello, stream=True, stream_options=options))
    assert chunks[-1].choices == [] and chunks[-1].usage.total_tokens > 0, chunks[-1]
    assert all(chunk.usage is None for chunk in chunks[:-1])
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1]) == expected


def helper_streamed(expected):
    """The SDK's own accumulator, which is stricter about what each chunk holds."""
    with client.chat.completions.stream(model=model, messages=hello, tools=[weather], tool_choice="none") as stream:
        for _ in stream:
            pass
        final = stream.get_final_completion()
    assert final.choices[0].message.content == expected, final
    assert final.choices[0].finish_reason == "stop", final


def conversation():
    """A call, its result, an answer; then another turn."""
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather?"}]
    answer = client.chat.completions.create(model=model, messages=messages, tools=[weather, clock])
    choice = answer.choices[0]
    assert choice.finish_reason == "tool_calls", choice
    (call,) = choice.message.tool_calls
    assert call.type == "function" and call.id and call.function.name == "weather", call
    assert json.loads(call.function.arguments) == {"city": "sim"}, call
    messages += [choice.message, {"role": "tool", "tool_call_id": call.id, "content": "18C and sunny"}]
    answer = client.chat.completions.create(model=model, messages=messages, tools=[weather, clock])
    assert "18C and sunny" in answer.choices[0].message.content, answer
    assert answer.choices[0].finish_reason == "stop", answer
    messages += [answer.choices[0].message, {"role": "user", "content": "Thanks!"}]
    answer = client.chat.completions.create(model=model, messages=messages, tools=[weather], tool_choice="none")
    assert "Thanks!" in answer.choices[0].message.content, answer


def parallel_conversation():
    """Two calls at once, streamed; both results; a streamed answer."""
    messages = [{"role": "user", "content": "Use all tools"}]
    calls, finish = {}, None
    for chunk in client.chat.completions.create(model=model, messages=messages, tools=[weather, clock], stream=True):
        (choice,) = chunk.choices
        finish = choice.finish_reason or finish
        for piece in choice.delta.tool_calls or []:
            call = calls.setdefault(piece.index, {"id": None, "name": None, "arguments": ""})
            call["id"] = piece.id or call["id"]
            call["name"] = piece.function.name or call["name"]
            call["arguments"] += piece.function.arguments or ""
    assert finish == "tool_calls", finish
    assert sorted(calls) == [0, 1], calls
    assert [calls[index]["name"] for index in (0, 1)] == ["weather", "clock"], calls
    assert calls[0]["id"] != calls[1]["id"], calls
    assert json.loads(calls[0]["arguments"]) == {"city": "sim"} and json.loads(calls[1]["arguments"]) == {}, calls
    messages.append(
        {
            "role": "assistant",
            "tool_calls": [
                {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": call["arguments"]}}
                for call in calls.values()
            ],
        }
    )
    messages += [{"role": "tool", "tool_call_id": call["id"], "content": f"{call['name']} says yes"} for call in calls.values()]
    stream = client.chat.completions.create(model=model, messages=messages, tools=[weather, clock], stream=True)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    assert "says yes" in text, text


def json_mode():
    answer = client.chat.completions.create(model=model, messages=hello, response_format={"type": "json_object"})
    assert isinstance(json.loads(answer.choices[0].message.content), dict), answer
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}}},
        "required": ["name", "tags"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "json_schema": {"name": "thing", "strict": True, "schema": schema}}
    answer = client.chat.completions.create(model=model, messages=hello, response_format=form)
    value = json.loads(answer.choices[0].message.content)
    assert isinstance(value["name"], str) and isinstance(value["tags"], list), value


async def at_once(expected):
    async with openai.AsyncOpenAI(timeout=30) as client:
        answers = await asyncio.gather(*(client.chat.completions.create(model=model, messages=hello) for _ in range(10)))
        assert {answer.choices[0].message.content for answer in answers} == {expected}
        stream = await client.chat.completions.create(model=model, messages=hello, stream=True)
        assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream]) == expected


text = plain()
streamed(text)
streamed_with_usage(text)
helper_streamed(text)
conversation()
parallel_conversation()
json_mode()
asyncio.run(at_once(text))
print("ok")
