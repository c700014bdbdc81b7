import assert from "node:assert/strict";
import { join } from "node:path";
import {
  ballast,
  ballastJson,
  type PlanDocument,
  PROJECT,
  startBallast,
} from "../end_to_end/ballast.ts";
import { StoreLock } from "../../pipeline/store/store_lock.ts";
import { HOST, withStore } from "../pipeline/store/fixture.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";

const COMMANDS = [
  ...["reproduce", "run", "plan", "explain", "status", "diff", "verify", "gc", "doctor", "logps"],
  ...["train", "generate", "serve-model", "ui", "report", "recipes", "stages", "show", "cite"],
  ...["bundle", "replay", "push", "pull"],
];

for (const command of COMMANDS) {
  Deno.test(`ballast ${command} --help says what it is for and exits 0`, async () => {
    const { code, stdout, stderr } = await ballast([command, "--help"]);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, new RegExp(`^Usage: ballast ${command}\\b`));
    const options = stdout.match(/^ {2}-.*$/gm)!;
    assert(options.length > 1, stdout);
    for (const option of options) assert.match(option, /^ {2}-\S.*( {2,}\S|>$|\]$)/, option);
    if (!/<stage|<a>|=value/.test(stdout)) return;
    assert.match(
      stdout,
      /Examples?:\n {2}deno task /,
      "what takes words of its own has an example",
    );
  });
}

Deno.test("ballast --help names every command", async () => {
  const { code, stdout } = await ballast(["--help"]);
  assert.equal(code, 0);
  for (const command of [...COMMANDS, "score"]) {
    assert.match(stdout, new RegExp(`^ {2}${command}\\b`, "m"));
  }
});

Deno.test("a result that nobody reads to its end is no error", async () => {
  const child = startBallast(["stages"]);
  await child.stdout.cancel();
  const [{ code }, stderr] = await Promise.all([child.status, new Response(child.stderr).text()]);
  assert.deepEqual([code, stderr], [141, ""]);
});

Deno.test("wrong usage exits with 2, says what is wrong, and prints nothing on stdout", async () => {
  const loss = ["--lr", "1", "--steps", "1", "--batch-pairs", "1", "--out", "o"];
  const files = ["--model", "m", "--pairs", "p", "--max-length", "9", "--max-prompt-length", "5"];
  const wrong: [string[], RegExp][] = [
    [[], /Usage: ballast/],
    [["nonsense"], /unknown command 'nonsense'/],
    [["reproduce", "--bogus"], /unknown option '--bogus'/],
    [["plan", "--json", "extra"], /too many arguments/],
    [["run"], /missing required argument 'stage'/],
    [["reproduce", "--cores", "0"], /integer greater than 0/],
    [["reproduce", "--recipe", "tiney"], /no recipe tiney; .*Did you mean "tiny"\?/],
    [["reproduce", "--recipe", "none.yaml"], /There is no file .*none\.yaml/],
    [
      ["pull", "s3://lab"],
      /Expected AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment/,
    ],
    [["plan", "--set", "train.beta"], /Expected STAGE\.PARAM=VALUE/],
    [["plan", "--set", "trian.beta=1"], /no stage trian; .*Did you mean "train"\?/],
    [["plan", "--to", "trian"], /--to trian: .*no such stage/],
    [["logps", ...files, "--json"], /2 problems:\n {2}--model: .*\n {2}--pairs: /],
    [["train", ...files, ...loss, "--loss", "rop"], /Allowed choices are dpo, rpo, .*sft/],
    [
      ["train", ...files, ...loss, "--loss", "dpo"],
      /--model: .*\n.*--pairs: .*\n.*--beta: Missing/,
    ],
  ];
  for (const [args, message] of wrong) {
    const { code, stdout, stderr } = await ballast(args);
    assert.deepEqual([code, stdout], [2, ""], args.join(" "));
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /\n +at /, "no stack trace");
  }
});

Deno.test("train --loss rpo without --sft names the three choices", async () => {
  const { code, stderr } = await ballast([
    ...["train", "--model", "m", "--pairs", "p", "--out", "o", "--loss", "rpo", "--beta", "0.1"],
    ...["--eta", "0.005", "--lr", "1e-4", "--steps", "1", "--batch-pairs", "1"],
    ...["--max-length", "9", "--max-prompt-length", "5"],
  ]);
  assert.equal(code, 2);
  assert.match(stderr, /--sft: Missing.* sum, sequence_mean(,| or) token_mean/);
});

