import assert from "node:assert/strict";
import { join } from "node:path";
import { annotationsJson, readAnnotations } from "../../../eval/alpaca_eval/annotations.ts";
import { readDifficulties } from "../../../eval/alpaca_eval/difficulty.ts";
import { readGamedBaselines } from "../../../eval/alpaca_eval/gamed_baselines.ts";
import { readGlmWeights } from "../../../eval/alpaca_eval/glm_weights.ts";
import {
  leaderboardCsv,
  leaderboardRow,
  readLeaderboard,
  recomputeLeaderboard,
} from "../../../eval/alpaca_eval/leaderboard.ts";
import { modelOutputsJson, readModelOutputs } from "../../../eval/alpaca_eval/model_outputs.ts";
import { scoreAlpacaEval } from "../../../eval/alpaca_eval/score.ts";
import { ScratchFolder } from "../../end_to_end/scratch_folder.ts";
import { judgedWorld } from "./judged_world.ts";

const world = judgedWorld(12, { length: -1, difficulty: 1, constant: 0 });

async function withFile(
  text: string | Uint8Array,
  check: (path: string) => Promise<void>,
  name = "file",
): Promise<void> {
  await using scratch = await ScratchFolder.make();
  const path = join(scratch.path, name);
  if (typeof text === "string") await Deno.writeTextFile(path, text);
  else await Deno.writeFile(path, text);
  await check(path);
}

async function gzip(text: string): Promise<Uint8Array> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

Deno.test("annotations come back as they were written, plain and gzipped, other columns included", async () => {
  const rows = world.annotations.map((row, i) => ({
    ...row,
    preference: i === 2 ? null : row.preference,
    raw_completion: { text: 'M "é🙂' },
  }));
  const text = annotationsJson(rows);
  for (const content of [text, await gzip(text)]) {
    await withFile(content, async (path) => assert.deepEqual(await readAnnotations(path), rows));
  }
});

Deno.test("model outputs come back as they were written", async () => {
  const rows = world.annotations.map(({ instruction, output_2: output }) => ({
    dataset: "helpful_base",
    instruction,
    output,
    generator: "model",
  }));
  await withFile(
    modelOutputsJson(rows),
    async (path) => assert.deepEqual(await readModelOutputs(path), rows),
  );
});

Deno.test("a leaderboard comes back as it was written, the best length-controlled rate first", async () => {
  const row = leaderboardRow(scoreAlpacaEval({ ...world, path: "a.json" }));
  const rows = [
    { ...row, model: 'yi, large "x"', length_controlled_winrate: null, lc_standard_error: null },
    row,
    { ...row, model: "best", length_controlled_winrate: 99, mode: null },
  ];
  await withFile(leaderboardCsv(rows), async (path) => {
    assert.deepEqual(
      await readLeaderboard(path),
      rows.toReversed().toSorted((a, b) =>
        (b.length_controlled_winrate ?? -1) - (a.length_controlled_winrate ?? -1)
      ),
    );
  });
});

Deno.test("every bad row of a file is named with its field", async () => {
  const bad = [
    { ...world.annotations[0], preference: 3 },
    { ...world.annotations[1], instruction: 7, output_2: null },
    "row",
    { ...world.annotations[2], preference: "1.5" },
    (({ generator_1: _, ...rest }) => ({ ...rest, genrator_1: "b" }))(world.annotations[3]),
  ];
  await withFile(JSON.stringify(bad), async (path) => {
    const expected = [
      "row 1: preference: Expected a preference from 1 to 2, 0 for a draw, or null but found 3.",
      "row 2: instruction: Expected a text but found 7.",
      "row 2: output_2: Expected a text but found null.",
      "row 3: Expected a record but found a string.",
      'row 4: preference: Expected a preference from 1 to 2, 0 for a draw, or null but found "1.5".',
      'row 5: generator_1: Expected a text but found no such key. Did you mean "genrator_1"?',
    ];
    const message = `6 problems:\n${expected.map((line) => `  ${path}: ${line}`).join("\n")}`;
    await assert.rejects(readAnnotations(path), { name: "InputError", message });
  });
});

Deno.test("a long list of problems ends with how many more there are", async () => {
  const rows = world.annotations.map(() => ({}));
  await withFile(JSON.stringify(rows), async (path) => {
    await assert.rejects(readAnnotations(path), /21 problems:[^]*…: 52 more problems\.$/);
  });
});

