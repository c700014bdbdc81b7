import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import {
  ballast,
  ballastJson,
  digestsOf,
  PROJECT,
  type RunDocument,
  startBallast,
} from "../end_to_end/ballast.ts";
import { readRows } from "../../cli/rows.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { SMALL_TINY } from "../end_to_end/small_tiny.ts";

interface LogpsDocument {
  rows: {
    chosenLogp: number;
    rejectedLogp: number;
    chosenTokens: number;
    rejectedTokens: number;
  }[];
}

interface TrainDocument {
  steps: {
    step: number;
    loss: number;
    dpoLoss: number;
    sftLoss: number;
    chosenLogp: number;
    rejectedLogp: number;
    gradNorm: number;
    lr: number;
  }[];
}

const LENGTHS = ["--max-length", "24", "--max-prompt-length", "8"];
const PAIRS = [
  ["say black two times", "black black .", "well black ."],
  ["name two tools", "knife rake .", "coffee hammer mango ."],
  ["copy white cow black grape", "white cow black grape .", "grey grape ."],
];

/** A folder with a small model of our own (the tiny world's tokenizer, random weights) and pairs. */
async function prepare(folder: string): Promise<void> {
  const store = join(folder, "store");
  const run = await ballastJson<RunDocument>(["run", "initial", ...SMALL_TINY, "--store", store]);
  const digest = digestsOf(run)["initial@seed=0:model"];
  await Deno.symlink(join(store, "objects", digest.slice(0, 2), digest), join(folder, "model"));
  const rows = PAIRS.map(([prompt, chosen, rejected]) => ({ prompt, chosen, rejected }));
  const text = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  await Deno.writeTextFile(join(folder, "pairs.jsonl"), text);
}

const files = ["--model", "model", "--pairs", "pairs.jsonl", ...LENGTHS];
const training = [
  ...["train", ...files, "--loss", "rpo", "--beta", "0.1", "--eta", "0.05", "--sft", "sum"],
  ...["--lr", "1e-3", "--batch-pairs", "2", "--order", "sequential"],
];

