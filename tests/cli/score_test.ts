import assert from "node:assert/strict";
import { join } from "node:path";
import { annotationsJson } from "../../eval/alpaca_eval/annotations.ts";
import { readLeaderboard } from "../../eval/alpaca_eval/leaderboard.ts";
import { jsonLines } from "../../core/json.ts";
import { ballast, ballastJson } from "../end_to_end/ballast.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { judgedWorld } from "../eval/alpaca_eval/judged_world.ts";
import { SHARED, sharedTest } from "../shared.ts";

const world = judgedWorld(60, { length: -1, difficulty: 1, constant: -0.5 });

/** A folder with annotations of two models, difficulties, weights and FastChat judgments. */
async function filled(): Promise<ScratchFolder> {
  const scratch = await ScratchFolder.make();
  const write = (name: string, text: string) => Deno.writeTextFile(join(scratch.path, name), text);
  await write("one.json", annotationsJson(world.annotations.slice(2)));
  const better = world.annotations.map((row) => ({
    ...row,
    generator_2: "better",
    preference: 1.5 + row.preference! / 4,
  }));
  await write("two.json", annotationsJson(better));
  const difficulties = [...world.difficulties.positions].map(([instruction, index]) => ({
    index,
    instruction,
    difficulty: world.difficulties.values[index],
  }));
  await write("difficulty.jsonl", jsonLines(difficulties));
  await write(
    "weights.csv",
    ",np.tanh(std_delta_len),instruction_difficulty,not_gamed_baseline.astype(float)\n" +
      "model,-1,0,0\nbetter,-1,1,2\n",
  );
  const turn = { question_id: 81, turn: 1, judge: ["gpt-4", "pair-v2"] };
  const models = { model_1: "dpo", model_2: "rpo" };
  await write(
    "pairs.jsonl",
    jsonLines([
      { ...turn, ...models, g1_winner: "model_2", g2_winner: "model_2" },
      { ...turn, ...models, question_id: 82, g1_winner: "tie", g2_winner: "model_1" },
      { ...turn, ...models, question_id: 83, g1_winner: "error", g2_winner: "error" },
    ]),
  );
  await write(
    "grades.jsonl",
    jsonLines([{ ...turn, model: "rpo", score: 7 }, { ...turn, turn: 2, model: "rpo", score: 4 }]),
  );
  return scratch;
}

for (const command of ["alpaca-eval", "alpaca-leaderboard", "mt-bench", "pairs"]) {
  Deno.test(`ballast score ${command} --help shows options and examples`, async () => {
    const { code, stdout, stderr } = await ballast(["score", command, "--help"]);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, new RegExp(`^Usage: ballast score ${command}\\b`));
    assert.match(stdout, new RegExp(`Examples?:\n {2}deno task ballast score ${command} `));
  });
}

Deno.test("score alpaca-eval --json prints the contract's fields and warns on standard error", async () => {
  await using scratch = await filled();
  const args = ["score", "alpaca-eval", "one.json", "--difficulty", "difficulty.jsonl", "--json"];
  const { code, stdout, stderr } = await ballast(args, { folder: scratch.path });
  assert.equal(code, 0, stderr);
  const found = JSON.parse(stdout) as Record<string, number>;
  assert.deepEqual(Object.keys(found), [
    ...["winRate", "standardError", "n", "lengthControlledWinRate"],
    ...["harnessLengthControlledWinRate", "avgLength"],
  ]);
  assert.equal(found.n, 58);
  assert.notEqual(found.harnessLengthControlledWinRate, found.lengthControlledWinRate);
  assert.match(stderr, /Without --gamed, .*\nmodel: The file has 58 of 60 instructions/);
});

Deno.test("score alpaca-eval compares several files by instruction, and fills a leaderboard", async () => {
  await using scratch = await filled();
  const place = { folder: scratch.path };
  const rest = ["--difficulty", "difficulty.jsonl", "--leaderboard", "lb.csv"];
  const args = ["score", "alpaca-eval", "one.json", "two.json", ...rest];
  const { models, comparisons } = await ballastJson<{
    models: { model: string; winRate: number }[];
    comparisons: { a: string; b: string; difference: number; n: number; unpaired: number }[];
  }>(args, place);
  assert.deepEqual(models.map(({ model }) => model), ["model", "better"]);
  assert.equal(comparisons.length, 1);
  assert.deepEqual(
    [comparisons[0].a, comparisons[0].b, comparisons[0].n, comparisons[0].unpaired],
    ["model", "better", 58, 2],
  );
  assert.ok(comparisons[0].difference < 0);
  // A second call puts new rows in the place of the old ones.
  assert.equal((await ballast(args, place)).code, 0);
  const rows = await readLeaderboard(join(scratch.path, "lb.csv"));
  assert.deepEqual(rows.map(({ model }) => model), ["better", "model"]);
  assert.equal(rows[1].win_rate, models[0].winRate);
});

