/** Which of the provider's kernels computes fused attention. */
import assert from "node:assert/strict";
import { openScorer } from "../../../train/logps.ts";
import type { Precision } from "../../../train/precision.ts";
import { goldenModel } from "../../train/golden.ts";
import { counts, restart, setCapability } from "./counts.ts";

const CUDA = { threads: 1, device: "cuda:0" } as const;
const LENGTH = 1000;

/** A layer's scores of a prompt and of a reply to it, in 16 bits, for each of four heads. */
const SCORES = 2 * 4 * (LENGTH * LENGTH + LENGTH * 2 * LENGTH);

/** Bytes of a GPU's memory that scoring a reply of 1000 tokens to a prompt of as many takes. */
async function peakOf(
  { precision, fusedAttention = true, capability = 9 }: {
    readonly precision: Precision;
    readonly fusedAttention?: boolean;
    readonly capability?: number;
  },
): Promise<number> {
  setCapability(capability);
  const scorer = await openScorer(await goldenModel(), { ...CUDA, precision, fusedAttention });
  restart();
  const tokens = new Int32Array(LENGTH).fill(1);
  await scorer.logps([{ prompt: tokens, reply: tokens }]).finally(() => scorer.release());
  return counts().peak;
}

for (const precision of ["bfloat16", "float16"] as const) {
  Deno.test(`fused attention in ${precision} never holds a layer's scores`, async () => {
    const [fused, plain] = [
      await peakOf({ precision }),
      await peakOf({ precision, fusedAttention: false }),
    ];
    assert(fused < SCORES && plain > SCORES, `${fused} and ${plain} beside ${SCORES}`);
  });
}

Deno.test("fused attention holds all scores in float32 with grouped heads, and in bfloat16 before Ampere", async () => {
  const float32 = await peakOf({ precision: "float32" });
  assert(float32 > 2 * SCORES, `${float32}`);
  const turing = { capability: 7 } as const;
  const [bfloat16, float16] = [
    await peakOf({ ...turing, precision: "bfloat16" }),
    await peakOf({ ...turing, precision: "float16" }),
  ];
  assert(bfloat16 > SCORES && float16 < SCORES, `${bfloat16} and ${float16} beside ${SCORES}`);
});
