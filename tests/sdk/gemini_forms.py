"""Answers in a form, pictures, tools, thoughts, and why an answer ended, as Google's SDK has them, at each of TARGETS."""

import asyncio
import base64
import json
import sys
from typing import Literal

import simulator
from google import genai
from google.genai import errors, types
from pydantic import BaseModel


class Tag(BaseModel):
    key: str
    value: int | None


class Thing(BaseModel):
    name: str
    size: Literal["small", "large"]
    tags: list[Tag]


def weather(city: str) -> str:
    """The weather of a city."""
    return f"18C and sunny in {city}"


client = genai.Client()
off = types.AutomaticFunctionCallingConfig(disable=True)
clock = types.FunctionDeclaration(name="clock", description="The time.")
city = types.Schema(type=types.Type.OBJECT, properties={"city": types.Schema(type=types.Type.STRING)}, required=["city"])
declared = types.FunctionDeclaration(name="weather", description="The weather of a city.", parameters=city)
both = types.Tool(function_declarations=[declared, clock])


def ask(model, contents="How are you?", **config):
    return client.models.generate_content(model=model, contents=contents, config=types.GenerateContentConfig(**config))


def stream(model, contents="How are you?", **config):
    config = types.GenerateContentConfig(**config)
    return list(client.models.generate_content_stream(model=model, contents=contents, config=config))


def structured(model):
    answer = ask(model, response_mime_type="application/json", response_schema=Thing)
    assert isinstance(answer.parsed, Thing), answer
    chunks = stream(model, response_mime_type="application/json", response_schema=Thing)
    assert Thing.model_validate_json("".join(chunk.text or "" for chunk in chunks)) == answer.parsed, chunks
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    answer = ask(model, response_mime_type="application/json", response_json_schema=schema)
    assert json.loads(answer.text) == {"city": "sim"}, answer
    try:
        answer = ask(model, response_mime_type="application/json", response_schema=list[Thing])
        assert answer.parsed == [] and not model.startswith("openai/"), answer
    except errors.ClientError as error:  # OpenAI's answers are objects.
        assert model.startswith("openai/") and "responseJsonSchema" in error.message, error
    answer = ask(model, response_mime_type="application/json")
    assert isinstance(json.loads(answer.text), dict), answer


def picture(model):
    image = types.Part.from_bytes(data=base64.b64decode(simulator.PNG), mime_type="image/png")
    answer = ask(model, [image, "What is it?"])
    assert "What is it?" in answer.text, answer
    assert simulator.PNG in simulator.sent(model)[-1].replace("-", "+").replace("_", "/"), "the picture got lost"


def parallel_tools(model):
    """Two calls at once, streamed; a result and a failure; a streamed answer."""
    question = types.Content(role="user", parts=[types.Part(text="Use all tools")])
    config = {"tools": [both], "automatic_function_calling": off, "system_instruction": "Be brief."}
    parts = [part for chunk in stream(model, [question], **config) for part in chunk.candidates[0].content.parts]
    first, second = [part.function_call for part in parts if part.function_call]
    assert (first.name, first.args, second.name, second.args) == ("weather", {"city": "sim"}, "clock", {}), parts
    results = [
        types.FunctionResponse(id=first.id, name="weather", response={"output": "18C and sunny"}),
        types.FunctionResponse(id=second.id, name="clock", response={"error": "no clock"}),
    ]
    answered = types.Content(role="user", parts=[types.Part(function_response=result) for result in results])
    chunks = stream(model, [question, types.Content(role="model", parts=parts), answered], **config)
    text = "".join(chunk.text or "" for chunk in chunks)
    assert "18C and sunny" in text and "no clock" in text, text


def forced_tools(model):
    """Where the model lets itself be told which tool to call."""
    for mode, names, called in (("ANY", ["clock"], "clock"), ("ANY", None, "weather"), ("NONE", None, None)):
        choice = types.FunctionCallingConfig(mode=mode, allowed_function_names=names)
        config = {"tool_config": types.ToolConfig(function_calling_config=choice), "automatic_function_calling": off}
        answer = ask(model, tools=[both], **config)
        assert [call.name for call in answer.function_calls or []] == ([called] if called else []), answer


def runs_tools(model):
    """The SDK calls a function here until the model has what it needs."""
    answer = ask(model, "Weather?", tools=[weather])
    assert "18C and sunny in sim" in answer.text, answer
    assert len(answer.automatic_function_calling_history) == 3, answer
    chat = client.chats.create(model=model, config=types.GenerateContentConfig(tools=[weather]))
    assert "18C and sunny in sim" in "".join(chunk.text or "" for chunk in chat.send_message_stream("Weather?"))
    assert "18C and sunny in sim" in chat.send_message("And now?").text


def thoughts(model):
    """Thoughts are shown when asked for, and taken back."""
    simulator.say(model, reasoning="Let me see.", text="Fine.")
    config = {"thinking_config": types.ThinkingConfig(include_thoughts=True, thinking_level="LOW")}
    whole = ask(model, **config).candidates[0].content
    chunks = stream(model, **config)
    simulator.heal()
    streamed = types.Content(role="model", parts=[part for chunk in chunks for part in chunk.candidates[0].content.parts])
    for content in (whole, streamed):
        assert "".join(part.text or "" for part in content.parts if not part.thought) == "Fine.", content
        if not model.startswith("openai/"):  # OpenAI's chats tell of no thoughts.
            assert "".join(part.text or "" for part in content.parts if part.thought) == "Let me see.", content
        turns = [types.UserContent("How are you?"), content, types.UserContent("And now?")]
        assert "And now?" in ask(model, turns, **config).text


def ends(model, blocked):
    answers = [ask(model, max_output_tokens=2), stream(model, max_output_tokens=2)[-1]]
    assert {answer.candidates[0].finish_reason for answer in answers} == {types.FinishReason.MAX_TOKENS}, answers
    simulator.say(model, finish_reason=blocked)
    assert ask(model).candidates[0].finish_reason == types.FinishReason.SAFETY
    simulator.heal()


async def at_once(model):
    models = genai.Client().aio.models
    answers = await asyncio.gather(*(models.generate_content(model=model, contents="How are you?") for _ in range(5)))
    chunks = [chunk async for chunk in await models.generate_content_stream(model=model, contents="How are you?")]
    called = await models.generate_content(
        model=model, contents="Weather?", config=types.GenerateContentConfig(tools=[weather])
    )
    assert {answer.text for answer in answers} == {"".join(chunk.text or "" for chunk in chunks)}, answers
    assert "18C and sunny in sim" in called.text, called


for model, blocked in zip(sys.argv[1:], ("content_filter", "refusal", "SAFETY"), strict=True):
    structured(model)
    picture(model)
    parallel_tools(model)
    if not model.startswith("claude/"):
        forced_tools(model)
    runs_tools(model)
    thoughts(model)
    ends(model, blocked)
    asyncio.run(at_once(model))
print("ok")