Deno.test("score alpaca-eval --weights predicts, and score alpaca-leaderboard holds rates to it", async () => {
  await using scratch = await filled();
  const place = { folder: scratch.path };
  const files = ["--difficulty", "difficulty.jsonl", "--weights", "weights.csv"];
  const found = await ballastJson<Record<string, number>>(
    ["score", "alpaca-eval", "one.json", ...files],
    place,
  );
  assert.equal(found.lengthControlledWinRate, 50);
  assert.equal(found.harnessLengthControlledWinRate, 50);
  await Deno.writeTextFile(
    join(scratch.path, "lb.csv"),
    ",n_total,length_controlled_winrate\nmodel,58,50\nbetter,60,12\n",
  );
  const { n, equal, rows } = await ballastJson<{
    n: number;
    equal: number;
    rows: { model: string; cause: string | null }[];
  }>(["score", "alpaca-leaderboard", "lb.csv", ...files], place);
  assert.deepEqual([n, equal, rows[0].cause], [2, 1, null]);
  assert.match(rows[1].cause!, /another fit/);
});

Deno.test("score mt-bench --json prints the contract's fields", async () => {
  await using scratch = await filled();
  const place = { folder: scratch.path };
  const pairwise = ["score", "mt-bench", "--pairwise", "pairs.jsonl", "--a", "rpo", "--b", "dpo"];
  const { stdout, stderr } = await ballast([...pairwise, "--json"], place);
  const { ci95, ...found } = JSON.parse(stdout);
  assert.deepEqual(found, { wins: 1, losses: 0, ties: 1, adjustedWinRate: 75, n: 2 });
  assert.ok(ci95[0] <= 75 && 75 <= ci95[1]);
  assert.match(stderr, /^1 of 3 judgments could not be read and are left out\.$/m);
  const shown = (await ballast(pairwise, place)).stdout;
  assert.match(
    shown,
    /^Same verdict in both orders 50\.0%; the first answer preferred in both 0\.0%/m,
  );
  assert.match(
    shown,
    /^To tell 2 points apart in four of five tries takes [\d,]+ turns; 2 tell \d/m,
  );
  const single = ["score", "mt-bench", "--single", "grades.jsonl"];
  assert.deepEqual(await ballastJson(single, place), {
    models: [
      { model: "rpo", mean: 5.5, turn1: 7, turn2: 4, categories: { writing: 5.5 }, n: 2 },
    ],
  });
});

Deno.test("score mt-bench --agree-with says how far two judges agree on the same turns", async () => {
  await using scratch = await filled();
  const turn = { turn: 1, judge: ["other", "pair-v2"], model_1: "rpo", model_2: "dpo" };
  // Of the two turns that could be read, one is a win for both judges, the other a tie for one alone.
  const rows = [81, 82, 90].map((question_id) => ({
    ...{ ...turn, question_id, g1_winner: "model_1", g2_winner: "model_1" },
  }));
  await Deno.writeTextFile(join(scratch.path, "other.jsonl"), jsonLines(rows));
  const args = ["score", "mt-bench", "--pairwise", "pairs.jsonl", "--a", "rpo", "--b", "dpo"];
  const place = { folder: scratch.path };
  const { agreement } = await ballastJson<{ agreement: unknown }>(
    [...args, "--agree-with", "other.jsonl"],
    place,
  );
  assert.deepEqual(agreement, { observed: 50, kappa: 0, n: 2 });
  const { stdout } = await ballast([...args, "--agree-with", "other.jsonl"], place);
  assert.match(stdout, /^The other judge says the same in 50\.0% of 2 turns, κ 0\.00$/m);
});

