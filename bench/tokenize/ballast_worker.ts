/** Tokenizes a folder of pairs as the stage does, then reads the tokens as training does. */
import { printVerbatim } from "../../cli/output.ts";
import { readTokens } from "../../data/store/read_tokens.ts";
import { tokenizePairs } from "../../data/tokenize_pairs.ts";
import { peakBytes } from "../peak_bytes.ts";
import type { TokenizeJob, TokenizeResult } from "./job.ts";

/** Opens the cache, and touches every token of every row. */
async function readAll(folder: string): Promise<{ rows: number; tokens: number; sum: number }> {
  const pairs = await readTokens(folder);
  let [tokens, sum] = [0, 0];
  for (const { prompt, chosen, rejected } of pairs) {
    for (const ids of [prompt, chosen, rejected]) {
      if (ids === null) continue;
      tokens += ids.length;
      for (let i = 0; i < ids.length; i++) sum += ids[i];
    }
  }
  return { rows: pairs.length, tokens, sum };
}

const job: TokenizeJob = JSON.parse(Deno.args[0]);
const start = performance.now();
await tokenizePairs({ ...job, folder: job.work });
const tokenizeSeconds = (performance.now() - start) / 1000;
const peak = await peakBytes();
const rows: number[] = [];
let read = { rows: 0, tokens: 0, sum: 0 };
for (let i = 0; i < job.reads; i++) {
  const start = performance.now();
  read = await readAll(job.work);
  rows.push((performance.now() - start) / 1000);
}
const result: TokenizeResult = {
  ...read,
  tokenizeSeconds,
  readSeconds: { rows },
  peakBytes: peak,
};
printVerbatim(JSON.stringify(result));
