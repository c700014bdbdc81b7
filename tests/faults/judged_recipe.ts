import { join } from "node:path";
import { writeSmallModel } from "../cli/small_model.ts";
import type { Place } from "../end_to_end/ballast.ts";
import { writeSplit } from "../end_to_end/own_pairs.ts";
import { FakeJudge, type Mishap } from "../eval/judge/fake_judge.ts";
import { longerIsBetter, writeBenchmarks } from "../eval/judge/own_benchmarks.ts";

const PROMPTS = 60;
/** Two for each prompt: one in each order. */
export const REQUESTS = 2 * PROMPTS;
/** Requests at once. */
export const CONCURRENCY = 4;

const RECIPE = `recipe: judged
describe: Replies of a small model beside the chosen ones.
stages:
  data: { uses: read-pairs, params: { path: rows } }
  model: { uses: base-model, params: { path: folder } }
  replies:
    uses: generate
    inputs: { policy: model.model, pairs: data.test }
    params: { temperature: 2, maxNewTokens: 8, threads: 1 }
  judge:
    inputs: { replies: replies }
    params:
      system: small
      rule: choice
      template: files/judge_prompts.jsonl
      templateName: pair-v2
      maxTokens: 2048
      coverage: 1
      concurrency: ${CONCURRENCY}
      timeoutSeconds: 2
      attempts: 8
      failuresInARow: 1000
  score: { uses: score-pairs, inputs: { judgments: judge } }
  report: { inputs: { scores: score }, params: { title: Judged } }
`;

/** What befalls the first attempt of every third request, one of these in turn. */
const MISHAPS: readonly Mishap[] = [
  { kind: "status", status: 429, headers: { "retry-after-ms": "10" } },
  { kind: "cut" },
  { kind: "status", status: 500 },
  { kind: "nonsense" },
  { kind: "slow", milliseconds: 100 },
  { kind: "trickle" },
];

/** A judge that answers in the end. */
export function unreliableJudge(): FakeJudge {
  let asked = 0;
  return new FakeJudge(
    longerIsBetter,
    (_, before) => before === 0 && ++asked % 3 === 0 ? MISHAPS[(asked / 3) % MISHAPS.length] : null,
  );
}

/** Writes `judged.yaml`, a recipe with a judge, and all that it reads. */
export async function writeJudgedRecipe(folder: string): Promise<void> {
  await writeSmallModel(folder);
  for (const name of ["rows", "files"]) await Deno.mkdir(join(folder, name));
  await writeSplit(join(folder, "rows"), "train", 1);
  await writeSplit(join(folder, "rows"), "test", PROMPTS);
  await writeBenchmarks(join(folder, "files"));
  await Deno.writeTextFile(join(folder, "judged.yaml"), RECIPE);
}

/** Where the recipe is run, and whom it asks. */
export function judgedPlace(folder: string, judge: FakeJudge): Place {
  return {
    folder,
    environment: { JUDGE_BASE_URL: judge.baseUrl, JUDGE_MODEL: "some-judge" },
  };
}
