"""Reads tokenizers' folders with AutoTokenizer and says which ids it gives texts."""

import json
import sys

from transformers import AutoTokenizer


def ids(request):
    tokenizer = AutoTokenizer.from_pretrained(request["folder"])
    return [tokenizer(text, add_special_tokens=False).input_ids for text in request["texts"]]


json.dump([ids(request) for request in json.load(sys.stdin)], sys.stdout)
