import assert from "node:assert/strict";
import { describe } from "../../bench/tokenize/compare.ts";
import { growthFaults } from "../../bench/tokenize/growth.ts";
import { runWorker } from "../../bench/tokenize/run_worker.ts";
import { writeSyntheticPairs } from "../../bench/tokenize/synthetic_pairs.ts";
import { readPairs, writePairs } from "../../data/pairs_file.ts";
import { writeSmallTokenizer } from "../cli/small_tokenizer.ts";

const round = (
  [openSeconds, tokenizeSeconds]: [number, number],
  readSeconds: Record<string, number[]>,
  epochSeconds: Record<string, number>,
) => ({
  rows: 100,
  tokens: 1e6,
  sum: 1,
  openSeconds,
  tokenizeSeconds,
  readSeconds,
  epochSeconds,
  peakBytes: 2e6,
  otherCores: 0,
});

Deno.test("describe() divides round by round, and reads by the median of a process", () => {
  const table = describe({
    ballast: [
      round([0, 1], { rows: [9, 1, 1] }, { rows: 0.5 }),
      round([0, 2], { rows: [1, 1, 1] }, { rows: 0.5 }),
    ],
    datasets: [
      round([4, 4], { lists: [2, 3, 99] }, { lists: 3 }),
      round([4, 4], { lists: [5, 5, 5] }, { lists: 5 }),
    ],
  });
  const lines = table.split("\n").map((line) => line.split(/ {2,}/));
  assert.deepEqual(lines.slice(1, 5), [
    ["rows/s (datasets: map alone)", "75 (50 … 100)", "25", "3.00 (2.00 … 4.00)"],
    ["rows/s (both: tokenizer opened and texts read)", "75 (50 … 100)", "13", "6.00 (4.00 … 8.00)"],
    [
      "Mtokens/s read again (datasets: lists, its default)",
      "1.0",
      "0.3 (0.2 … 0.3)",
      "4.00 (3.00 … 5.00)",
    ],
    [
      "Mtokens/s opened once, read 3 times (datasets: lists, its default)",
      "2.0",
      "0.3 (0.2 … 0.3)",
      "8.00 (6.00 … 10.00)",
    ],
  ]);
});

Deno.test("writeSyntheticPairs() writes the same rows from a seed, fewer of them as a beginning", async () => {
  const read = async (rows: number, seed: number) => {
    const folder = await Deno.makeTempDir();
    assert.equal(await writeSyntheticPairs(folder, { rows, seed }), rows);
    const pairs = await Array.fromAsync(readPairs(folder));
    await Deno.remove(folder, { recursive: true });
    return pairs;
  };
  const [few, more, other] = [await read(20, 0), await read(40, 0), await read(20, 1)];
  assert.deepEqual(more.slice(0, 20), few);
  assert.notDeepEqual(other, few);
  const words = few.map(({ prompt, chosen }) => `${prompt} ${chosen}`.split(" ").length);
  assert.ok(words.every((count) => count > 120 && count < 650), words.join());
});

Deno.test("growthFaults() says when memory is too much and when rows take longer among more", () => {
  const point = (rows: number, tokenizeSeconds: number, peakBytes: number) => ({
    rows,
    tokenizeSeconds,
    peakBytes,
  });
  assert.deepEqual(growthFaults([point(100, 1, 600e6), point(200, 2.5, 600e6)]), []);
  assert.deepEqual(growthFaults([point(100, 1, 3e8), point(150, 1, 601e6), point(200, 2.6, 7e8)]), [
    "Expected at most 600 MB for 150 rows but found 601 MB.",
    "Expected at most 600 MB for 200 rows but found 700 MB.",
    "Expected a row among 200 to take at most 25% longer than among 100 but found 30% " +
    "(13000 against 10000 µs).",
  ]);
});

/** The most memory (VmHWM, bytes) that a process took which tokenized so many short rows. */
async function peakOf(rows: number, root: string): Promise<number> {
  const [pairs, work] = [`${root}/pairs-${rows}`, `${root}/work-${rows}`];
  for (const folder of [pairs, work]) await Deno.mkdir(folder);
  await writePairs(
    pairs,
    Array.from({ length: rows }, (_, i) => ({
      id: `row:${i}`,
      prompt: `Say low ${i}`,
      chosen: `lower ${i}`,
      rejected: "low",
    })),
  );
  const lengths = { maxLength: 64, maxPromptLength: 32 };
  const job = { pairs, tokenizer: `${root}/tokenizer`, ...lengths, work, reads: 0 };
  // V8 collects young objects often, so that what is kept stands out from what was dropped.
  return (await runWorker({ name: "ballast" }, job, [
    "--max-semi-space-size=2",
    "--max-old-space-size=64",
  ])).peakBytes;
}

Deno.test("tokenizing keeps a few batches in memory, however many rows there are", async () => {
  const root = await Deno.makeTempDir();
  await writeSmallTokenizer(`${root}/tokenizer`, ["low lower lowest"]);
  const few = await peakOf(4_000, root);
  const many = await peakOf(22_000, root);
  assert.ok(many < few + 43e6, `${many} bytes for 22,000 rows, ${few} for 4,000`);
  assert.ok(many < 300e6, `${many} bytes`);
  await Deno.remove(root, { recursive: true });
});
