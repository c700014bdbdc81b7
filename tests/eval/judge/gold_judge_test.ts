import assert from "node:assert/strict";
import { Random } from "../../../core/random.ts";
import { goldReward } from "../../../data/world/gold.ts";
import { drawAnswer, drawTask } from "../../../data/world/task.ts";
import { comparePair } from "../../../eval/compare_pair.ts";
import type { Evaluation } from "../../../eval/evaluation.ts";
import { judgeByGold } from "../../../eval/judge/gold_judge.ts";
import { readJudged } from "../../../eval/judge/judged_files.ts";
import { pairScoresTable } from "../../../eval/judge/pair_scores.ts";
import { readPairJudgments } from "../../../eval/mt_bench/judgments.ts";
import { clusterId } from "../../../eval/pair_preferences.ts";
import { promptText, type ReplyRow, writeReplies } from "../../../eval/reply_rows.ts";
import judgeGold from "../../../stages/judge_gold.ts";
import { runStage, temporaryFolder } from "../../stages/run_stage.ts";

const NO_TOKENS = { decoding: "greedy", sequences: [] } as const;

/** Replies to tasks of the world, some of them right, some cut; few prompts, so that some come again. */
function drawReplies(seed: number, system: string, errors: number): ReplyRow[] {
  const tasks = Random.seeded(seed, "tasks");
  const random = Random.seeded(seed, "replies", system);
  return Array.from({ length: 40 }, (_, i) => {
    const task = drawTask(tasks);
    const words = drawAnswer(random, task).map((word) => random.uniform() < errors ? "pear" : word);
    return {
      id: `test:${i + 1}`,
      prompt: [{ role: "user", content: task.prompt }],
      text: `${words.join(" ")} .`,
      stop: random.uniform() < 0.9 ? "end" : "length",
      ...{ runOn: [], tokens: words.length + 2, promptTokens: 5, chosen: null },
    };
  });
}

/** What `evaluate` would hold of the same replies. */
function evaluated(rows: readonly ReplyRow[]): Evaluation {
  const values = rows.map(({ prompt, text, stop }) =>
    goldReward(promptText(prompt), { text, ended: stop === "end" })
  );
  const clusters = rows.map(({ prompt }) => clusterId(promptText(prompt)));
  return {
    itemSets: { prompts: { items: rows.map(({ id }) => id), clusters } },
    metrics: { gold: { over: "prompts", values } },
    examples: [],
  };
}

for (const seeds of [[4], [0, 1, 2]]) {
  Deno.test(`the gold judge's win rate is what compare says, to the last bit (${seeds.length} seeds)`, () => {
    const drawn = seeds.map((seed) => ({
      seed,
      ours: drawReplies(seed, "ours", 0.1),
      theirs: drawReplies(seed, "theirs", 0.3),
    }));
    const compared = comparePair(
      {
        ...{ a: "ours", b: "theirs" },
        bySeed: drawn.map(({ ours, theirs }) => ({ a: evaluated(ours), b: evaluated(theirs) })),
      },
      "gold",
      { seed: 0 },
    )!;
    assert(compared.wins > compared.losses && compared.losses > 0 && compared.ties > 0);
    // Instances come in any order of seeds.
    const inputs = drawn.toReversed().map(({ seed, ours, theirs }) => ({
      from: `judge/ours@seed=${seed}`,
      axes: { method: "ours", seed },
      judged: judgeByGold({ replies: ours, baseline: theirs, systems: ["theirs", "ours"] }),
    }));
    const models = [{ model: "ours", label: "Ours" }];
    const { rows: [{ label, values, note }], caption } = pairScoresTable(inputs, {
      models,
      seed: 0,
    });
    const { mean, ci95, n, method } = compared.winRate;
    assert.deepEqual(values.winRate, { value: mean, ci95, n });
    assert.deepEqual(
      [values.wins, values.losses, values.ties].map((score) => score!.value),
      [compared.wins, compared.losses, compared.ties],
    );
    assert(caption.includes(`(${method})`), caption);
    assert.deepEqual([label, note, values.sameVerdict], ["Ours over theirs", null, null]);
    assert.equal(values.scored!.value, 100);
  });
}

Deno.test("judge-gold leaves what a judge leaves, and names what is no prompt of the world", async () => {
  const folder = await temporaryFolder();
  const [ours, theirs] = ["ours", "theirs"].map((name) => `${folder}/${name}`);
  for (const path of [ours, theirs]) await Deno.mkdir(path);
  const rows = drawReplies(1, "ours", 0.2);
  await writeReplies(ours, rows, NO_TOKENS);
  await writeReplies(theirs, drawReplies(1, "theirs", 0.2), NO_TOKENS);
  const params = { system: "ours", baseline: "theirs" };
  const ran = await runStage(judgeGold, params, { replies: ours, baseline: theirs });
  const { judge, judgments, coverage, items } = await readJudged(ran.output("judgments"));
  assert.deepEqual([judge, coverage.scored, items.length], ["gold", 40, 40]);
  assert(
    judgments.every(({ request, raw, swapped }) => request === null && raw === null && !swapped),
  );
  const annotations = await Deno.readTextFile(`${ran.output("judgments")}/annotations.json`);
  assert.deepEqual(
    JSON.parse(annotations).map(({ preference }: { preference: number }) => preference - 1),
    judgments.map(({ value }) => value),
  );
  await assert.rejects(
    readPairJudgments(`${ran.output("judgments")}/mt_bench_pair.jsonl`),
    "MT-Bench's pairs are judged in both orders",
  );
  const odd = { ...rows[0], prompt: [{ role: "user", content: "sing" }] as const };
  await writeReplies(ours, [odd], NO_TOKENS);
  await writeReplies(theirs, [odd], NO_TOKENS);
  await assert.rejects(runStage(judgeGold, params, { replies: ours, baseline: theirs }), {
    name: "InputError",
    message: /^test:1: .*sing/,
  });
});