Deno.test("files that hold something else are refused with what was found", async () => {
  const cases: [string | Uint8Array, RegExp][] = [
    ["", /Expected rows of annotations but found an empty file\.$/],
    ["{}", /Expected a JSON list of annotations but found a record\.$/],
    ["[]", /Expected a JSON list of annotations but found an empty list\.$/],
    ["[{]", /Expected a JSON list of annotations but found other text \(.*\)\.$/],
    [(await gzip("[]")).subarray(0, 12), /Expected whole gzip data but found: /],
    [Uint8Array.of(0x5b, 0xff), /Expected UTF-8 text but found other bytes\.$/],
  ];
  for (const [content, message] of cases) {
    await withFile(content, async (path) => {
      await assert.rejects(readAnnotations(path), { name: "InputError", message });
    });
  }
  await using scratch = await ScratchFolder.make();
  await Deno.writeTextFile(join(scratch.path, "annotations.json"), "[]");
  await assert.rejects(
    readAnnotations(join(scratch.path, "anotations.json")),
    /Expected a file of annotations but found none\. Did you mean "annotations\.json"\?$/,
  );
  await assert.rejects(readAnnotations(scratch.path), /found a folder\.$/);
});

Deno.test("readDifficulties() puts rows in the order of their index, and refuses gaps", async () => {
  const row = (index: number, instruction: string, difficulty: unknown = index / 2) =>
    JSON.stringify({ index, instruction, difficulty });
  await withFile([row(1, "b"), row(0, "a")].join("\n"), async (path) => {
    const { values, positions } = await readDifficulties(path);
    assert.deepEqual([...values], [0, 0.5]);
    assert.deepEqual([...positions], [["b", 1], ["a", 0]]);
  });
  const wrong = [row(0, "a"), row(0, "b"), row(1, "a"), row(9, "c"), row(2, "d", "easy")];
  await withFile(wrong.join("\n"), async (path) => {
    await assert.rejects(readDifficulties(path), {
      message: `2 problems:\n  ${path}:4: index: Expected an integer from 0 to 4 but found 9.\n` +
        `  ${path}:5: difficulty: Expected a number but found "easy".`,
    });
  });
  await withFile(wrong.slice(0, 3).join("\n"), async (path) => {
    await assert.rejects(readDifficulties(path), {
      message: `2 problems:\n  ${path}:2: index: Expected another than at ${path}:1.\n` +
        `  ${path}:3: instruction: Expected another than at ${path}:1.`,
    });
  });
});

Deno.test("GLM weights and gamed baselines are read by column, with every bad field named", async () => {
  const head = ",np.tanh(std_delta_len),instruction_difficulty,not_gamed_baseline.astype(float)";
  await withFile(`${head}\nm,1,2,3\n"a, b",-1,0,4e-1\nm,5,6,7\n`, async (path) => {
    assert.deepEqual([...await readGlmWeights(path)], [
      ["m", { length: 5, difficulty: 6, constant: 7 }],
      ["a, b", { length: -1, difficulty: 0, constant: 0.4 }],
    ]);
  });
  await withFile(`${head}\nm,1,,3\n`, async (path) => {
    await assert.rejects(readGlmWeights(path), {
      message: `${path}:2: instruction_difficulty: Expected a number but found "".`,
    });
  });
  await withFile(`${head}\nm,1,2\n`, async (path) => {
    await assert.rejects(readGlmWeights(path), {
      message: `${path}:2: Expected 4 fields, as the heading has, but found 3.`,
    });
  });
  await withFile("baseline,index,std_delta_len,preference\nv,2,0.5,1.5\n", async (path) => {
    await assert.rejects(readGamedBaselines(path, 2), {
      message: `2 problems:\n  ${path}:2: index: Expected an integer from 0 to 1 but found "2".\n` +
        `  ${path}:2: preference: Expected a number from 0 to 1 but found "1.5".`,
    });
  });
});

Deno.test("recomputeLeaderboard() says why a published rate is not met", () => {
  const models = new Map([["model", { length: -1, difficulty: 1, constant: 0 }]]);
  const weights = { path: "w.csv", models };
  const rateOf = (rows: number) => {
    const annotations = world.annotations.slice(0, rows);
    return scoreAlpacaEval({ ...world, annotations, path: "a", weights }).lengthControlled!.rate;
  };
  const row = leaderboardRow(scoreAlpacaEval({ ...world, path: "a", weights }));
  const published = (rate: number) => ({ ...row, n_total: 9, length_controlled_winrate: rate });
  const options = { difficulties: world.difficulties, tolerance: 1e-3 };
  const causes = [rateOf(9), rateOf(12), 77].map((rate) =>
    recomputeLeaderboard([published(rate)], models, options)[0].cause
  );
  assert.equal(causes[0], null);
  assert.match(causes[1]!, /over all 12 rows/);
  assert.match(causes[2]!, /another fit/);
  assert.deepEqual(recomputeLeaderboard([{ ...row, model: "new" }], models, options), []);
});
