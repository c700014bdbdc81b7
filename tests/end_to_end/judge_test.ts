import assert from "node:assert/strict";
import { join } from "node:path";
import { readJudged } from "../../eval/judge/judged_files.ts";
import { PAIRS, writeSmallModel } from "../cli/small_model.ts";
import { FakeJudge, type Mishap } from "../eval/judge/fake_judge.ts";
import { ballast, ballastJson, digestsOf, type PlanDocument, type RunDocument } from "./ballast.ts";
import { ScratchFolder } from "./scratch_folder.ts";

const KEY = "sk-neverToBeSeen";
const TEMPLATE = `<|im_start|>user
{question}
---
{answer_a}
---
{answer_b}
<|im_end|>
`;

const RECIPE = `recipe: judged
describe: Replies of a small model, judged against the chosen ones.
stages:
  data: { uses: read-pairs, params: { path: rows } }
  model: { uses: base-model, params: { path: folder } }
  replies:
    uses: generate
    inputs: { policy: model.model, pairs: data.test }
    params: { maxNewTokens: 6, threads: 1 }
  judge:
    uses: judge
    inputs: { replies: replies }
    params:
      rule: choice
      template: pair.txt
      system: small
      maxTokens: 2048
      coverage: 0.9
      prices: { input: 10, output: 30 }
      budget: { dollars: 10 }
`;

async function writeRecipe(folder: string): Promise<void> {
  await writeSmallModel(folder);
  await Deno.mkdir(join(folder, "rows"));
  const lines = Array.from(
    { length: 8 },
    (_, i) => ({ ...PAIRS[0], prompt: `say black ${i} times` }),
  )
    .map((pair) => `${JSON.stringify(pair)}\n`).join("");
  for (const split of ["train", "test"]) {
    await Deno.writeTextFile(join(folder, `rows/${split}_prefs.jsonl`), lines);
  }
  await Deno.writeTextFile(join(folder, "pair.txt"), TEMPLATE);
  await Deno.writeTextFile(join(folder, "judged.yaml"), RECIPE);
}

const busyAtFirst = (_: unknown, before: number): Mishap | null =>
  before === 0 ? { kind: "status", status: 503, headers: { "retry-after-ms": "1" } } : null;

Deno.test("a recipe's judge: asked once, its answers make the table again offline and elsewhere, the key in nothing", async () => {
  await using scratch = await ScratchFolder.make();
  await writeRecipe(scratch.path);
  await using judge = new FakeJudge(() => "Final verdict: [[A]]", busyAtFirst);
  const args = (store: string, ...more: string[]) => [
    ...["run", "judge", "--recipe", "judged.yaml", "--store", store, ...more],
  ];
  const place = (environment: Record<string, string>) => ({ folder: scratch.path, environment });
  const online = place({
    JUDGE_BASE_URL: judge.baseUrl,
    JUDGE_API_KEY: KEY,
    JUDGE_MODEL: "some-judge",
  });
  const called = await ballast([...args("store"), "--json", "--progress", "ndjson"], online);
  assert.equal(called.code, 0, called.stderr);
  const first = JSON.parse(called.stdout) as RunDocument;
  assert.equal(judge.seen.length, 32, "16 requests, each of them twice");
  assert.ok(judge.seen.every(({ authorization }) => authorization === `Bearer ${KEY}`));
  assert.match(called.stderr, /asks some-judge: 16 calls, at most about \d+ prompt and 32,768 /);
  assert.match(called.stderr, /"unit":"judgments","note":"\$0\.0208"/); // 16 · (100 · 10 + 10 · 30) / 1e6
  for (const secret of [KEY, judge.baseUrl]) {
    assert.ok(!`${called.stdout}${called.stderr}`.includes(secret));
    const found = await new Deno.Command("grep", { args: ["-rl", secret, scratch.path] }).output();
    assert.equal(new TextDecoder().decode(found.stdout), "");
  }
  const digest = digestsOf(first)["judge:judgments"];
  const object = join(scratch.path, "store/objects", digest.slice(0, 2), digest);
  const { coverage, systems, judge: name, judgments } = await readJudged(object);
  assert.deepEqual(coverage, { all: 16, scored: 16, unparseable: 0, failed: 0, unasked: 0 });
  assert.deepEqual([systems, name], [["chosen", "small"], "some-judge"]);
  assert.deepEqual(judgments.slice(0, 2).map(({ value }) => value), [0, 1]);

  const again = await ballastJson<RunDocument>(args("store"), online);
  assert.equal(again.ran.length, 0);

  const elsewhere = join(scratch.path, "elsewhere");
  await Deno.mkdir(elsewhere);
  await Deno.rename(join(scratch.path, "store/judgments"), join(elsewhere, "judgments"));
  // The address would answer; nothing may ask it.
  const offline = await ballastJson<RunDocument>(args("elsewhere", "--offline"), online);
  assert.deepEqual(digestsOf(offline), digestsOf(first));
  const named = place({ JUDGE_MODEL: "some-judge" });
  const recosted = args("elsewhere", "--set", "judge.budget.dollars=20");
  assert.deepEqual(digestsOf(await ballastJson<RunDocument>(recosted, named)), digestsOf(first));
  assert.equal(judge.seen.length, 32);

  const { request } = judgments[3];
  await Deno.remove(join(elsewhere, "judgments", request!.slice(0, 2), `${request}.json`));
  const lacking = await ballast(
    args("elsewhere", "--offline", "--set", "judge.concurrency=2"),
    named,
  );
  assert.equal(lacking.code, 1);
  assert.match(
    lacking.stderr,
    new RegExp(`1 of 16 are missing:\\s+.*swapped \\(${request!.slice(0, 12)}\\)`),
  );
});