Deno.test("logps and train on a model of our own, as the contract says", async (t) => {
  await using scratch = await ScratchFolder.make();
  const folder = scratch.path;
  const place = { folder };
  await prepare(folder);
  const before = await ballastJson<LogpsDocument>(["logps", ...files], place);

  await t.step("logps --json has the contract's fields, a row for each pair", () => {
    assert.deepEqual(Object.keys(before), ["rows"]);
    assert.equal(before.rows.length, PAIRS.length);
    for (const row of before.rows) {
      const fields = ["chosenLogp", "rejectedLogp", "chosenTokens", "rejectedTokens"];
      assert.deepEqual(Object.keys(row), fields);
      assert(row.chosenLogp < 0 && row.rejectedLogp < 0);
    }
  });

  await t.step("train --json has the contract's fields; its losses add up", async () => {
    const args = [...training, "--steps", "3", "--out", "trained/deep", "--log", "log.ndjson"];
    const { steps } = await ballastJson<TrainDocument>(args, place);
    assert.deepEqual(steps.map(({ step }) => step), [1, 2, 3]);
    for (const row of steps) {
      assert.deepEqual(Object.keys(row), [
        ...["step", "loss", "dpoLoss", "sftLoss", "chosenLogp", "rejectedLogp", "gradNorm", "lr"],
      ]);
      assert(Math.abs(row.loss - row.dpoLoss - row.sftLoss) < 1e-5 * row.loss);
      assert.equal(row.lr, 1e-3);
    }
    const [{ dpoLoss, chosenLogp }] = steps;
    assert(Math.abs(dpoLoss - Math.LN2) < 1e-6, "the reference is the model before training");
    const mean = (before.rows[0].chosenLogp + before.rows[1].chosenLogp) / 2;
    assert(
      Math.abs(chosenLogp - mean) < 1e-4 * Math.abs(mean),
      "sequential order begins at the top",
    );
  });

  await t.step("the exported folder loads again, with its tokenizer", async () => {
    const names = [...Deno.readDirSync(join(folder, "trained/deep"))].map(({ name }) => name);
    for (const name of ["config.json", "model.safetensors", "tokenizer.json"]) {
      assert(names.includes(name), `${names}`);
    }
    const records = await readRows<Record<string, unknown>>(
      join(folder, "trained/deep/steps.jsonl"),
    );
    const logged = await readRows<Record<string, unknown>>(join(folder, "log.ndjson"));
    for (const [i, record] of records.entries()) {
      for (const field of ["margin", "accuracy", "rewardChosen", "tokens"]) {
        assert.equal(typeof record[field], "number", field);
      }
      const { seconds, pairsPerSecond, tokensPerSecond, residentBytes, ...rest } = logged[i];
      assert.deepEqual(rest, record);
      for (const taken of [seconds, pairsPerSecond, tokensPerSecond, residentBytes]) {
        assert(taken as number > 0);
      }
    }
    assert.deepEqual([records.length, logged.length], [3, 3]);
    const trained = ["logps", "--model", "trained/deep", ...files.slice(2)];
    const { rows } = await ballastJson<LogpsDocument>(trained, place);
    rows.forEach((row, i) => assert(row.chosenLogp > before.rows[i].chosenLogp));
    assert.deepEqual(
      [...Deno.readDirSync(join(folder, "trained"))].length,
      1,
      "nothing else is left",
    );
  });

  await t.step("train refuses an --out that holds files, and leaves them alone", async () => {
    const kept = await Deno.readFile(join(folder, "trained/deep/model.safetensors"));
    const args = [...training, "--steps", "1", "--out", "trained/deep"];
    const { code, stdout, stderr } = await ballast(args, place);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(
      stderr,
      /--out: Expected a new or empty folder but found files in .*trained\/deep/,
    );
    assert.deepEqual(await Deno.readFile(join(folder, "trained/deep/model.safetensors")), kept);
  });

  await t.step("train --loss sft says that --beta and --eta do nothing", async () => {
    const { code, stderr, stdout } = await ballast([
      ...["train", ...files, "--loss", "sft", "--sft", "token_mean", "--beta", "0.1"],
      ...["--eta", "3", "--lr", "1e-3", "--steps", "1", "--batch-pairs", "2", "--out", "sft"],
      "--json",
    ], place);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /--loss sft .*--beta and --eta/);
    const [{ loss, sftLoss, dpoLoss }] = (JSON.parse(stdout) as TrainDocument).steps;
    assert.deepEqual([loss, dpoLoss], [sftLoss, 0]);
  });

  await t.step(
    "train in micro-batches, layers and logits computed twice, shares measured: the same run",
    async () => {
      const plain = [...training, "--steps", "3", "--out"];
      const less = ["--micro-batch-pairs", "1", "--gradient-checkpointing"];
      const chunks = ["--vocabulary-chunk", "100"];
      const args = [...plain, "less", ...less, ...chunks, "--gradient-share-steps", "2"];
      const { steps } = await ballastJson<TrainDocument>(args, place);
      const expected = await ballastJson<TrainDocument>([...plain, "plain"], place);
      assert.equal(steps.length, 3);
      steps.forEach(({ loss, gradNorm }, i) => {
        assert(Math.abs(loss / expected.steps[i].loss - 1) < 1e-5);
        assert(Math.abs(gradNorm / expected.steps[i].gradNorm - 1) < 1e-4);
      });
    },
  );

  const rank = ["--lora-rank", "2", "--lora-alpha", "6", "--lora-targets", "q_proj,up_proj"];

  await t.step("train --lora-rank writes an adapter in PEFT's format", async () => {
    const args = [...training, ...rank, "--lr", "1e-2", "--steps", "3", "--out", "adapter"];
    const { steps: [{ dpoLoss }] } = await ballastJson<TrainDocument>(args, place);
    assert(Math.abs(dpoLoss - Math.LN2) < 1e-6, "a new adapter changes nothing");
    const names = [...Deno.readDirSync(join(folder, "adapter"))].map(({ name }) => name).sort();
    assert.deepEqual(names, [
      "adapter_config.json",
      "adapter_model.safetensors",
      "steps.jsonl",
    ]);
    const text = await Deno.readTextFile(join(folder, "adapter/adapter_config.json"));
    const { peft_type, r, lora_alpha, target_modules } = JSON.parse(text);
    assert.deepEqual([peft_type, r, lora_alpha], ["LORA", 2, 6]);
    assert.deepEqual(target_modules.toSorted(), ["q_proj", "up_proj"]);
  });

  await t.step("logps and train take the adapter up: its scores are the reference", async () => {
    const adapted = ["--adapter", "adapter"];
    const { rows } = await ballastJson<LogpsDocument>(["logps", ...files, ...adapted], place);
    rows.forEach((row, i) => assert(row.chosenLogp > before.rows[i].chosenLogp));
    const args = [...training, ...adapted, "--steps", "1", "--out", "further"];
    const { steps: [{ dpoLoss, chosenLogp }] } = await ballastJson<TrainDocument>(args, place);
    assert(Math.abs(dpoLoss - Math.LN2) < 1e-6);
    const mean = (rows[0].chosenLogp + rows[1].chosenLogp) / 2;
    assert(Math.abs(chosenLogp / mean - 1) < 1e-4);
    assert((await Deno.stat(join(folder, "further/adapter_model.safetensors"))).isFile);
  });

  const refusals: readonly [given: string[], message: RegExp][] = [
    [
      ["--lora-rank", "2", "--lora-targets", "q_proj,c_attn"],
      /--lora-targets\[1\]: Expected one of q_proj, k_proj, v_proj, o_proj, .* but found "c_attn"/,
    ],
    [["--lora-alpha", "6"], /--lora-alpha: Expected --lora-rank beside it/],
    [
      ["--adapter", "adapter", "--lora-rank", "2"],
      /--lora-rank: Expected none beside --adapter, which has its own/,
    ],
    [["--micro-batch-pairs", "0"], /--micro-batch-pairs/],
    [["--offload-moments"], /--offload-moments: Expected false unless device is a GPU/],
    [["--tf32"], /--tf32: Expected false unless device is a GPU/],
    [["--fused-attention"], /--fused-attention: Expected false unless device is a GPU/],
  ];
  for (const [given, message] of refusals) {
    await t.step(`train refuses ${given.join(" ")}`, async () => {
      const args = [...training, ...given, "--steps", "1", "--out", "refused"];
      const { code, stdout, stderr } = await ballast(args, place);
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(stderr, message);
    });
  }

  await t.step("logps refuses --tf32 and --fused-attention on a CPU", async () => {
    const asked = ["--tf32", "--fused-attention"];
    const { code, stdout, stderr } = await ballast(["logps", ...files, ...asked], place);
    assert.deepEqual([code, stdout], [2, ""]);
    for (const option of asked) {
      assert.match(stderr, new RegExp(`${option}: Expected false unless device is a GPU`));
    }
  });

  await t.step("a wrong row of pairs is named: exit 2 or 1, no stack trace", async () => {
    await Deno.writeTextFile(
      join(folder, "wrong.jsonl"),
      `{"prompt": "say", "chosen": "red", "rejected": "tea"}\n{"prompt": "say", "choosen": "red"}\n`,
    );
    const args = ["logps", "--model", "model", "--pairs", "wrong.jsonl", ...LENGTHS, "--json"];
    const { code, stdout, stderr } = await ballast(args, place);
    assert([1, 2].includes(code));
    assert.equal(stdout, "");
    assert.match(stderr, /wrong\.jsonl:2/);
    assert.doesNotMatch(stderr, /\n +at /);
  });

  await t.step("pairs without a prompt are named: exit 1, no stack trace", async () => {
    const rows = ["", "say", ""].map((prompt) => ({ prompt, chosen: "red", rejected: "tea" }));
    const lines = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
    await Deno.writeTextFile(join(folder, "empty.jsonl"), lines);
    const plain = "{% for m in messages %}{{ m.content }} {% endfor %}";
    await Deno.writeTextFile(join(folder, "plain.jinja"), plain);
    const args = ["logps", "--model", "model", "--pairs", "empty.jsonl", ...LENGTHS];
    const { code, stdout, stderr } = await ballast([...args, "--template", "plain.jinja"], place);
    assert.deepEqual([code, stdout], [1, ""]);
    for (const line of [1, 3]) {
      assert.match(
        stderr,
        new RegExp(`pair empty\\.jsonl:${line}: Expected prompt to have tokens`),
      );
    }
    assert.doesNotMatch(stderr, /\n +at /);
  });
});

