"""Measures RPO steps of TRL's DPOTrainer.

The trainer is TRL's own, with two of its methods replaced so that it reads what the others read:
pairs come tokenized and with the reference's log-probs, and the weight of TRL's SFT term, a mean over
tokens, is set for each batch so that it equals RPO's, a sum over tokens and a mean over pairs.
"""

import tempfile

from common import load_policy, lora_config, now_ms, print_result, read_job, read_pairs

import torch
from datasets import Dataset
from transformers import AutoTokenizer, TrainerCallback
from trl import DPOConfig, DPOTrainer


class PreparedTrainer(DPOTrainer):
    """DPOTrainer on pairs that are tokenized and scored already."""

    rpo_weight = 0.0

    def _prepare_dataset(self, dataset, *_):
        return dataset

    def _precompute_ref_logps(self, dataset, *_):
        return dataset

    def _compute_loss(self, model, inputs, return_outputs):
        pairs = len(inputs["completion_mask"]) // 2
        chosen_tokens = int(inputs["completion_mask"][:pairs, 1:].sum())
        self.loss_weights = [1.0, self.rpo_weight * chosen_tokens / pairs]
        return super()._compute_loss(model, inputs, return_outputs)


class Clock(TrainerCallback):
    """Notes when each step is done, and its loss."""

    def __init__(self):
        self.step_ends, self.losses = [], []

    def on_step_end(self, *_, **__):
        self.step_ends.append(now_ms())

    def on_log(self, _args, _state, _control, logs=None, **__):
        if "loss" in logs:
            self.losses.append(logs["loss"])


def dataset_of(pairs):
    """The columns that DPOTrainer's collator reads."""
    return Dataset.from_list(
        [
            {
                "prompt_ids": pair["prompt"],
                "chosen_ids": pair["chosen"],
                "rejected_ids": pair["rejected"],
                "ref_chosen_logps": pair["reference"][0],
                "ref_rejected_logps": pair["reference"][1],
            }
            for pair in pairs
        ]
    )


def settings(job, folder):
    """The job as TRL's options: float32 on the CPU, pairs in the order given."""
    return DPOConfig(
        output_dir=folder,
        use_cpu=True,
        bf16=False,
        fp16=False,
        gradient_checkpointing=False,
        per_device_train_batch_size=job["batchPairs"],
        max_steps=job["warmupSteps"] + job["steps"],
        train_sampling_strategy="sequential",
        learning_rate=job["lr"],
        lr_scheduler_type="constant",
        warmup_steps=0,
        weight_decay=0.0,
        max_grad_norm=job["maxGradNorm"],
        optim="adamw_torch_fused",
        max_length=None,
        beta=job["beta"],
        loss_type=["sigmoid", "sft"],
        loss_weights=[1.0, 0.0],
        precompute_ref_log_probs=True,
        report_to=[],
        save_strategy="no",
        logging_steps=1,
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )


def main():
    """Takes the job's steps and prints when each was done."""
    job = read_job()
    torch.set_num_threads(job["threads"])
    tokenizer = AutoTokenizer.from_pretrained(job["tokenizer"])
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        trainer = PreparedTrainer(
            model=load_policy(job),
            args=settings(job, folder),
            train_dataset=dataset_of(read_pairs(job)),
            processing_class=tokenizer,
            peft_config=lora_config(job),
            callbacks=[clock],
        )
        trainer.rpo_weight = job["beta"] * job["eta"]
        trainer.train()
    print_result(clock.step_ends, clock.losses)


main()
