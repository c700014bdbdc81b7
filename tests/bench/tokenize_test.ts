import assert from "node:assert/strict";
import { describe } from "../../bench/tokenize/compare.ts";
import { writeSyntheticPairs } from "../../bench/tokenize/synthetic_pairs.ts";
import { readPairs } from "../../data/pairs_file.ts";

const round = (tokenizeSeconds: number, readSeconds: Record<string, number[]>) => ({
  rows: 100,
  tokens: 1e6,
  sum: 1,
  tokenizeSeconds,
  readSeconds,
  peakBytes: 2e6,
  otherCores: 0,
});

Deno.test("describe() divides round by round, and reads by the median of a process", () => {
  const table = describe({
    ballast: [round(1, { rows: [9, 1, 1] }), round(2, { rows: [1, 1, 1] })],
    datasets: [round(4, { lists: [2, 3, 99] }), round(4, { lists: [5, 5, 5] })],
  });
  const lines = table.split("\n").map((line) => line.split(/ {2,}/));
  assert.deepEqual(lines[1], ["rows/s", "75 (50 … 100)", "25", "3.00 (2.00 … 4.00)"]);
  assert.deepEqual(lines[2][0], "Mtokens/s read again (datasets: lists)");
  assert.equal(lines[2][3], "4.00 (3.00 … 5.00)");
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
