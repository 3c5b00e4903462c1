"""Embeddings in every form that the SDK knows: MODEL is asked for, PROVIDER and NAME must answer. TAKES says
what that does with token ids: `tokens` embeds them, `texts` refuses; `-` is not asked."""

import math
import sys

import openai

model, provider, name, takes = sys.argv[1:]
client = openai.OpenAI(timeout=30)


def cosine(one, other):
    return sum(a * b for a, b in zip(one, other)) / math.hypot(*one) / math.hypot(*other)


# The SDK asks for base64 by itself, and decodes it.
raw = client.embeddings.with_raw_response.create(model=model, input="the capital of France")
assert raw.headers["x-weir-provider"] == provider, raw.headers
assert raw.headers["x-weir-model"] == name, raw.headers
answer = raw.parse()
assert answer.object == "list" and answer.model == name, answer
(one,) = answer.data
assert one.object == "embedding" and one.index == 0 and len(one.embedding) > 1000, one
assert answer.usage.prompt_tokens == answer.usage.total_tokens > 0, answer.usage

# As plain numbers it is the same vector.
(plain,) = client.embeddings.create(model=model, input="the capital of France", encoding_format="float").data
assert all(isinstance(number, float) for number in plain.embedding), plain
assert len(plain.embedding) == len(one.embedding)
assert max(abs(a - b) for a, b in zip(plain.embedding, one.embedding)) < 1e-6

# A batch keeps its order, and each text its own vector.
texts = ["the capital of France", "bake sourdough bread", "größte Stadt 🏙"] * 20
batch = client.embeddings.create(model=model, input=texts, dimensions=256)
assert [item.index for item in batch.data] == list(range(60)), batch
assert all(len(item.embedding) == 256 for item in batch.data)
first, second = batch.data[0].embedding, batch.data[1].embedding
assert cosine(first, batch.data[3].embedding) > 0.999
assert cosine(first, second) < 0.9
assert batch.usage.prompt_tokens > answer.usage.prompt_tokens

for tokens in ([1, 2, 3], [[1, 2], [3]]) if takes != "-" else ():
    if takes == "tokens":
        found = client.embeddings.create(model=model, input=tokens)
        assert len(found.data) == (2 if isinstance(tokens[0], list) else 1), found
        continue
    try:
        client.embeddings.create(model=model, input=tokens)
        raise SystemExit("token ids of another model were embedded")
    except openai.BadRequestError as error:
        assert error.param == "input" and error.code == "unsupported_parameter", error
print("ok")
