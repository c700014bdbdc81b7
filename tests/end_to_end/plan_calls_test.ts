import assert from "node:assert/strict";
import { join } from "node:path";
import { ballast, ballastJson, type PlanDocument } from "./ballast.ts";
import { ScratchFolder } from "./scratch_folder.ts";

const TEMPLATE = "<|im_start|>user\n{instruction}\n{output_1}\n{output_2}\n<|im_end|>\n";

const RECIPE = `recipe: judged
describe: Replies of a model and files of answers, for judges.
stages:
  data: { uses: read-pairs, params: { path: rows, testLimit: 9 } }
  model: { uses: base-model, params: { path: folder } }
  replies:
    uses: generate
    inputs: { policy: model.model, pairs: data.test }
    params: { limit: 8, maxNewTokens: 30, threads: 1 }
  judge:
    inputs: { replies: replies }
    params:
      rule: choice
      template: pair.txt
      system: small
      maxTokens: 2000
      coverage: 0.9
      prices: { input: 10, output: 30 }
  grade:
    uses: judge
    inputs: { replies: replies }
    params:
      rule: rating
      template: pair.txt
      system: small
      seeds: [0, 1, 2]
      limit: 3
      maxTokens: 2000
      coverage: 0.9
  answers:
    uses: judge-answers
    params:
      benchmark: alpaca-eval
      answers: answers.json
      baseline: baseline.json
      template: pair.txt
      maxTokens: 1
      coverage: 0.9
      prices: { input: 1000, output: 1000 }
`;

/** The third answer is that of all: a tie that no judge is asked about. */
const answers = (generator: string, output: string) =>
  JSON.stringify([["one", output], ["two", output], ["three", "the same"]].map((
    [instruction, output],
  ) => ({ instruction, output, generator })));

async function write(folder: string): Promise<void> {
  await Deno.mkdir(join(folder, "rows"));
  await Deno.mkdir(join(folder, "folder"));
  const row = JSON.stringify({ prompt: "p", chosen: "c", rejected: "r" });
  for (const split of ["train", "test"]) {
    await Deno.writeTextFile(join(folder, `rows/${split}_prefs.jsonl`), `${row}\n`);
  }
  await Deno.writeTextFile(join(folder, "pair.txt"), TEMPLATE);
  await Deno.writeTextFile(join(folder, "answers.json"), answers("ours", "an answer"));
  await Deno.writeTextFile(join(folder, "baseline.json"), answers("theirs", "another"));
  await Deno.writeTextFile(join(folder, "judged.yaml"), RECIPE);
}

Deno.test("plan tells how many calls of judges a recipe takes, and what they cost at most, before any", async () => {
  await using scratch = await ScratchFolder.make();
  await write(scratch.path);
  const place = { folder: scratch.path, environment: { JUDGE_MODEL: "a-judge" } };
  const args = ["plan", "--recipe", "judged.yaml", "--store", "store"];
  const plan = async (...more: string[]) =>
    await ballastJson<PlanDocument>([...args, ...more], place);
  const callsOf = ({ stages }: PlanDocument, id: string) =>
    stages.find((one) => one.id === id)!.calls;

  const free = await plan();
  const judge = callsOf(free, "judge")!;
  assert.equal(judge.count, 8 * 2, "both orders");
  const answer = 16 * 2000 * 30 / 1e6;
  assert.ok(judge.dollars! > answer && judge.dollars! < answer + 0.2, `${judge.dollars}`);
  assert.deepEqual(callsOf(free, "grade"), { count: 3 * 3, dollars: null });
  // A request is the instruction, both answers, and two line ends between them.
  const asked = "one".length + "an answer".length + "another".length + 2;
  const cost = 2 * (Math.ceil(asked / 3) + 1) * 1000 / 1e6;
  assert.deepEqual(callsOf(free, "answers"), { count: 2, dollars: cost });
  assert.equal(callsOf(free, "replies"), null);
  assert.deepEqual(free.calls, { count: 27, dollars: null });

  const { stdout } = await ballast(args, place);
  const money = `$${(judge.dollars! + cost).toFixed(2)}`;
  assert.match(
    stdout,
    /^missing judge .*\[about 5 min, about 16 calls, at most about \$\d\.\d\d\]$/m,
  );
  assert.match(stdout, /^missing grade .*\[about 5 min, about 9 calls, price not known\]$/m);
  assert.equal(
    stdout.trimEnd().split("\n").at(-1),
    `Judges: about 27 calls, at most about ${money}, price of 1 stage not known (parameter prices); ` +
      "what is kept is not asked for again",
  );
  assert.match(
    stdout,
    /calls as if nothing was kept, a token for every 3 bytes, as English has at most, answers of 2,000/,
  );

  const unread = await plan("--set", "data.testLimit=null", "--set", "replies.limit=null");
  assert.deepEqual(callsOf(unread, "judge"), { count: null, dollars: null });
  assert.deepEqual(callsOf(unread, "grade"), { count: 9, isAtMost: true, dollars: null });
  assert.deepEqual(unread.calls, { count: null, isAtMost: true, dollars: null });
  const missing = await ballast(
    [...args, "--set", "data.testLimit=null", "--set", "replies.limit=null"],
    place,
  );
  assert.match(
    missing.stdout,
    /Judges: at most 11 calls, at most about \$0\.0\d+, price of 1 stage .*, calls of 1 stage not known yet;/,
  );
  const offline = await plan("--offline");
  assert.equal(offline.calls, null);
  assert.equal(callsOf(offline, "judge"), null);
});
