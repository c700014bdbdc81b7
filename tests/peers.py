"""Loads exported folders in transformers (and peft) and says what they compute; see peers.ts."""

import base64
import json
import sys

import torch
from peft import PeftConfig, PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer


def encoded(tensor):
    """float32 as base64: exact, and small enough for all positions of a large vocabulary."""
    return base64.b64encode(tensor.float().contiguous().numpy().tobytes()).decode()


def answer(request):
    tokenizer = AutoTokenizer.from_pretrained(request.get("tokenizer", request["model"]))
    stored = AutoModelForCausalLM.from_pretrained(request["model"])
    dtype = str(stored.dtype)
    model = stored.to(torch.float32).eval()
    base = None
    if "adapter" in request:
        base = PeftConfig.from_pretrained(request["adapter"]).base_model_name_or_path
        model = PeftModel.from_pretrained(model, request["adapter"]).eval()
    with torch.no_grad():
        logits = [
            encoded(model(input_ids=torch.tensor([prompt])).logits[0])
            for prompt in request["prompts"]
        ]
    chat = None
    if "chat" in request:
        messages = [{"role": "user", "content": request["chat"]}]
        chat = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    return {
        "logits": logits,
        "dtype": dtype,
        "ids": [tokenizer(text, add_special_tokens=False).input_ids for text in request["texts"]],
        "chat": chat,
        "special": [tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token],
        "base": base,
    }


torch.set_num_threads(2)
json.dump([answer(request) for request in json.load(sys.stdin)], sys.stdout)
