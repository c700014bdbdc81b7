/** Tokenizes a folder of pairs as the stage does, then reads the tokens as training does. */
import { printVerbatim } from "../../cli/output.ts";
import type { TokenIds, TokenizedPair } from "../../data/pair.ts";
import { readTokens } from "../../data/store/read_tokens.ts";
import { tokenizePairs } from "../../data/tokenize_pairs.ts";
import { peakBytes } from "../peak_bytes.ts";
import type { TokenizeJob, TokenizeResult } from "./job.ts";

/** Touches every token of every row. */
function goThrough(pairs: readonly TokenizedPair[]) {
  let [tokens, sum] = [0, 0];
  for (const { prompt, chosen, rejected } of pairs) {
    for (const ids of [prompt, chosen, rejected]) {
      if (ids === null) continue;
      tokens += ids.length;
      sum += sumOf(ids);
    }
  }
  return { rows: pairs.length, tokens, sum };
}

/** A function of its own, and so compiled once: in the loop above V8 compiled it anew pass after pass. */
function sumOf(ids: TokenIds): number {
  let sum = 0;
  for (let i = 0; i < ids.length; i++) sum += ids[i];
  return sum;
}

async function secondsOf<Result>(action: () => Promise<Result>) {
  const start = performance.now();
  const result = await action();
  return { result, seconds: (performance.now() - start) / 1000 };
}

const job: TokenizeJob = JSON.parse(Deno.args[0]);
const { seconds: tokenizeSeconds } = await secondsOf(() =>
  tokenizePairs({ ...job, folder: job.work })
);
const peak = await peakBytes();
const rows: number[] = [];
let read = { rows: 0, tokens: 0, sum: 0 };
for (let i = 0; i < job.reads; i++) {
  const { result, seconds } = await secondsOf(async () => goThrough(await readTokens(job.work)));
  read = result;
  rows.push(seconds);
}
const epochs = await secondsOf(async () => {
  if (job.reads === 0) return;
  const pairs = await readTokens(job.work);
  for (let i = 0; i < job.reads; i++) goThrough(pairs);
});
const result: TokenizeResult = {
  ...read,
  tokenizeSeconds,
  openSeconds: 0,
  readSeconds: { rows },
  epochSeconds: { rows: epochs.seconds / job.reads },
  peakBytes: peak,
};
printVerbatim(JSON.stringify(result));
