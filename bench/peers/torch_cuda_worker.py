"""Measures RPO steps written by hand in PyTorch on a GPU, as somebody who wants them fast would write them.

One batch holds the chosen and the rejected sequences of P pairs, all of one length, so that nothing is
padded. Attention is PyTorch's scaled-dot-product attention, the output projection is applied at the
positions that predict a reply token, nowhere else, and AdamW is the fused one. In bfloat16 the weights
are float32 and layers compute under autocast ("autocast"), or weights, gradients and moments are all
bfloat16 ("pure"), which is less exact and faster. The job is that of bench/cuda/cuda_job.ts.
"""

import json
import sys
import time

BEGAN = time.time()

import torch
import torch.nn.functional as F

SHAPES = json.loads(sys.argv[2])


def main():
    job = json.loads(sys.argv[1])
    device = "cuda" if job["device"].startswith("cuda") else "cpu"
    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = job["tf32"]
    model = make_model(job, device)
    causal_lm = model if job["lora"] is None else model.get_base_model()
    parameters = [p for p in model.parameters() if p.requires_grad]
    fused = device == "cuda"
    optimizer = torch.optim.AdamW(parameters, lr=1e-6, weight_decay=0.0, fused=fused)
    loss_of = rpo_loss(causal_lm)
    if job["compile"]:
        loss_of = torch.compile(loss_of)
    mixed = job["precision"] == "bfloat16" and not job.get("pure") and job["lora"] is None
    ends, losses = [], []
    for step in range(job["warmupSteps"] + job["steps"]):
        batch = make_batch(job, device)
        with torch.autocast(device, torch.bfloat16, enabled=mixed):
            loss = loss_of(*batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
        ends.append(time.time())
    warm = job["warmupSteps"]
    used, peak = 0, 0
    if device == "cuda":
        free, total = torch.cuda.mem_get_info()
        used, peak = total - free, torch.cuda.max_memory_allocated()
    result = {
        "seconds": [end - ends[warm + i - 1] for i, end in enumerate(ends[warm:])],
        "losses": losses,
        "firstStep": ends[0] - BEGAN,
        "deviceBytes": used,
        "peakAllocated": peak,
    }
    print("RESULT " + json.dumps(result), flush=True)


def make_model(job, device):
    """A random model of the job's shape, with adapters where it has them."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        **SHAPES[job["shape"]],
        max_position_embeddings=4096,
        rms_norm_eps=1e-5,
        hidden_act="silu",
        use_cache=False,
        attn_implementation="sdpa",
    )
    held = job["precision"] == "bfloat16" and (job["lora"] is not None or job.get("pure"))
    dtype = torch.bfloat16 if held else torch.float32
    with torch.device("meta"):
        model = LlamaForCausalLM(config)
    model = model.to(dtype).to_empty(device=device)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 0.02)
            else:
                parameter.fill_(1)
        rotary = model.model.rotary_emb
        inverse = 1 / 10000 ** (torch.arange(0, config.head_dim, 2, device=device) / config.head_dim)
        rotary.inv_freq = inverse.float()
        if hasattr(rotary, "original_inv_freq"):
            rotary.original_inv_freq = rotary.inv_freq
    model.tie_weights()
    model.train()
    if job["gradientCheckpointing"]:
        model.gradient_checkpointing_enable({"use_reentrant": False})
        if job["lora"] is not None:
            model.enable_input_require_grads()
    if job["lora"] is None:
        return model
    from peft import LoraConfig, get_peft_model

    return get_peft_model(
        model,
        LoraConfig(
            r=job["lora"],
            lora_alpha=2 * job["lora"],
            lora_dropout=0.0,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        ),
    )


def make_batch(job, device):
    """Random tokens: 2P sequences, chosen first, and where their reply tokens are predicted."""
    vocabulary = SHAPES[job["shape"]]["vocab_size"]
    prompt, reply = job["promptTokens"], job["replyTokens"]
    sequences, width = 2 * job["batchPairs"], prompt + reply
    ids = torch.randint(vocabulary, (sequences, width))
    rows = torch.cat([torch.arange(prompt - 1, width - 1) + i * width for i in range(sequences)])
    targets = ids[:, prompt:].reshape(-1)
    reference = torch.full((sequences,), -reply * torch.log(torch.tensor(float(vocabulary))).item())
    return [tensor.to(device) for tensor in (ids, rows, targets, reference)]


def rpo_loss(causal_lm):
    """The function from a batch to mean(-log sigmoid(beta h)) + beta eta mean(-log p(chosen))."""
    beta, eta = 0.1, 0.005

    def loss(ids, rows, targets, reference):
        hidden = causal_lm.model(input_ids=ids, use_cache=False).last_hidden_state  # (2P, T, D)
        hidden = hidden.flatten(0, 1).index_select(0, rows)  # (M, D)
        logits = causal_lm.lm_head(hidden).float()  # (M, V)
        logps = -F.cross_entropy(logits, targets, reduction="none")  # (M)
        sums = logps.view(len(reference), -1).sum(1)  # (2P)
        chosen, rejected = sums.chunk(2)
        margin = sums - reference
        h = margin[: len(chosen)] - margin[len(chosen) :]
        return -F.logsigmoid(beta * h).mean() - beta * eta * chosen.mean()

    return loss


main()