Deno.test("score --min-coverage refuses files of which too little can be read", async () => {
  await using scratch = await filled();
  const unread = world.annotations.map((row, i) => i < 15 ? { ...row, preference: null } : row);
  await Deno.writeTextFile(join(scratch.path, "unread.json"), annotationsJson(unread));
  const short = annotationsJson(world.annotations.slice(0, 30));
  await Deno.writeTextFile(join(scratch.path, "short.json"), short);
  const half = world.annotations.slice(0, 30);
  await Deno.writeTextFile(join(scratch.path, "twice.json"), annotationsJson([...half, ...half]));
  const grade = {
    question_id: 81,
    turn: 1,
    judge: ["gpt-4", "single-v1"],
    model: "mute",
    score: -1,
  };
  await Deno.writeTextFile(join(scratch.path, "mute.jsonl"), jsonLines([grade]));
  const cases: [string[], string, RegExp][] = [
    [
      ["mt-bench", "--pairwise", "pairs.jsonl", "--a", "rpo", "--b", "dpo"],
      "0.6",
      /at least 90\.0% of the turns judged in both orders to be readable \(--min-coverage\) but found 66\.7%: 2 of 3\./,
    ],
    [
      ["mt-bench", "--single", "mute.jsonl"],
      "0",
      /at least 90\.0% of the grades of mute to be readable \(--min-coverage\) but found 0\.0%: 0 of 1\./,
    ],
    [
      ["alpaca-eval", "unread.json", "--difficulty", "difficulty.jsonl"],
      "0.75",
      /at least 90\.0% of the instructions to be readable \(--min-coverage\) but found 75\.0%: 45 of 60\./,
    ],
    [
      ["alpaca-eval", "short.json", "--difficulty", "difficulty.jsonl"],
      "0.5",
      /at least 90\.0% of the instructions .* but found 50\.0%: 30 of 60\./,
    ],
    [
      ["alpaca-eval", "twice.json", "--difficulty", "difficulty.jsonl"],
      "0.5",
      /at least 90\.0% of the instructions .* but found 50\.0%: 30 of 60\./,
    ],
  ];
  const place = { folder: scratch.path };
  for (const [args, enough, message] of cases) {
    const refused = await ballast(["score", ...args, "--min-coverage", "0.9"], place);
    assert.deepEqual([refused.code, refused.stdout], [1, ""], refused.stderr);
    assert.match(refused.stderr, message);
    const taken = await ballast(["score", ...args, "--min-coverage", enough], place);
    assert.equal(taken.code, 0, taken.stderr);
  }
  const wrong = await ballast(["score", ...cases[0][0], "--min-coverage", "95"], place);
  assert.match(wrong.stderr, /Expected a share from 0 to 1, such as 0\.95\./);
});

Deno.test("score: wrong usage exits with 2, says what is wrong, and prints nothing on stdout", async () => {
  await using scratch = await filled();
  const wrong: [string[], RegExp][] = [
    [[], /Usage: ballast score/],
    [["alpaca-eval", "one.json"], /required option '--difficulty <file>' not specified/],
    [
      ["alpaca-eval", "on.json", "--difficulty", "difficulty.jsonl"],
      /Expected a file of annotations but found none\. Did you mean "one\.json"\?/,
    ],
    [
      ["alpaca-eval", "one.json", "one.json", "--difficulty", "difficulty.jsonl"],
      /Expected another model than in an earlier file but found "model"/,
    ],
    [["mt-bench"], /--pairwise: Expected either --pairwise or --single but found neither/],
    [
      ["mt-bench", "--pairwise", "pairs.jsonl", "--questions", "q.jsonl", "--a", "rpo"],
      /2 problems:\n {2}--b: Expected a model's name .*\n {2}--questions: Expected this with --single/,
    ],
    [
      ["mt-bench", "--pairwise", "pairs.jsonl", "--a", "rpi", "--b", "dpo"],
      /--a: Expected a model of .*pairs\.jsonl \(dpo, rpo\) but found "rpi"\. Did you mean "rpo"\?/,
    ],
  ];
  for (const [args, message] of wrong) {
    const called = await ballast(["score", ...args], { folder: scratch.path });
    assert.deepEqual([called.code, called.stdout], [2, ""], args.join(" "));
    assert.match(called.stderr, message);
    assert.doesNotMatch(called.stderr, /\n +at /, "no stack trace");
  }
});

sharedTest("score alpaca-eval agrees with the leaderboard", "data/alpaca_eval", async () => {
  const inData = (name: string) => join(SHARED, "data/alpaca_eval", name);
  const found = await ballastJson<Record<string, number>>([
    ...["score", "alpaca-eval", inData("annotations/gemma-2b-it.json.gz")],
    ...["--difficulty", inData("instruction_difficulty.jsonl")],
    ...["--gamed", inData("gamed_baselines.csv")],
  ]);
  const row = (await readLeaderboard(inData("leaderboard_weighted_gpt4_turbo.csv")))
    .find(({ model }) => model === "gemma-2b-it")!;
  assert.ok(Math.abs(found.winRate - row.win_rate!) < 1e-6);
  assert.ok(Math.abs(found.lengthControlledWinRate - row.length_controlled_winrate!) < 0.15);
});
