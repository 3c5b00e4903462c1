"""The models by name."""

import openai

models = openai.OpenAI(timeout=30).models.list().data
assert all(model.object == "model" and isinstance(model.created, int) and model.owned_by for model in models), models
print(*(model.id for model in models))