/** Waits until something lies in a folder that does not exist yet, or a process has ended. */
async function filled(folder: string, { status }: Deno.ChildProcess): Promise<void> {
  const holds = () => {
    try {
      return [...Deno.readDirSync(folder)].length > 0;
    } catch {
      return false;
    }
  };
  using watcher = Deno.watchFs(dirname(dirname(folder)), { recursive: true });
  const changes = watcher[Symbol.asyncIterator]();
  while (!holds()) {
    const next = await Promise.race([changes.next(), status.then(() => ({ done: true }))]);
    if (next.done) return;
  }
}

Deno.test("train: Ctrl-C exits with 130, and --resume ends with the very same model", async () => {
  await using scratch = await ScratchFolder.make();
  const folder = scratch.path;
  const place = { folder };
  await prepare(folder);
  const args = [...training, "--steps", "150", "--threads", "1", "--json"];
  const calm = await ballast([...args, "--out", "calm"], place);

  const train = startBallast([...args, "--out", "stopped"], place);
  await filled(join(folder, ".stopped.training/scratch"), train);
  train.kill("SIGINT");
  const { code, stdout, stderr } = await train.output();
  const decoder = new TextDecoder();
  assert.deepEqual([code, decoder.decode(stdout)], [130, ""]);
  assert.match(decoder.decode(stderr), /--resume goes on from the last checkpoint/);

  const resumed = await ballast([...args, "--out", "stopped", "--resume"], place);
  assert.deepEqual([resumed.code, resumed.stdout], [0, calm.stdout]);
  const weights = ["calm", "stopped"].map((out) =>
    Deno.readFileSync(join(folder, out, "model.safetensors"))
  );
  assert.deepEqual(weights[0], weights[1]);
});

