"""The models by name, as Google's SDK lists them, and the first of them alone; one that is not there is a STATUS."""

import sys

from google import genai
from google.genai import errors

client = genai.Client()
models = list(client.models.list())
assert all(model.name.startswith("models/") and model.supported_actions for model in models), models
assert client.models.get(model=models[0].name).name == models[0].name
try:
    client.models.get(model="nothing")
except errors.ClientError as error:
    assert error.code == int(sys.argv[1]), error
    print(*(model.name.removeprefix("models/") for model in models))
