"""Runs lm-evaluation-harness as asked on standard input; see harness_test.ts."""

import json
import sys

import lm_eval
from lm_eval.tasks import TaskManager


def evaluate(run, tasks, folder):
    found = lm_eval.simple_evaluate(
        model=run["model"],
        model_args=run["args"],
        tasks=tasks,
        task_manager=TaskManager(include_path=folder, include_defaults=False),
        batch_size=run["batch"],
        bootstrap_iters=0,
        log_samples=True,
    )
    samples = {
        task: [sample["filtered_resps"] for sample in sorted(rows, key=lambda row: row["doc_id"])]
        for task, rows in found["samples"].items()
    }
    return {"results": found["results"], "samples": samples}


request = json.load(sys.stdin)
answers = [evaluate(run, request["tasks"], request["folder"]) for run in request["runs"]]
with open(request["out"], "w") as file:
    json.dump(answers, file, default=str)
