"""Trains a model by DPO in float16 under torch.amp.GradScaler; see loss_scale_peer_test.ts."""

import base64
import json
import sys

import torch
from torch.nn.functional import logsigmoid
from transformers import AutoModelForCausalLM, get_cosine_schedule_with_warmup


def logp(model, prompt, reply):
    """log π(reply | prompt), layers in float16."""
    ids = torch.tensor([prompt + reply])
    with torch.autocast("cpu", dtype=torch.float16):
        logits = model(input_ids=ids).logits[0, len(prompt) - 1 : -1]
    scores = torch.log_softmax(logits.float(), dim=-1)
    return scores.gather(1, torch.tensor(reply)[:, None]).sum()


def margin(model, pair):
    chosen, rejected = (logp(model, pair["prompt"], pair[of]) for of in ("chosen", "rejected"))
    return chosen - rejected


def train(request):
    model = AutoModelForCausalLM.from_pretrained(request["model"], dtype=torch.float32)
    with torch.no_grad():
        references = [margin(model, pair) for pair in request["pairs"]]
    pairs = list(zip(request["pairs"], references))
    optimizer = torch.optim.AdamW(model.parameters(), lr=request["peak"], weight_decay=0.01)
    schedule = get_cosine_schedule_with_warmup(optimizer, request["warmupSteps"], request["steps"])
    scaler = torch.amp.GradScaler(
        "cpu", init_scale=request["initial"], growth_interval=request["growthInterval"]
    )
    steps = []
    for step in range(request["steps"]):
        start = step * request["batchPairs"] % len(pairs)
        batch = pairs[start : start + request["batchPairs"]]
        optimizer.zero_grad()
        losses = [-logsigmoid(request["beta"] * (margin(model, pair) - of)) for pair, of in batch]
        loss = torch.stack(losses).mean()
        record = {"loss": loss.item(), "lr": schedule.get_last_lr()[0], "lossScale": scaler.get_scale()}
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0).item()
        scaler.step(optimizer)
        scaler.update()
        schedule.step()
        steps.append({**record, "gradNorm": norm if norm < float("inf") else None})
    weights = {
        name: base64.b64encode(weight.detach().contiguous().numpy().tobytes()).decode()
        for name, weight in model.named_parameters()
    }
    return {"steps": steps, "weights": weights}


torch.set_num_threads(1)
json.dump(train(json.load(sys.stdin)), sys.stdout)