Deno.test("plan --json prints one document of the contract's shape, and writes nothing", async () => {
  await using scratch = await ScratchFolder.make();
  const store = join(scratch.path, "store");
  const { code, stdout } = await ballast(["plan", "--recipe", "tiny", "--json", "--store", store]);
  assert.equal(code, 0);
  const { recipe, stages } = JSON.parse(stdout) as PlanDocument;
  assert.equal(recipe, "tiny");
  for (const stage of stages) {
    const keys = ["id", "state", "key", "reasons", "estimateSeconds"];
    assert.deepEqual(Object.keys(stage).slice(0, keys.length), keys);
    assert.deepEqual(stage.reasons, [{ field: "never run", before: null, after: null }]);
    assert.equal(stage.state, "missing");
  }
  const seeds = stages.filter(({ id }) => id.startsWith("train/rpo-sum@")).map(({ id }) => id);
  assert.deepEqual(seeds, [0, 1, 2].map((seed) => `train/rpo-sum@seed=${seed}`));
  assert.match(stages[0].key!, /^[0-9a-f]{64}$/);
  assert.equal(stages.at(-1)!.key, null, "unknown while its inputs are not there");
  await assert.rejects(Deno.stat(store), Deno.errors.NotFound);
});

Deno.test("a wrong recipe: every problem in one message, exit 2, nothing written", async () => {
  await using scratch = await ScratchFolder.make();
  await Deno.writeTextFile(
    join(scratch.path, "wrong.yaml"),
    `recipe: wrong
describe: every kind of mistake
stagse: 3
stages:
  data:
    uses: read-pairs
    params: { path: nowhere, limit: 10, testLimit: ten }
  model:
    uses: initialise
    prams: {}
    inputs: { tokenizer: world }
  tokens:
    uses: tokenize
    inputs: { pairs: data.train, tokenizer: again }
    params: { maxLength: 24, maxPromptLenght: 8 }
  again:
    uses: select
    inputs: { snapshots: tuned, curve: tokens, tokenizer: tokens }
  tuned:
    uses: train
    inputs: { model: again, tokens: tokens }
    params: { loss: rpo, beta: 0.1, eta: 0.005, learningRate: 0.001, schedule: constant,
              steps: 10, batchPairs: 8, seed: 0, threads: 1 }
`,
  );
  const store = join(scratch.path, "store");
  const args = ["reproduce", "--recipe", "wrong.yaml", "--store", store];
  const { code, stdout, stderr } = await ballast(args, { folder: scratch.path });
  assert.deepEqual([code, stdout], [2, ""]);
  for (
    const problem of [
      /wrong\.yaml:3: stagse: Unknown key.*Did you mean "stages"\?/,
      /stages\.data\.params\.path.*found nothing/,
      /stages\.data\.params\.testLimit.*"ten"/,
      /stages\.model.*initialise.*Did you mean "initialize"\?/,
      /stages\.model\.prams: Unknown key.*Did you mean "params"\?/,
      /stages\.tokens\.params\.maxPromptLenght.*Did you mean "maxPromptLength"\?/,
      /stages\.tuned\.params\.sft.*sum.*sequence_mean.*token_mean/,
      /wait for each other|cycl/,
    ]
  ) assert.match(stderr, problem);
  await assert.rejects(Deno.stat(store), Deno.errors.NotFound);
});

Deno.test("a recipe over third-party data says what to get when data.path is missing", async () => {
  const { code, stderr } = await ballast(["plan", "--recipe", "ultrafeedback-small"]);
  assert.equal(code, 2);
  assert.match(
    stderr,
    /stages\.data\.params\.path: Missing\..*HuggingFaceH4\/ultrafeedback_binarized/,
  );
  assert.match(stderr, /--set data\.path=/);
});

Deno.test("a store may have any name but one with a comma, of which a run says so", async () => {
  await using scratch = await ScratchFolder.make();
  const place = { folder: scratch.path };
  const run = (store: string) => ballast(["run", "world@seed=0", "--store", store], place);
  assert.equal((await run("ünï côde %20 €")).code, 0);
  const { code, stderr } = await run("one, two");
  assert.equal(code, 1);
  assert.match(stderr, /Deno cannot give a stage access to a path with a comma: .*one, two/);
});

Deno.test("a name that --accept does not know is refused before a store is made", async () => {
  await using scratch = await ScratchFolder.make();
  const store = join(scratch.path, "new");
  const { code, stderr } = await ballast(["reproduce", "--accept", "nosuch", "--store", store]);
  assert.deepEqual([code, /--accept nosuch: The recipe has no such stage/.test(stderr)], [2, true]);
  await assert.rejects(Deno.stat(store), Deno.errors.NotFound);
});

Deno.test("a --store that is a file, or may not be read, is told without a stack", async () => {
  await using scratch = await ScratchFolder.make();
  const file = join(scratch.path, "file");
  await Deno.writeTextFile(file, "");
  for (const command of ["status", "plan", "doctor"]) {
    const { code, stdout, stderr } = await ballast([command, "--store", file]);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /--store <folder>.* Expected a folder but found a file at .*file\./);
    assert.doesNotMatch(stderr, /\.ts:\d/);
  }
});

Deno.test("doctor looks whether the folder that a new store would lie in can be written", async () => {
  await using scratch = await ScratchFolder.make();
  const { checks } = await ballastJson<{ checks: { name: string; found: string }[] }>(
    ["doctor", "--store", join(scratch.path, "not", "yet")],
  );
  assert.equal(
    checks.find(({ name }) => name === "store")!.found,
    `${scratch.path}/not/yet can be written`,
  );
  const { code, stderr } = await ballast(["doctor", "--store", "/proc/no-such/store"]);
  assert.equal(code, 2);
  assert.match(stderr, /--store <folder>.* \/proc\/no-such\/store cannot be used: /);
});

