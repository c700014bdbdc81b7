import assert from "node:assert/strict";
import { join } from "node:path";
import { writeHarnessFiles } from "../../../eval/judge/harness_rows.ts";
import type { Judged } from "../../../eval/judge/judgment.ts";
import { readPairJudgments, readSingleJudgments } from "../../../eval/mt_bench/judgments.ts";
import { pairVerdicts, scorePairwise } from "../../../eval/mt_bench/pairwise.ts";
import { scoreSingle } from "../../../eval/mt_bench/single.ts";
import { ScratchFolder } from "../../end_to_end/scratch_folder.ts";
import { judgedPairs } from "./judged_pairs.ts";

/** The same questions judged under the seeds 1 and 2. */
function twoSeeds(
  first: Parameters<typeof judgedPairs>[0],
  second: typeof first,
  own?: Partial<Judged>,
): Judged {
  const [one, two] = [first, second].map((pairs) => judgedPairs(pairs, own));
  const seeded = ({ judgments }: Judged, seed: number) =>
    judgments.map((judgment) => ({ ...judgment, id: `${81 + Number(judgment.id)}`, seed }));
  return {
    ...one,
    items: one.items.map((item) => ({ ...item, id: `${81 + Number(item.id)}` })),
    judgments: [...seeded(one, 1), ...seeded(two, 2)],
  };
}

Deno.test("a judge of several seeds leaves FastChat's files that score mt-bench takes, each seed by itself", async () => {
  await using scratch = await ScratchFolder.make();
  await writeHarnessFiles(scratch.path, twoSeeds([[1, 1], [0, 0]], [[1, 0], [1, 1]]));
  const path = join(scratch.path, "mt_bench_pair.jsonl");
  const rows = await readPairJudgments(path);
  assert.deepEqual(rows.map(({ question_id, seed }) => [question_id, seed]), [
    ...[[81, 1], [81, 2], [82, 1], [82, 2]],
  ]);
  const request = { a: "ours", b: "base", path };
  const { wins, losses, ties, n } = scorePairwise(rows, { ...request, seed: 0 });
  assert.deepEqual([wins, losses, ties, n], [2, 1, 1, 4]);
  assert.deepEqual([...pairVerdicts(rows, request).values()], ["a", "tie", "b", "a"]);
  const unseeded = rows.map(({ seed: _, ...row }) => row).filter((_, i) => i % 2 === 0);
  const verdicts = pairVerdicts(rows, request);
  // Another judge's, who was given no seed, are held against those of the first.
  for (const [turn, verdict] of pairVerdicts(unseeded, request)) {
    assert.equal(verdicts.get(turn), verdict);
  }
  const again = [...rows, rows[0]];
  assert.throws(() => scorePairwise(again, { ...request, seed: 0 }), {
    message: `${path}: Expected question 81, turn 1, once but found it again.`,
  });

  const single = { kind: "single", systems: ["ours"], rule: { kind: "rating" } } as const;
  const grades = twoSeeds([[7], [9]], [[8], [4]], single);
  await writeHarnessFiles(scratch.path, grades);
  const file = join(scratch.path, "mt_bench_single.jsonl");
  const [score] = scoreSingle(await readSingleJudgments(file), { path: file });
  assert.deepEqual([score.mean, score.n], [7, 4]);
});

Deno.test("pairs whose drawn orders differ from seed to seed are not taken for pairs in both orders", async () => {
  await using scratch = await ScratchFolder.make();
  const drawn = twoSeeds([[0.75]], [[0.75]]);
  const judgments = drawn.judgments.map((one) => ({ ...one, swapped: one.seed === 2 }));
  await writeHarnessFiles(scratch.path, { ...drawn, judgments });
  const names = (await Array.fromAsync(Deno.readDir(scratch.path))).map(({ name }) => name);
  assert.deepEqual(names, ["annotations.json"]);
});
