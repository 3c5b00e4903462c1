"""Answers in a form, pictures, tools, thoughts, and why an answer ended, as Anthropic's SDK has them, at each of TARGETS."""

import asyncio
import json
import sys
from typing import Literal

import anthropic
import simulator
from pydantic import BaseModel


class Tag(BaseModel):
    key: str
    value: int | None


class Thing(BaseModel):
    name: str
    size: Literal["small", "large"]
    tags: list[Tag]


client = anthropic.Anthropic(timeout=30, max_retries=0)
hello = [{"role": "user", "content": "How are you?"}]
schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
weather = {"name": "weather", "description": "The weather of a city.", "input_schema": schema}
clock = {"name": "clock", "description": "The time.", "input_schema": {"type": "object", "properties": {}}}


def structured(model):
    common = {"model": model, "max_tokens": 500, "messages": hello}
    answer = client.messages.parse(output_format=Thing, **common)
    assert isinstance(answer.parsed_output, Thing), answer
    with client.messages.stream(output_format=Thing, **common) as stream:
        assert stream.get_final_message().parsed_output == answer.parsed_output, answer
    form = {"format": {"type": "json_schema", "schema": {**schema, "additionalProperties": False}}}
    answer = client.messages.create(output_config=form, **common)
    assert json.loads(answer.content[0].text) == {"city": "sim"}, answer


def picture(model):
    source = {"type": "base64", "media_type": "image/png", "data": simulator.PNG}
    parts = [{"type": "image", "source": source}, {"type": "text", "text": "What is it?"}]
    answer = client.messages.create(model=model, max_tokens=500, messages=[{"role": "user", "content": parts}])
    assert "What is it?" in answer.content[0].text, answer
    assert simulator.PNG in simulator.sent(model)[-1], "the picture got lost"


def parallel_tools(model):
    """Two calls at once, streamed; a result and a failure; a streamed answer. Then a result with a picture."""
    messages = [{"role": "user", "content": "Use all tools"}]
    common = {"model": model, "max_tokens": 500, "tools": [weather, clock], "system": [{"type": "text", "text": "Be brief."}]}
    with client.messages.stream(messages=messages, **common) as stream:
        pieces = [event.partial_json for event in stream if event.type == "input_json"]
        message = stream.get_final_message()
    first, second = [block for block in message.content if block.type == "tool_use"]
    assert (first.name, first.input, second.name, second.input) == ("weather", {"city": "sim"}, "clock", {}), message
    assert message.stop_reason == "tool_use" and '"sim"' in "".join(pieces), pieces
    results = [
        {"type": "tool_result", "tool_use_id": first.id, "content": [{"type": "text", "text": "18C and sunny"}]},
        {"type": "tool_result", "tool_use_id": second.id, "content": "no clock", "is_error": True},
    ]
    messages += [{"role": "assistant", "content": message.content}, {"role": "user", "content": results}]
    with client.messages.stream(messages=messages, **common) as stream:
        text = stream.get_final_text()
    assert "18C and sunny" in text and "no clock" in text, text
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": simulator.PNG}}
    results[0]["content"].append(image)
    client.messages.create(messages=messages, **common)
    assert simulator.PNG in simulator.sent(model)[-1], "the picture got lost"


def forced_tools(model):
    """Where the model lets itself be told which tool to call."""
    common = {"model": model, "max_tokens": 500, "messages": hello, "tools": [clock, weather]}
    answer = client.messages.create(tool_choice={"type": "tool", "name": "weather"}, **common)
    assert [block.name for block in answer.content if block.type == "tool_use"] == ["weather"], answer
    answer = client.messages.create(tool_choice={"type": "any", "disable_parallel_tool_use": True}, **common)
    assert [block.name for block in answer.content if block.type == "tool_use"] == ["clock"], answer
    answer = client.messages.create(tool_choice={"type": "none"}, **common)
    assert answer.stop_reason == "end_turn", answer


def runs_tools(model):
    """The SDK's own loop, which calls a function here until the model has what it needs."""

    @anthropic.beta_tool
    def weather(city: str) -> str:
        """The weather of a city.

        Args:
            city: Where.
        """
        return f"18C and sunny in {city}"

    runner = client.beta.messages.tool_runner(
        model=model, max_tokens=500, messages=[{"role": "user", "content": "Weather?"}], tools=[weather]
    )
    assert "18C and sunny in sim" in runner.until_done().content[0].text


def keeps_a_thread(model):
    """The SDK sends what is new only, and all of it again when the thread is kept nowhere."""
    thread = client.beta.messages.thread(model=model, max_tokens=500, system="Be brief.")
    for text in ("One", "Two"):
        assert text in thread.send({"role": "user", "content": text}).content[0].text
    last = simulator.sent(model)[-1]
    assert "One" in last and "Two" in last and "Be brief." in last, last


def thoughts(model):
    """Thoughts are shown when asked for, signed, and taken back."""
    simulator.say(model, reasoning="Let me see.", text="Fine.")
    common = {"model": model, "max_tokens": 500, "thinking": {"type": "adaptive", "display": "summarized"}}
    whole = client.messages.create(messages=hello, **common)
    with client.messages.stream(messages=hello, **common) as stream:
        streamed = stream.get_final_message()
    simulator.heal()
    for message in (whole, streamed):
        assert message.content[-1].text == "Fine.", message
        if not model.startswith("openai/"):  # OpenAI's chats tell of no thoughts.
            assert message.content[0].type == "thinking" and message.content[0].thinking == "Let me see.", message
            assert message.content[0].signature, message
        turns = [*hello, {"role": "assistant", "content": message.content}, {"role": "user", "content": "And now?"}]
        assert "And now?" in client.messages.create(messages=turns, **common).content[-1].text


def ends(model, blocked):
    cut = {"model": model, "max_tokens": 2, "messages": hello}
    assert client.messages.create(**cut).stop_reason == "max_tokens"
    with client.messages.stream(**cut) as stream:
        assert stream.get_final_message().stop_reason == "max_tokens"
    simulator.say(model, finish_reason=blocked)
    assert client.messages.create(**{**cut, "max_tokens": 500}).stop_reason == "refusal"
    simulator.heal()


async def at_once(model):
    async with anthropic.AsyncAnthropic(timeout=30, max_retries=0) as client:
        common = {"model": model, "max_tokens": 500, "messages": hello}
        answers = await asyncio.gather(*(client.messages.create(**common) for _ in range(5)))
        async with client.messages.stream(tools=[weather], **common) as stream:
            called = await stream.get_final_message()
        async with client.messages.stream(**common) as stream:
            text = "".join([piece async for piece in stream.text_stream])
    assert {answer.content[0].text for answer in answers} == {text}, answers
    assert called.content[-1].input == {"city": "sim"}, called


for model, blocked in zip(sys.argv[1:], ("content_filter", "refusal", "SAFETY"), strict=True):
    structured(model)
    picture(model)
    parallel_tools(model)
    if not model.startswith("claude/"):
        forced_tools(model)
    runs_tools(model)
    keeps_a_thread(model)
    thoughts(model)
    ends(model, blocked)
    asyncio.run(at_once(model))
print("ok")
