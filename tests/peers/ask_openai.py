"""Asks a server by the openai package as told on standard input; see harness_test.ts."""

import json
import sys

import openai

request = json.load(sys.stdin)
client = openai.OpenAI(base_url=request["address"], api_key="none", max_retries=0)
[model] = [model.id for model in client.models.list()]
completion = client.completions.create(
    model=model, prompt=request["prompt"], max_tokens=8, temperature=0, logprobs=2, echo=True
)
chat = {
    "model": model,
    "messages": [{"role": "user", "content": request["prompt"]}],
    "max_completion_tokens": 8,
    "temperature": 0,
}
whole = client.chat.completions.create(**chat, logprobs=True, top_logprobs=2)
streamed = "".join(
    chunk.choices[0].delta.content or "" for chunk in client.chat.completions.create(**chat, stream=True)
)
try:
    client.completions.create(model=model, prompt="a", temperature=9)
    refusal = None
except openai.BadRequestError as error:
    refusal = {"param": error.param, "message": str(error)}
json.dump(
    {
        "model": model,
        "text": completion.choices[0].text,
        "logprobs": completion.choices[0].logprobs.token_logprobs,
        "chat": whole.choices[0].message.content,
        "scored": len(whole.choices[0].logprobs.content),
        "written": whole.usage.completion_tokens,
        "streamed": streamed,
        "refusal": refusal,
    },
    sys.stdout,
)
