"""The same replies by `transformers`' generate: greedy, keys and values cached, nothing padded."""

import json
import sys
import time

from common import peak_bytes

import torch
from transformers import AutoModelForCausalLM


def main():
    job = json.loads(sys.argv[1])
    torch.set_num_threads(job["threads"])
    model = AutoModelForCausalLM.from_pretrained(
        job["model"], dtype="float32", attn_implementation="sdpa"
    ).eval()
    prompts = torch.tensor(job["prompts"])

    def reply(tokens):
        with torch.inference_mode():
            found = model.generate(
                prompts,
                attention_mask=torch.ones_like(prompts),
                do_sample=False,
                min_new_tokens=tokens,
                max_new_tokens=tokens,
                eos_token_id=None,
                pad_token_id=0,
            )
        return found[:, prompts.shape[1] :].tolist()

    reply(min(8, job["newTokens"]))
    seconds = []
    for _ in range(job["times"]):
        start = time.perf_counter()
        replies = reply(job["newTokens"])
        seconds.append(time.perf_counter() - start)
    result = {"seconds": seconds, "replies": replies, "peakBytes": peak_bytes()}
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
