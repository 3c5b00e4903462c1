"""A chat in every form that Google's SDK knows: MODEL is asked for, PROVIDER and NAME must answer."""

import sys

from google import genai
from google.genai import types

model, provider, name = sys.argv[1:]
client = genai.Client()
schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
weather = types.FunctionDeclaration(name="weather", description="The weather of a city.", parameters_json_schema=schema)
off = types.AutomaticFunctionCallingConfig(disable=True)
tools = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[weather])], automatic_function_calling=off)
brief = types.GenerateContentConfig(system_instruction="Be brief.")


def plain():
    answer = client.models.generate_content(model=model, contents="How are you?", config=brief)
    headers = answer.sdk_http_response.headers
    assert headers["x-weir-provider"] == provider and headers["x-weir-model"] == name, headers
    assert answer.text.startswith(f"Hello from {name} at"), answer
    assert answer.candidates[0].finish_reason == types.FinishReason.STOP, answer
    assert answer.response_id and answer.model_version, answer
    usage = answer.usage_metadata
    assert usage.prompt_token_count > 0 and usage.total_token_count > usage.prompt_token_count, usage
    return answer.text


def streamed(expected):
    chunks = list(client.models.generate_content_stream(model=model, contents="How are you?", config=brief))
    assert "".join(chunk.text or "" for chunk in chunks) == expected and len(chunks) > 3, chunks
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP, chunks[-1]
    assert chunks[-1].usage_metadata.total_token_count > 0, chunks[-1]


def conversation(stream):
    """A call, its result, an answer."""
    question = types.Content(role="user", parts=[types.Part(text="Weather?")])
    request = {"model": model, "contents": [question], "config": tools}
    if stream:
        parts = [part for chunk in client.models.generate_content_stream(**request) for part in chunk.candidates[0].content.parts]
    else:
        parts = client.models.generate_content(**request).candidates[0].content.parts
    (call,) = [part.function_call for part in parts if part.function_call]
    assert call.name == "weather" and call.args == {"city": "sim"}, call
    result = types.FunctionResponse(id=call.id, name=call.name, response={"result": "18C and sunny"})
    turns = [
        question,
        types.Content(role="model", parts=parts),
        types.Content(role="user", parts=[types.Part(function_response=result)]),
    ]
    answer = client.models.generate_content(model=model, contents=turns, config=tools)
    assert "18C and sunny" in answer.text, answer


def session():
    """The SDK keeps the conversation itself, and sends what was streamed to it back."""
    chat = client.chats.create(model=model)
    for text in ("One", "Two"):
        said = "".join(chunk.text or "" for chunk in chat.send_message_stream(text))
        assert text in said, said
    assert len(chat.get_history(curated=True)) >= 4, chat.get_history()


streamed(plain())
conversation(False)
conversation(True)
session()
print("ok")
