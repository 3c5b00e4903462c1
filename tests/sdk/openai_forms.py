"""Answers in a form, pictures, calls of typed tools, and why an answer ended, as OpenAI's SDK has them, at each of TARGETS."""

import asyncio
import json
import sys
from typing import Literal

import openai
import simulator
from pydantic import BaseModel


class Tag(BaseModel):
    key: str
    value: int | None


class Thing(BaseModel):
    name: str
    size: Literal["small", "large"]
    tags: list[Tag]


class Weather(BaseModel):
    """The weather of a city."""

    city: str


client = openai.OpenAI(timeout=30, max_retries=0)
hello = [{"role": "user", "content": "How are you?"}]
weather = openai.pydantic_function_tool(Weather, name="weather")


def structured(model):
    answer = client.chat.completions.parse(model=model, messages=hello, response_format=Thing)
    assert isinstance(answer.choices[0].message.parsed, Thing), answer
    with client.chat.completions.stream(model=model, messages=hello, response_format=Thing) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert final.choices[0].message.parsed == answer.choices[0].message.parsed, final
    assert {"chunk", "content.delta", "content.done"} <= kinds, kinds


def picture(model):
    image = {"url": f"data:image/png;base64,{simulator.PNG}", "detail": "low"}
    parts = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": image}]
    answer = client.chat.completions.create(model=model, messages=[{"role": "user", "content": parts}])
    assert "What is it?" in answer.choices[0].message.content, answer
    assert simulator.PNG in simulator.sent(model)[-1], "the picture got lost"


def typed_tools(model):
    """A call whose arguments the SDK reads itself, streamed, and the answer to its result."""
    messages = [{"role": "user", "content": "Weather?"}]
    with client.chat.completions.stream(model=model, messages=messages, tools=[weather]) as stream:
        kinds = [event.type for event in stream]
        message = stream.get_final_completion().choices[0].message
    (call,) = message.tool_calls
    assert call.function.parsed_arguments == Weather(city="sim"), call
    assert "tool_calls.function.arguments.done" in kinds, kinds
    messages += [message, {"role": "tool", "tool_call_id": call.id, "content": [{"type": "text", "text": "18C and sunny"}]}]
    answer = client.chat.completions.parse(model=model, messages=messages, tools=[weather], tool_choice="auto")
    assert "18C and sunny" in answer.choices[0].message.content, answer


def forced_tools(model):
    """Where the model lets itself be told which tool to call."""
    named = {"type": "function", "function": {"name": "weather"}}
    some = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [named]}}
    for choice in ("required", named, some):
        answer = client.chat.completions.create(model=model, messages=hello, tools=[weather], tool_choice=choice)
        (call,) = answer.choices[0].message.tool_calls
        assert call.function.name == "weather" and json.loads(call.function.arguments) == {"city": "sim"}, answer


def ends(model, blocked):
    for stream in (False, True):
        cut = dict(model=model, messages=hello, max_completion_tokens=2, stream=stream)
        answer = client.chat.completions.create(**cut)
        reasons = [chunk.choices[0].finish_reason for chunk in (answer if stream else [answer])]
        assert reasons[-1] == "length", reasons
    try:
        client.chat.completions.parse(model=model, messages=hello, max_completion_tokens=2, response_format=Thing)
        raise AssertionError("half a document was read")
    except openai.LengthFinishReasonError as error:
        assert error.completion.usage.completion_tokens == 2, error
    simulator.say(model, finish_reason=blocked)
    try:
        client.chat.completions.parse(model=model, messages=hello, response_format=Thing)
        raise AssertionError("a blocked answer was read")
    except openai.ContentFilterFinishReasonError:
        simulator.heal()


async def at_once(model):
    async with openai.AsyncOpenAI(timeout=30, max_retries=0) as client:
        parse = client.chat.completions.parse(model=model, messages=hello, response_format=Thing)
        create = client.chat.completions.create(model=model, messages=hello, tools=[weather], stream=True)
        parsed, stream = await asyncio.gather(parse, create)
        chunks = [chunk async for chunk in stream]
    assert isinstance(parsed.choices[0].message.parsed, Thing), parsed
    calls = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or []]
    assert calls[0].function.name == "weather", calls
    assert json.loads("".join(call.function.arguments or "" for call in calls)) == {"city": "sim"}, calls


for model, blocked in zip(sys.argv[1:], ("content_filter", "refusal", "SAFETY"), strict=True):
    structured(model)
    picture(model)
    typed_tools(model)
    if not model.startswith("claude/"):
        forced_tools(model)
    ends(model, blocked)
    asyncio.run(at_once(model))
print("ok")
