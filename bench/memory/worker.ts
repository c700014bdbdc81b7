/** Trains or scores as a case says, in a process of its own; prints its peak memory in bytes. */
import { printVerbatim } from "../../cli/output.ts";
import { Random } from "../../core/random.ts";
import type { TokenizedPair } from "../../data/pair.ts";
import { openScorer } from "../../train/logps.ts";
import { loadModel, type Model } from "../../train/models/model.ts";
import { newAdapter } from "../../train/models/new_adapter.ts";
import { trainModel } from "../../train/trainer.ts";
import { peakBytes } from "../peak_bytes.ts";
import { rpoOptions, scoreOf } from "../training/rpo_options.ts";
import { type MemoryCase, pairLengths, STEPS } from "./memory_case.ts";

function makePairs(vocabSize: number, job: MemoryCase): TokenizedPair[] {
  const random = Random.seeded(0, "bench", "memory");
  const ids = (size: number) => Int32Array.from({ length: size }, () => random.integer(vocabSize));
  return pairLengths(job).map(({ prompt, chosen, rejected }, i) => ({
    id: String(i),
    prompt: ids(prompt),
    chosen: ids(chosen),
    rejected: rejected === null ? null : ids(rejected),
  }));
}

async function train(model: Model, pairs: readonly TokenizedPair[], job: MemoryCase) {
  await trainModel({
    ...rpoOptions(STEPS),
    model,
    adapter: job.rank === undefined
      ? undefined
      : newAdapter({ rank: job.rank }, { model: model.config, seed: 0 }),
    pairs,
    ...job.lengths.rejected === null
      ? { loss: { loss: "sft", sft: "sum" } }
      : { reference: pairs.map((pair) => scoreOf(pair, -1)) },
    batchPairs: job.batchPairs,
    tokensPerRun: job.tokensPerRun,
    moments: job.moments,
    vocabularyChunk: job.vocabularyChunk,
    attentionBlock: job.attentionBlock,
    gradientCheckpointing: job.gradientCheckpointing,
    threads: job.threads,
  });
}

const [folder, text] = Deno.args;
const job: MemoryCase = JSON.parse(text);
const model = await loadModel(folder);
const pairs = makePairs(model.config.vocabSize, job);
if (job.what === "train") await train(model, pairs, job);
else {
  const { threads, vocabularyChunk, attentionBlock } = job;
  const scorer = await openScorer(model, { threads, vocabularyChunk, attentionBlock });
  await scorer.scorePairs(pairs);
  await scorer.release();
}
printVerbatim(String(await peakBytes()));
