import assert from "node:assert/strict";
import { join } from "node:path";
import { writeSmallModel } from "../cli/small_model.ts";
import { FakeJudge } from "../eval/judge/fake_judge.ts";
import { longerIsBetter, writeBenchmarks } from "../eval/judge/own_benchmarks.ts";
import { ballast } from "./ballast.ts";
import { writeSplit } from "./own_pairs.ts";
import { ScratchFolder } from "./scratch_folder.ts";

const PROMPTS = 8;
/** The judge's usage is 100 and 10 tokens an answer; each prompt is asked in both orders. */
const DOLLARS = 2 * PROMPTS * (100 * 10 + 10 * 30) / 1e6;

const judging = (more: string) => `
    uses: judge
    inputs: { replies: replies }
    params:
      { system: small, rule: choice, template: files/judge_prompts.jsonl, templateName: pair-v2,
        ${more} }`;
const PRICES = "prices: { input: 10, output: 30 }";

/** Two judges of the same replies, who ask the same; a third that asks for less names no prices. */
const RECIPE = `recipe: costs
describe: Replies of a small model, judged at a price.
stages:
  data: { uses: read-pairs, params: { path: rows } }
  model: { uses: base-model, params: { path: folder } }
  replies:
    uses: generate
    inputs: { policy: model.model, pairs: data.test }
    params: { temperature: 2, maxNewTokens: 8, threads: 1 }
  judge: ${judging(`coverage: 1, maxTokens: 2048, ${PRICES}`)}
  twin: ${judging(`coverage: 0.9, maxTokens: 2048, ${PRICES}`)}
  unpriced: ${judging("coverage: 1, maxTokens: 1024")}
  score: { uses: score-pairs, inputs: { judgments: judge } }
  report:
    inputs: { scores: score, judgments: [judge, twin, unpriced] }
    params: { title: Judged }
`;

Deno.test("a judged run's page, show and cite tell what the judge cost, an answer once", async () => {
  await using scratch = await ScratchFolder.make();
  await writeSmallModel(scratch.path);
  for (const folder of ["rows", "files"]) await Deno.mkdir(join(scratch.path, folder));
  await writeSplit(join(scratch.path, "rows"), "train", PROMPTS);
  await writeSplit(join(scratch.path, "rows"), "test", PROMPTS);
  await writeBenchmarks(join(scratch.path, "files"));
  await Deno.writeTextFile(join(scratch.path, "costs.yaml"), RECIPE);
  await using judge = new FakeJudge(longerIsBetter);
  const place = {
    folder: scratch.path,
    environment: { JUDGE_BASE_URL: judge.baseUrl, JUDGE_MODEL: "some-judge" },
  };
  const call = async (...args: string[]) => {
    const { code, stdout, stderr } = await ballast([...args, "--store", "store"], place);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  await call("reproduce", "--recipe", "costs.yaml");
  assert.equal(judge.seen.length, 4 * PROMPTS, "the twin's requests are those of the judge");
  const page = await Deno.readTextFile(join(scratch.path, "store/reports/costs/index.html"));
  const asked = String(2 * PROMPTS);
  assert.deepEqual(costRows(page), {
    ...{ data: ["–", "–"], model: ["–", "–"], replies: ["–", "–"], score: ["–", "–"] },
    report: ["–", "–"],
    judge: [asked, DOLLARS.toFixed(4)],
    twin: ["0", "0.0000"],
    unpriced: [asked, "–"],
    "All together": [String(4 * PROMPTS), DOLLARS.toFixed(4)],
  });
  assert.match(page, /No prices are known of what these asked: unpriced\./);
  assert.match(
    await call("show", "costs", "small:chosen", "winRate"),
    new RegExp(
      `  judge\n.*Took +.*, ${asked} answers of the judge, \\$${DOLLARS.toFixed(4)}\n`,
      "s",
    ),
  );
  assert.match(
    await call("cite", "costs"),
    /; 32 answers of judges, \$0\.0208 for those with known prices\./,
  );
});

/** The table of costs: of each entry the answers and the dollars. */
function costRows(page: string): Record<string, string[]> {
  const table = /id="table-costs".*?<tbody>(.*?)<\/tbody>/s.exec(page)![1];
  return Object.fromEntries(
    table.trim().split("\n").map((row) => {
      const cells = [...row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/g)]
        .map(([, cell]) => cell.replace(/<[^>]*>/g, ""));
      return [cells[0], cells.slice(-2)];
    }),
  );
}
