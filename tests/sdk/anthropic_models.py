"""The models by name, as Anthropic's SDK lists them, and the first of them alone; one that is not there is a STATUS."""

import sys

import anthropic

client = anthropic.Anthropic(timeout=30)
models = list(client.models.list(limit=20))
assert all(model.type == "model" and model.display_name and model.created_at for model in models), models
assert client.models.retrieve(models[0].id).id == models[0].id
try:
    client.models.retrieve("nothing")
except anthropic.APIStatusError as error:
    assert error.status_code == int(sys.argv[1]), error
    print(*(model.id for model in models))