Deno.test("the judge's name is in the key; a judge without one, a foreign template and low coverage are refused", async () => {
  await using scratch = await ScratchFolder.make();
  await writeRecipe(scratch.path);
  await using judge = new FakeJudge(() => "I will not say.");
  const place = (environment: Record<string, string>) => ({
    folder: scratch.path,
    environment: { JUDGE_BASE_URL: judge.baseUrl, ...environment },
  });
  const args = (...more: string[]) => [
    ...["run", "judge", "--recipe", "judged.yaml", "--store", "store", ...more],
  ];
  const refused = async (
    code: number,
    message: RegExp,
    environment: Record<string, string>,
    ...more: string[]
  ) => {
    const called = await ballast(args(...more), place(environment));
    assert.equal(called.code, code, called.stderr);
    assert.match(called.stderr, message);
  };
  const unnamed =
    /judge\.params\.model: Missing\. Expected the judge's name, here or as JUDGE_MODEL\./;
  await refused(2, unnamed, {});
  await refused(
    2,
    /judge\.params\.model: Expected JUDGE_MODEL to be one too, or not set, but found two\./,
    { JUDGE_MODEL: "two" },
    ...["--set", "judge.model=one"],
  );
  await assert.rejects(Deno.stat(join(scratch.path, "store")), "nothing was run before");
  const other = "0".repeat(64);
  await refused(
    1,
    /pair\.txt: Expected the file with SHA-256 0{64} but found [0-9a-f]{64}\./,
    { JUDGE_MODEL: "one" },
    ...["--set", `judge.templateSha256="${other}"`],
  );
  assert.equal(judge.seen.length, 0);
  await refused(1, /found 0\.0%: 0 of 16 judgments scored, 16 unparseable, 0 failed\./, {
    JUDGE_MODEL: "one",
  });
  const accepted = [...args("--set", "judge.coverage=0")];
  await ballastJson<RunDocument>(accepted, place({ JUDGE_MODEL: "one" }));
  assert.equal(judge.seen.length, 16, "what was answered is not asked again");
  const plan = await ballastJson<PlanDocument>(
    ["plan", "--to", "judge", ...accepted.slice(2)],
    place({ JUDGE_MODEL: "two" }),
  );
  const { state, reasons } = plan.stages.find(({ id }) => id === "judge")!;
  assert.equal(state, "stale");
  assert.deepEqual(reasons, [{ field: "judge", before: "one", after: "two" }]);
});

Deno.test("two judges of a run share its budget; a run that begins again has it anew", async () => {
  await using scratch = await ScratchFolder.make();
  await writeRecipe(scratch.path);
  const second = RECIPE.slice(RECIPE.indexOf("  judge:\n"))
    .replace("  judge:", "  warmer:").replace("params:", "params:\n      temperature: 1");
  const recipe = `${RECIPE}${second}`.replaceAll("{ dollars: 10 }", "{ calls: 20 }");
  await Deno.writeTextFile(join(scratch.path, "judged.yaml"), recipe);
  await using judge = new FakeJudge(() => "Final verdict: [[A]]");
  const environment = { JUDGE_BASE_URL: judge.baseUrl, JUDGE_MODEL: "some-judge" };
  const args = ["run", "judge", "warmer", "--recipe", "judged.yaml", "--store", "store"];
  const first = await ballast(args, { folder: scratch.path, environment });
  assert.equal(first.code, 1);
  assert.match(
    first.stderr,
    /at most 20 calls to the judge, the budget, but 16 are\s+needed, and this run has made 16/,
  );
  assert.equal(judge.seen.length, 16);
  const again = await ballast(args, { folder: scratch.path, environment });
  assert.equal(again.code, 0, again.stderr);
  assert.equal(judge.seen.length, 32);
});
