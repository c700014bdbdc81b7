import assert from "node:assert/strict";
import type { Ranks } from "../../train/parallel/ranks.ts";
import { vocabularyChunkOf } from "../../train/train_options.ts";
import { tinyModel, tinyPairs, tinyRun } from "./tiny_run.ts";

Deno.test("vocabularyChunkOf() divides logits by what one process makes of a batch", () => {
  const vocabSize = 200_000;
  const model = { ...tinyModel, config: { ...tinyModel.config, vocabSize } };
  const [pair] = tinyPairs(1);
  const long = { ...pair, chosen: new Int32Array(100), rejected: new Int32Array(100) };
  const options = tinyRun({ model, pairs: [long], batchPairs: 8 });
  const chunkIn = (size: number) =>
    vocabularyChunkOf({ ...options, ranks: { rank: 0, size } as Ranks });
  // 200 reply tokens are few enough for a run of one pair; 512 of the 1,600 of eight are not.
  assert(vocabularyChunkOf(options) < vocabSize);
  assert.equal(chunkIn(1), vocabularyChunkOf(options));
  assert.equal(chunkIn(8), vocabSize);
});
