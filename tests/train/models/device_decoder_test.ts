import assert from "node:assert/strict";
import type { TokenIds } from "../../../data/pair.ts";
import { generate } from "../../../eval/generate.ts";
import { openDecoder, openDecoderOn } from "../../../train/models/decoder.ts";
import { plainDecoderGraph } from "../../../train/models/decoder_graph.ts";
import { FAMILIES } from "../../../train/models/families.ts";
import type { TokenDecoder } from "../../../train/models/token_decoder.ts";
import { openRuntime } from "../../../train/runtime/open_runtime.ts";
import { lowerForSession } from "../../../train/graph/to_onnx.ts";
import { liveNodes } from "../../../train/graph/lower.ts";
import { CUDA_KERNELS } from "../../../train/graph/cuda_kernels.ts";
import { HostAsDevice } from "../device_steps.ts";
import { goldenModel, goldenPairs } from "../golden.ts";

const HOST = await openRuntime({ threads: 1 });
const DEVICE = new HostAsDevice(HOST);

/** Prompts of several lengths, so that rows come and go and are at places of their own. */
const PROMPTS = goldenPairs().flatMap(({ prompt }, i) =>
  [3, 7, 7, 12].map((length, j) => ({ id: `${i}.${j}`, tokens: prompt.subarray(j, j + length) }))
);

/** What a decoder writes greedily, a few rows at a time. */
async function greedy(
  decoder: TokenDecoder,
  stopTokens: readonly number[] = [],
): Promise<number[][]> {
  const replies = await generate(decoder, {
    prompts: PROMPTS,
    samples: 1,
    decoding: "greedy",
    stopTokens,
    maxNewTokens: 20,
    batchSize: 5,
  });
  await decoder.release();
  return replies.map(([{ tokens }]) => [...tokens]);
}

for (const family of FAMILIES) {
  Deno.test(`a decoder of ${family} on a device writes greedily what the processor's does`, async () => {
    const model = await goldenModel(family);
    const whole = await greedy(await openDecoder(model, { threads: 1 }));
    // What ends some replies before others.
    const ends = [whole[0][4], whole[1][9]];
    const expected = await greedy(await openDecoder(model, { threads: 1 }), ends);
    assert.deepEqual(await greedy(await openDecoderOn(DEVICE, model), ends), expected);
    assert(new Set(expected.map((tokens) => tokens.length)).size > 1, "some end before others");
  });

  Deno.test(`every op that decodes ${family} has a CUDA kernel for its type`, async () => {
    const { config } = await goldenModel(family);
    for (const precision of ["float32", "bfloat16", "float16"] as const) {
      const graph = lowerForSession(plainDecoderGraph(config, precision), { target: "cuda" });
      for (const { op, inputs, outputs } of liveNodes(graph)) {
        const { dtype } = inputs[0] ?? outputs[0];
        const decides = op === "Where" ? outputs[0].dtype : dtype;
        assert(CUDA_KERNELS[op].includes(decides), `${op} of ${decides}`);
      }
    }
  });
}

/** Logits of a prompt's end, and of some tokens after it, all rows together. */
async function logitsOf(decoder: TokenDecoder, prompts: readonly TokenIds[]) {
  const said = [(await decoder.add(prompts)).slice()];
  for (const token of [7, 8, 9]) {
    said.push((await decoder.step(new Int32Array(prompts.length).fill(token))).slice());
  }
  await decoder.release();
  return said;
}

for (const [precision, bound] of [["bfloat16", 0.05], ["float16", 0.005]] as const) {
  Deno.test(`a decoder in ${precision} comes near to the one in float32, and not to its bits`, async () => {
    const model = await goldenModel();
    const [{ prompt }] = goldenPairs();
    const prompts = [prompt, prompt.map((token) => token + 1)];
    const exact = await logitsOf(await openDecoder(model, { threads: 1 }), prompts);
    const rounded = await logitsOf(await openDecoder(model, { threads: 1, precision }), prompts);
    exact.forEach((logits, t) => {
      const scale = Math.max(...logits.map(Math.abs));
      const errors = logits.map((logit, i) => Math.abs(rounded[t][i] - logit) / scale);
      const most = Math.max(...errors);
      assert(most < bound && most > 1e-5, `after ${t} tokens: ${most}`);
    });
  });
}

Deno.test("a decoder on a device reads prompts that are too many for one run in several", async () => {
  const model = await goldenModel();
  const [{ prompt }] = goldenPairs();
  const prompts = [0, 1, 2].map((i) => prompt.map((token) => token + i));
  const few = await logitsOf(await openDecoderOn(DEVICE, model), prompts);
  // Of one prompt after the other.
  const many = await logitsOf(await openDecoderOn(DEVICE, model, { mostScores: 1 }), prompts);
  few.forEach((logits, t) =>
    logits.forEach((logit, i) => assert(Math.abs(logit - many[t][i]) < 1e-4, `${t}: ${i}`))
  );
});

Deno.test("a cache on a device keeps what rows hold when it grows", async () => {
  const model = await goldenModel();
  const [{ prompt }] = goldenPairs();
  const prompts = [prompt, prompt.map((token) => token + 1)];
  const expected = await logitsOf(await openDecoderOn(DEVICE, model), prompts);
  const decoder = await openDecoderOn(DEVICE, model);
  decoder.reserve({ rows: 2, positions: prompt.length });
  const said = [(await decoder.add(prompts)).slice()];
  for (const [i, token] of [7, 8, 9].entries()) {
    // More positions, then more rows.
    if (i === 1) decoder.reserve({ rows: 2, positions: 3 * prompt.length });
    if (i === 2) decoder.reserve({ rows: 9, positions: prompt.length });
    said.push((await decoder.step(Int32Array.of(token, token))).slice());
  }
  await decoder.release();
  expected.forEach((logits, t) =>
    logits.forEach((logit, i) => assert(Math.abs(logit - said[t][i]) < 1e-4, `${t}: ${i}`))
  );
});
