"""A chat in every form that Anthropic's SDK knows: MODEL is asked for, PROVIDER and NAME must answer."""

import sys

import anthropic

model, provider, name = sys.argv[1:]
client = anthropic.Anthropic(timeout=30)
hello = [{"role": "user", "content": "How are you?"}]
schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
weather = {"name": "weather", "description": "The weather of a city.", "input_schema": schema}
common = {"model": model, "max_tokens": 500}


def plain():
    raw = client.messages.with_raw_response.create(messages=hello, system="Be brief.", **common)
    assert raw.headers["x-weir-provider"] == provider, raw.headers
    assert raw.headers["x-weir-model"] == name, raw.headers
    message = raw.parse()
    assert message._request_id, "the SDK found no request id"
    assert message.type == "message" and message.role == "assistant" and message.id, message
    assert message.stop_reason == "end_turn", message
    assert message.usage.input_tokens > 0 and message.usage.output_tokens > 1, message.usage
    (block,) = message.content
    assert block.type == "text" and block.text.startswith(f"Hello from {name} at"), block
    return block.text


def streamed(expected):
    with client.messages.stream(messages=hello, system="Be brief.", **common) as stream:
        pieces = list(stream.text_stream)
        message = stream.get_final_message()
    assert "".join(pieces) == expected and len(pieces) > 3, pieces
    assert message.content[0].text == expected and message.stop_reason == "end_turn", message
    assert message.usage.output_tokens > 1, message.usage
    kinds = [event.type for event in client.messages.create(messages=hello, stream=True, **common)]
    assert kinds[0] == "message_start" and kinds[-1] == "message_stop", kinds
    assert kinds.count("content_block_start") == kinds.count("content_block_stop") == 1, kinds


def conversation(stream):
    """A call, its result, an answer."""
    messages = [{"role": "user", "content": "Weather?"}]
    if stream:
        with client.messages.stream(messages=messages, tools=[weather], **common) as events:
            message = events.get_final_message()
    else:
        message = client.messages.create(messages=messages, tools=[weather], **common)
    assert message.stop_reason == "tool_use", message
    (call,) = [block for block in message.content if block.type == "tool_use"]
    assert call.id and call.name == "weather" and call.input == {"city": "sim"}, call
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "18C and sunny"}
    messages += [{"role": "assistant", "content": message.content}, {"role": "user", "content": [result]}]
    answer = client.messages.create(messages=messages, tools=[weather], **common)
    assert "18C and sunny" in answer.content[0].text and answer.stop_reason == "end_turn", answer


streamed(plain())
conversation(False)
conversation(True)
print("ok")
