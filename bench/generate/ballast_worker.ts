/** Generates as the stage does, and tells how long that took. */
import { printVerbatim } from "../../cli/output.ts";
import { generate } from "../../eval/generate.ts";
import { openDecoder } from "../../train/models/decoder.ts";
import { loadModel } from "../../train/models/model.ts";
import { peakBytes } from "../peak_bytes.ts";
import type { GenerateJob, GenerateResult } from "./job.ts";

/** No token has this id, so nothing ends a reply. */
const NO_TOKEN = -1;

const { model, prompts, newTokens, threads, times }: GenerateJob = JSON.parse(Deno.args[0]);
const decoder = await openDecoder(await loadModel(model), { threads });
const reply = async (maxNewTokens: number) =>
  await generate(decoder, {
    prompts: prompts.map((tokens, i) => ({ id: `prompt ${i}`, tokens: Int32Array.from(tokens) })),
    samples: 1,
    decoding: "greedy",
    stopTokens: [NO_TOKEN],
    maxNewTokens,
  });
await reply(Math.min(8, newTokens));
const seconds: number[] = [];
let replies: number[][] = [];
for (let time = 0; time < times; time++) {
  const start = performance.now();
  const found = await reply(newTokens);
  seconds.push((performance.now() - start) / 1000);
  replies = found.map(([{ tokens }]) => [...tokens]);
}
const result: GenerateResult = { seconds, replies, peakBytes: await peakBytes() };
printVerbatim(JSON.stringify(result));
