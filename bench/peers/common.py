"""What both workers share: the job, the pairs, peak memory, the line that the command reads.

A job is one JSON argument; its fields are those of `Job` in bench/training/job.ts.
"""

import json
import os
import sys
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("TQDM_DISABLE", "1")


def read_job():
    """The job given as the only argument."""
    return json.loads(sys.argv[1])


def read_pairs(job):
    """The pairs of all steps in order: token ids and the reference's log-probs of both replies."""
    wanted = (job["warmupSteps"] + job["steps"]) * job["batchPairs"]
    with open(job["pairs"]) as lines:
        pairs = [json.loads(line) for line in lines][:wanted]
    assert len(pairs) == wanted, f"Expected {wanted} pairs but found {len(pairs)}."
    return pairs


def now_ms():
    """The time of day in milliseconds, as JavaScript counts it."""
    return time.time() * 1000


def peak_bytes():
    """The most memory this process ever held (VmHWM)."""
    with open("/proc/self/status") as lines:
        kib = next(line.split()[1] for line in lines if line.startswith("VmHWM"))
    return int(kib) * 1024


def print_result(step_ends, losses):
    """Prints what was measured: the time at which each step was done, and its loss."""
    result = {"stepEnds": step_ends, "losses": losses, "peakBytes": peak_bytes()}
    print("RESULT " + json.dumps(result), flush=True)


def load_policy(job):
    """The model folder as float32 with PyTorch's scaled-dot-product attention."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(
        job["model"], dtype="float32", attn_implementation="sdpa", use_cache=False
    )
    return model.train()


def lora_config(job):
    """PEFT's adapters on every matrix of the blocks; None for full fine-tuning."""
    if job["lora"] is None:
        return None
    from peft import LoraConfig

    rank = job["lora"]["rank"]
    return LoraConfig(
        r=rank,
        lora_alpha=job["lora"]["alpha"],
        lora_dropout=0.0,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
