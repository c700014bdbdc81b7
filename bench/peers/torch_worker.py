"""Measures RPO steps written by hand in PyTorch, as somebody who wants them fast would write them.

One padded batch holds the chosen and the rejected sequences of P pairs. Padding is on the right, so
causal attention needs no mask and positions begin at 0. The output projection is applied at the
positions that predict a reply token, nowhere else. AdamW is the fused one. With `compile`, forward
and backward are compiled by torch.compile: `dynamic` for any length at once, `static` for each
length anew, which is why lengths are then padded to multiples of 64.
"""

from common import load_policy, lora_config, now_ms, print_result, read_job, read_pairs

import torch
import torch.nn.functional as F

PAD_MULTIPLE = 64


def make_batch(pairs, compile):
    """Tensors of P pairs: 2P sequences, chosen first, and where their reply tokens are predicted."""
    halves = [(pair["prompt"], pair["chosen"]) for pair in pairs]
    halves += [(pair["prompt"], pair["rejected"]) for pair in pairs]
    width = max(len(prompt) + len(reply) for prompt, reply in halves)
    if compile == "static":
        width = -(-width // PAD_MULTIPLE) * PAD_MULTIPLE
    ids = torch.zeros(len(halves), width, dtype=torch.long)  # (2P, T)
    rows, targets, owners = [], [], []
    for i, (prompt, reply) in enumerate(halves):
        ids[i, : len(prompt) + len(reply)] = torch.tensor(prompt + reply)
        first = i * width + len(prompt) - 1
        rows.append(torch.arange(first, first + len(reply)))
        targets.append(torch.tensor(reply))
        owners.append(torch.full((len(reply),), i))
    reference = [pair["reference"][0] for pair in pairs] + [pair["reference"][1] for pair in pairs]
    batch = [ids, torch.cat(rows), torch.cat(targets), torch.cat(owners)]
    if compile is not None:
        for tensor in batch[1:]:
            torch._dynamo.mark_dynamic(tensor, 0)
    if compile == "dynamic":
        torch._dynamo.mark_dynamic(ids, 1)
    return batch + [torch.tensor(reference)]


def rpo_loss(causal_lm, job):
    """The function from a batch to mean(-log sigmoid(beta h)) + beta eta mean(-log p(chosen))."""
    beta, eta = job["beta"], job["eta"]

    def loss(ids, rows, targets, owners, reference):
        hidden = causal_lm.model(input_ids=ids, use_cache=False).last_hidden_state  # (2P, T, D)
        hidden = hidden.flatten(0, 1).index_select(0, rows)  # (M, D)
        logits = causal_lm.lm_head(hidden)  # (M, V)
        logps = -F.cross_entropy(logits, targets, reduction="none")  # (M)
        sums = torch.zeros_like(reference).index_add(0, owners, logps)  # (2P)
        chosen, rejected = sums.chunk(2)
        margin = sums - reference
        h = margin[: len(chosen)] - margin[len(chosen) :]
        return -F.logsigmoid(beta * h).mean() - beta * eta * chosen.mean()

    return loss


def main():
    """Takes the job's steps and prints when each was done."""
    job = read_job()
    torch.manual_seed(0)
    torch.set_num_threads(job["threads"])
    pairs = read_pairs(job)
    model, causal_lm = adapted(load_policy(job), job)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=job["lr"], weight_decay=0.0, fused=True)
    loss_of = rpo_loss(causal_lm, job)
    if job["compile"] is not None:
        torch._dynamo.config.cache_size_limit = 64
        loss_of = torch.compile(loss_of, dynamic=None)
    step_ends, losses = [], []
    for start in range(0, len(pairs), job["batchPairs"]):
        batch = make_batch(pairs[start : start + job["batchPairs"]], job["compile"])
        loss = loss_of(*batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, job["maxGradNorm"])
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
        step_ends.append(now_ms())
        if start == 0 and job["compile"] == "static":
            compile_lengths(loss_of, pairs, job, optimizer)
    print_result(step_ends, losses)


def adapted(model, job):
    """The model with adapters where the job has them, and the causal language model inside."""
    config = lora_config(job)
    if config is None:
        return model, model
    from peft import get_peft_model

    model = get_peft_model(model, config)
    return model, model.get_base_model()


def compile_lengths(loss_of, pairs, job, optimizer):
    """Compiles for every length that follows, so that no measured step waits for the compiler."""
    seen = set()
    for start in range(0, len(pairs), job["batchPairs"]):
        batch = make_batch(pairs[start : start + job["batchPairs"]], job["compile"])
        if batch[0].shape in seen:
            continue
        seen.add(batch[0].shape)
        loss_of(*batch).backward()
        optimizer.zero_grad(set_to_none=True)


main()