const GOLDEN = join(PROJECT, "../shared/golden");
const present = (() => {
  try {
    return Deno.statSync(join(GOLDEN, "pairs.jsonl")).isFile;
  } catch {
    return false;
  }
})();

const golden = <T>(file: string): T =>
  JSON.parse(Deno.readTextFileSync(join(PROJECT, "tests/fixtures/golden/llama", file))) as T;

const goldenFiles = [
  ...["--model", join(GOLDEN, "llama/model"), "--pairs", join(GOLDEN, "pairs.jsonl")],
  ...["--max-length", "160", "--max-prompt-length", "64"],
];

Deno.test({
  name: "logps equals PyTorch's log-probs of the golden pairs (needs ../shared)",
  ignore: !present,
  async fn() {
    const { rows } = await ballastJson<LogpsDocument>(["logps", ...goldenFiles]);
    const expected = golden<LogpsDocument & { rows: Record<string, number>[] }>("logps.json").rows;
    assert.equal(rows.length, expected.length);
    rows.forEach((row, i) => {
      const { chosenLogp64, rejectedLogp64, chosenTokens, rejectedTokens } = expected[i];
      assert.deepEqual([row.chosenTokens, row.rejectedTokens], [chosenTokens, rejectedTokens]);
      for (
        const [found, wanted] of [[row.chosenLogp, chosenLogp64], [
          row.rejectedLogp,
          rejectedLogp64,
        ]]
      ) {
        assert(Math.abs(found / wanted - 1) <= 1e-5, `row ${i}: ${found} ≠ ${wanted}`);
      }
    });
  },
});

const GOLDEN_RUNS: Record<string, string[]> = {
  "dpo:none": ["--loss", "dpo", "--beta", "0.1"],
  "rpo:sum": ["--loss", "rpo", "--beta", "0.1", "--eta", "0.05", "--sft", "sum"],
  "rpo:sequence_mean": [
    "--loss",
    "rpo",
    "--beta",
    "0.1",
    "--eta",
    "0.05",
    "--sft",
    "sequence_mean",
  ],
  "rpo:token_mean": ["--loss", "rpo", "--beta", "0.1", "--eta", "0.05", "--sft", "token_mean"],
  "sft:token_mean": ["--loss", "sft", "--sft", "token_mean"],
};

for (const [run, loss] of Object.entries(GOLDEN_RUNS)) {
  Deno.test({
    name: `train follows PyTorch's trajectory of ${run} for twelve steps (needs ../shared)`,
    ignore: !present,
    async fn() {
      await using scratch = await ScratchFolder.make();
      const { steps } = await ballastJson<TrainDocument>([
        ...["train", ...goldenFiles, ...loss, "--lr", "1e-3", "--steps", "12"],
        ...["--batch-pairs", "4", "--schedule", "constant", "--warmup-steps", "0"],
        ...["--max-grad-norm", "1", "--weight-decay", "0", "--order", "sequential"],
        ...["--out", join(scratch.path, "trained")],
      ]);
      const expected = golden<{ runs: Record<string, TrainDocument["steps"]> }>(
        "trajectories.json",
      );
      assert.equal(steps.length, 12);
      steps.forEach((row, i) => {
        const wanted = expected.runs[run][i];
        for (const field of ["loss", "gradNorm"] as const) {
          const error = Math.abs(row[field] / wanted[field] - 1);
          assert(error <= 2e-3, `step ${row.step}: ${field} ${row[field]} ≠ ${wanted[field]}`);
        }
      });
    },
  });
}