Deno.test("two trainings into one --out are kept apart", async () => {
  await using scratch = await ScratchFolder.make();
  const lock = join(scratch.path, ".out.training.lock");
  const work = join(scratch.path, ".out.training", "scratch");
  await Deno.mkdir(work, { recursive: true });
  using _lock = await StoreLock.take(lock, 0);
  const { code, stderr } = await ballast([
    ...["train", "--model", scratch.path, "--pairs", PROJECT + "/deno.json", "--loss", "sft"],
    ...["--sft", "sum", "--lr", "1", "--steps", "1", "--batch-pairs", "1", "--max-length", "9"],
    ...["--max-prompt-length", "5", "--out", join(scratch.path, "out")],
  ]);
  assert.equal(code, 1);
  assert.match(stderr, /is held by process \d+ on .*: it trains into the same --out\./);
  assert.ok((await Deno.stat(work)).isDirectory);
  assert.ok((await Deno.stat(lock)).isFile);
});

Deno.test("train refuses a --log inside its --out, which would stand in the way of the model", async () => {
  await using scratch = await ScratchFolder.make();
  await Deno.mkdir(join(scratch.path, "out"));
  const { code, stdout, stderr } = await ballast([
    ...["train", "--model", scratch.path, "--pairs", PROJECT + "/deno.json", "--loss", "sft"],
    ...["--sft", "sum", "--lr", "1", "--steps", "1", "--batch-pairs", "1", "--max-length", "9"],
    ...["--max-prompt-length", "5", "--out", "out", "--log", "out/log.ndjson"],
  ], { folder: scratch.path });
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /--log: Expected a file outside .*out, which --out makes, but found /);
  assert.deepEqual([...Deno.readDirSync(join(scratch.path, "out"))], []);
});

Deno.test("options of Slurm without it are refused before anything is written", async () => {
  await using scratch = await ScratchFolder.make();
  const store = join(scratch.path, "store");
  const options = ["--slurm-partition", "gpu", "--slurm-arg=--time=5", "--store", store];
  const { code, stdout, stderr } = await ballast(["run", "world", ...options]);
  assert.deepEqual([code, stdout], [2, ""]);
  for (const name of ["--slurm-partition", "--slurm-arg"]) {
    assert(stderr.includes(`${name}: It goes with --executor slurm.`), stderr);
  }
  assert.deepEqual([...Deno.readDirSync(scratch.path)], []);
});

Deno.test("status tells a run that goes on from one that was killed", () =>
  withStore(async (store) => {
    const header = { recipe: "tiny", parameters: {}, command: [], startedAt: "", host: HOST };
    const run = await store.startRun(header);
    interface Status {
      readonly runs: { readonly status: string; readonly pid?: number }[];
    }
    const state = async () => {
      const { runs } = await ballastJson<Status>(["status", "--store", store.path]);
      return [runs[0].status, runs[0].pid];
    };
    assert.deepEqual(await state(), ["running", Deno.pid]);
    run[Symbol.dispose](); // as a kill does
    assert.deepEqual(await state(), ["killed", undefined]);
  }));

Deno.test("characters that act on a terminal are written out, but in JSON", () =>
  withStore(async (store) => {
    const header = { recipe: "tiny", parameters: {}, command: [], startedAt: "", host: HOST };
    await store.startRun(header);
    const escape = String.fromCharCode(27);
    const { stderr } = await ballast(["plan", "--recipe", `${escape}[2Jx`]);
    assert.ok(stderr.includes("\\x1b[2Jx") && !stderr.includes(escape), stderr);
    const query = ["status", "--store", store.path, "--sql", "select chr(27) as c"];
    const { stdout } = await ballast(query);
    assert.equal(stdout, "c\n\\x1b\n");
    assert.deepEqual(await ballastJson(query), [{ c: escape }]);
  }));

Deno.test("relative paths are relative to where the user stands", async () => {
  await using scratch = await ScratchFolder.make();
  await Deno.copyFile(join(PROJECT, "recipes/tiny.yaml"), join(scratch.path, "mine.yml"));
  const place = { folder: scratch.path };
  const { code } = await ballast(
    ["run", "world@seed=0", "--recipe", "./mine.yml", "--store", "kept/here"],
    place,
  );
  assert.equal(code, 0);
  const { store } = await ballastJson<{ store: string }>(["status", "--store", "kept/here"], place);
  assert.equal(store, join(scratch.path, "kept/here"));
  assert((await Deno.stat(store)).isDirectory);
});

Deno.test("doctor --json lists what this machine has", async () => {
  const { checks } = await ballastJson<{ checks: { name: string; ok: boolean }[] }>(["doctor"]);
  assert.deepEqual(
    checks.map(({ name, ok }) => [name, name === "cuda" || ok]),
    ["deno", "machine", "onnxruntime", "cuda", "duckdb", "store"].map((name) => [name, true]),
  );
});
