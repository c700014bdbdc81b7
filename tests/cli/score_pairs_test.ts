import assert from "node:assert/strict";
import { join } from "node:path";
import { writeJudged } from "../../eval/judge/judged_files.ts";
import type { Judged } from "../../eval/judge/judgment.ts";
import type { Agreement } from "../../eval/stats/agreement.ts";
import { ballast, ballastJson } from "../end_to_end/ballast.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { judgedPairs } from "../eval/judge/judged_pairs.ts";

/** Folders as a recipe's judges leave them. */
async function folders(judged: Readonly<Record<string, Judged>>): Promise<ScratchFolder> {
  const scratch = await ScratchFolder.make();
  for (const [name, own] of Object.entries(judged)) {
    const folder = join(scratch.path, name);
    await Deno.mkdir(folder);
    await writeJudged(folder, own);
  }
  return scratch;
}

interface PairsDocument {
  readonly judge: string;
  readonly pairs: readonly Record<string, unknown>[];
  readonly agreement?: Agreement;
}

Deno.test("score pairs gives the wins of each two systems, the seeds of two together", async () => {
  await using scratch = await folders({
    one: judgedPairs([[1, 1], [1, 0.5], [0, 0], [1, null]]),
    two: judgedPairs([[1, 1], [1, 1], [1, 1]]),
    other: judgedPairs([[0, 0]], { systems: ["base", "dpo"] }),
  });
  const place = { folder: scratch.path };
  const { judge, pairs, agreement } = await ballastJson<PairsDocument>(
    ["score", "pairs", "one", "two", "other"],
    place,
  );
  assert.deepEqual([judge, agreement], ["judge", undefined]);
  const [{ ci95: _, neededForTwoPoints: __, ...ours }, { wins, losses }] = pairs;
  assert.deepEqual(ours, {
    ...{ systems: "ours over base", wins: 4, losses: 1, ties: 1, n: 6 },
    // 50 and 100 in the two seeds.
    ...{ winRate: 75, sameVerdict: 100 * 5 / 6, firstPreferred: 0, scored: 100 * 6 / 7 },
  });
  assert.deepEqual([wins, losses], [0, 1]);
  const { stdout, code } = await ballast(["score", "pairs", "one"], place);
  assert.equal(code, 0);
  assert.match(stdout, /^Replies side by side, judged by judge: /);
  assert.match(stdout, /^ours over base +\(a\) +1 +1 +1 /m);
  assert.match(stdout, /1 of 4 pairs have a judgment that is not scored: left out\./);
});

Deno.test("score pairs --agree-with says how far another judge says the same of the same replies", async () => {
  const probable = { kind: "logprobs", tokens: ["m", "M"] } as const;
  const elsewhere = judgedPairs([[1, 1], [0, 0]]);
  await using scratch = await folders({
    // A win, a loss, a tie since the orders differ, and what one judge did not score.
    one: judgedPairs([[1, 1], [0, 0], [1, 0], [1, null]]),
    two: judgedPairs([[0.75, 0.5], [0.75, 0.5], [0.5, 0.5], [1, 1]], {
      ...{ judge: "another", rule: probable },
    }),
    elsewhere: {
      ...elsewhere,
      items: elsewhere.items.map((item) => ({ ...item, answers: [["theirs"], ["another"]] })),
    },
  });
  const place = { folder: scratch.path };
  const args = ["score", "pairs", "one", "--agree-with"];
  const { agreement } = await ballastJson<PairsDocument>([...args, "two"], place);
  // Equal in two of three; by chance (1·2 + 1·0 + 1·1) / 9.
  const { observed, kappa, n } = agreement!;
  assert.equal(n, 3);
  assert.ok(Math.abs(observed - 100 * 2 / 3) < 1e-9, `${observed}`);
  assert.ok(Math.abs(kappa! - (2 / 3 - 1 / 3) / (2 / 3)) < 1e-9, `${kappa}`);
  const { stdout } = await ballast([...args, "two"], place);
  assert.match(stdout, /^The other judge says the same in 66\.7% of 3 pairs, κ 0\.50$/m);
  const other = await ballast([...args, "elsewhere"], place);
  assert.equal(other.code, 2);
  assert.match(
    other.stderr,
    /elsewhere: Expected judgments of the same replies of ours over base but found none that both/,
  );
});

Deno.test("score pairs --agree-with holds judges with other seeds, and pairs that come twice, one by one", async () => {
  const one = judgedPairs([[1, 1], [0, 0]]);
  const seeded = { ...one, judgments: one.judgments.map((each) => ({ ...each, seed: 7 })) };
  const twice = judgedPairs([[1, 1], [0, 0]]);
  const [{ questions }] = twice.items;
  const same = { ...twice, items: twice.items.map((item) => ({ ...item, questions })) };
  await using scratch = await folders({
    ...{ one, seeded, same },
    reversed: { ...one, systems: ["ours", "base"] },
    grades: { ...judgedPairs([]), kind: "single", systems: ["ours"], rule: { kind: "rating" } },
  });
  const place = { folder: scratch.path };
  const agreed = async (own: string, other: string) => {
    const args = ["score", "pairs", own, "--agree-with", other];
    return (await ballastJson<PairsDocument>(args, place)).agreement;
  };
  for (const [own, other] of [["one", "seeded"], ["same", "same"]]) {
    assert.deepEqual(await agreed(own, other), { observed: 100, kappa: 1, n: 2 });
  }
  for (const [other, names] of [["reversed", "base over ours"], ["grades", "ours"]]) {
    const { code, stderr } = await ballast(
      ["score", "pairs", "one", "--agree-with", other],
      place,
    );
    assert.equal(code, 2);
    assert.ok(stderr.includes(`replies of ours over base but found those of ${names}.`), stderr);
  }
});

Deno.test("score pairs refuses too little coverage, what is no folder of judgments, and wrong usage", async () => {
  await using scratch = await folders({
    one: judgedPairs([[1, 1], [1, null]]),
    two: judgedPairs([[1, 1]]),
  });
  await Deno.mkdir(join(scratch.path, "broken"));
  await writeJudged(join(scratch.path, "broken"), judgedPairs([[1, 1]]));
  await Deno.writeTextFile(join(scratch.path, "broken", "judgments.jsonl"), "{oops\n");
  const place = { folder: scratch.path };
  const refused = await ballast(["score", "pairs", "one", "--min-coverage", "0.6"], place);
  assert.deepEqual([refused.code, refused.stdout], [1, ""]);
  assert.match(
    refused.stderr,
    /one: Expected at least 60\.0% of the pairs judged in both orders .* but found 50\.0%: 1 of 2\./,
  );
  const taken = await ballast(["score", "pairs", "one", "--min-coverage", "0.5"], place);
  assert.equal(taken.code, 0, taken.stderr);
  const wrong: [string[], RegExp][] = [
    [
      ["."],
      /Expected a folder of judgments that the stage judge, .* with summary\.json, but found/,
    ],
    [["one/summary.json"], /summary\.json: Expected a folder of judgments that the stage judge, /],
    [["broken"], /broken\/judgments\.jsonl:1: Expected a JSON object but found "\{oops"\./],
    [["one", "./one"], /\.\/one: Expected each folder once but found it twice\./],
    [["one", "two", "--agree-with", "two"], /--agree-with: Expected one folder .* but found 2\./],
  ];
  for (const [args, message] of wrong) {
    const { code, stdout, stderr } = await ballast(["score", "pairs", ...args], place);
    assert.deepEqual([code, stdout], [2, ""], stderr);
    assert.match(stderr, message);
  }
});
