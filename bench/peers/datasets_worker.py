"""The same work by `datasets.map` with the fast tokenizer in two processes.

Two times are taken: of opening the tokenizer and reading the texts, and of `map`, which ends when its
cache is written. Imports do not count. Then the cache is opened and read, in three ways.
"""

import glob
import json
import sys
import time

from common import peak_bytes

import numpy
from datasets import Dataset, concatenate_datasets
from transformers import AutoTokenizer

PARTS = ("prompt", "chosen", "rejected")


def tokenize(rows, tokenizer, job):
    """Token ids of a batch by the rules of Ballast's data/tokenize.ts."""

    def render(prompt, reply=None):
        messages = [{"role": "user", "content": prompt}]
        if reply is not None:
            messages.append({"role": "assistant", "content": reply})
        return tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=reply is None
        )

    def encode(texts):
        return tokenizer(texts, add_special_tokens=False, return_attention_mask=False)["input_ids"]

    prompts = encode([render(prompt) for prompt in rows["prompt"]])
    wholes = [
        encode([render(*pair) for pair in zip(rows["prompt"], rows[part])]) for part in PARTS[1:]
    ]
    most, most_prompt = job["maxLength"], job["maxPromptLength"]
    out = {part: [] for part in PARTS}
    for prompt, chosen, rejected in zip(prompts, *wholes):
        chosen, rejected = chosen[len(prompt) :], rejected[len(prompt) :]
        longer = max(len(chosen), len(rejected))
        if len(prompt) + longer > most:
            prompt = prompt[-most_prompt:]
        if len(prompt) + longer > most:
            room = most - most_prompt
            chosen, rejected = chosen[:room], rejected[:room]
        for part, ids in zip(PARTS, (prompt, chosen, rejected)):
            out[part].append(ids)
    return out


def open_cache(job):
    """The cache that map has written, opened anew: a file a process."""
    files = sorted(glob.glob(job["work"] + "/tokens*.arrow"))
    return concatenate_datasets([Dataset.from_file(path) for path in files])


def read_rows(cache, form):
    """Reads row by row: rows, tokens, the sum of all ids."""
    tokens, total, rows = 0, 0, 0
    for row in cache.with_format(form):
        rows += 1
        for part in PARTS:
            tokens += len(row[part])
            total += int(row[part].sum()) if form == "numpy" else sum(row[part])
    return rows, tokens, total


def read_batches(cache):
    """Reads record batches as Arrow columns, no row on its own."""
    tokens, total, rows = 0, 0, 0
    for batch in cache.with_format("arrow").iter(1000):
        rows += batch.num_rows
        for part in PARTS:
            for chunk in batch[part].chunks:
                ids = chunk.flatten().to_numpy()
                tokens += len(ids)
                total += int(ids.sum(dtype=numpy.int64))
    return rows, tokens, total


WAYS = {
    "lists": lambda cache: read_rows(cache, None),
    "numpy rows": lambda cache: read_rows(cache, "numpy"),
    "arrow batches": read_batches,
}


def main():
    job = json.loads(sys.argv[1])
    start = time.perf_counter()
    tokenizer = AutoTokenizer.from_pretrained(job["tokenizer"])
    texts = Dataset.from_json(job["pairs"], cache_dir=job["work"] + "/texts")
    open_seconds = time.perf_counter() - start
    start = time.perf_counter()
    texts.map(
        tokenize,
        batched=True,
        num_proc=2,
        fn_kwargs={"tokenizer": tokenizer, "job": job},
        remove_columns=texts.column_names,
        cache_file_name=job["work"] + "/tokens.arrow",
        load_from_cache_file=False,
    )
    seconds = time.perf_counter() - start
    peak = peak_bytes()
    read_seconds, epoch_seconds = {}, {}
    for name, read in WAYS.items():
        read_seconds[name] = []
        for _ in range(job["reads"]):
            start = time.perf_counter()
            rows, tokens, total = read(open_cache(job))
            read_seconds[name].append(time.perf_counter() - start)
        start = time.perf_counter()
        cache = open_cache(job)
        for _ in range(job["reads"]):
            read(cache)
        epoch_seconds[name] = (time.perf_counter() - start) / job["reads"]
    result = {
        "rows": rows,
        "tokens": tokens,
        "sum": total,
        "tokenizeSeconds": seconds,
        "openSeconds": open_seconds,
        "readSeconds": read_seconds,
        "epochSeconds": epoch_seconds,
        "peakBytes": peak,
    }
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
