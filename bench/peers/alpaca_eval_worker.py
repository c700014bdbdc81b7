"""Scores a file of annotations by the alpaca_eval package, and tells how long that took.

Its table of gamed baselines lies on a model hub; here it is made of Ballast's files.
"""

import gzip
import json
import logging
import os
import sys
import tempfile
import time
import warnings

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)

import pandas
from alpaca_eval.metrics import glm_winrate


def read_text(path):
    with open(path, "rb") as file:
        data = file.read()
    return (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("utf-8")


def write_gamed(job, path):
    """The columns that alpaca_eval expects of df_gamed.csv."""
    rows = [json.loads(line) for line in read_text(job["difficulty"]).splitlines()]
    difficulty = {row["index"]: row["difficulty"] for row in rows}
    table = pandas.read_csv(job["gamed"]).rename(columns={"baseline": "model"})
    table["instruction_difficulty"] = table["index"].map(difficulty)
    table["not_gamed_baseline"] = False
    table.to_csv(path, index=False)


def main():
    job = json.loads(sys.argv[1])
    handle, gamed = tempfile.mkstemp(suffix=".csv")
    os.close(handle)
    try:
        write_gamed(job, gamed)
        annotations = pandas.DataFrame.from_records(json.loads(read_text(job["annotations"])))
        glm_winrate.hf_hub_download = lambda **_: gamed
        seconds = []
        for _ in range(job["times"]):
            start = time.perf_counter()
            found = glm_winrate.get_length_controlled_winrate(
                annotations.copy(), save_weights_dir=None
            )
            seconds.append(time.perf_counter() - start)
    finally:
        os.remove(gamed)
    result = {
        "winRate": float(found["win_rate"]),
        "standardError": float(found["standard_error"]),
        "lengthControlledWinRate": float(found["length_controlled_winrate"]),
        "scoreSeconds": seconds,
    }
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
