/**
 * Holds the memory that `plan` foresees to what processes take.
 *
 *     deno task bench memory --help
 */
import { Command } from "@commander-js/extra-typings";
import { count } from "../../cli/options.ts";
import { printNotice, printResult } from "../../cli/output.ts";
import { alignColumns } from "../../core/align_columns.ts";
import { type MemoryPart, totalBytes } from "../../pipeline/prediction.ts";
import { pairSize } from "../../stages/predictions/largest_runs.ts";
import { scoringRun, trainingRun } from "../../train/costs/foreseen_run.ts";
import { scoringMemory, trainingMemory } from "../../train/costs/memory.ts";
import { shareOut, trainingLanes } from "../../train/lanes.ts";
import { TARGET_NAMES } from "../../train/models/adapter_config.ts";
import { attentionBlocks } from "../../train/models/attention_blocks.ts";
import type { ModelConfig } from "../../train/models/config.ts";
import { defaultVocabularyChunk } from "../../train/models/head_chunks.ts";
import { defaultTokensPerRun, divideIntoRuns } from "../../train/pair_packs.ts";
import { lastLine, runProgram } from "../run_program.ts";
import { configOf } from "../training/shapes.ts";
import { MALLOCS } from "../training/systems.ts";
import { spreadOf } from "../training/table.ts";
import { modelFolder } from "../training/workload.ts";
import { plannedMemory } from "./planned_memory.ts";
import { MEMORY_CASES, type MemoryCase, STEPS } from "./memory_case.ts";

/** How far off a foreseen peak may be. */
const MOST_OFF = 0.1;

/** Runs the command; returns its exit code. */
export async function benchMemory(args: readonly string[]): Promise<number> {
  const { only, rounds } = new Command("deno task bench memory")
    .description("Foresees and measures the peak memory of training and scoring.")
    .option("--only <text>", "cases whose name contains this", "")
    .option("--rounds <count>", "processes of each case, of which the median counts", count, 1)
    .parse([...args], { from: "user" }).opts();
  const table = [["", "foreseen MB", "measured MB", "least … most", "off", "in parts, MB"]];
  let far = 0;
  const cases = MEMORY_CASES.filter(({ name }) => name.includes(only));
  for (const one of cases) {
    const parts = await foresee(one);
    const peaks: number[] = [];
    while (peaks.length < rounds) peaks.push(await measure(one));
    const foreseen = totalBytes(parts)!;
    const { median: measured, low, high } = spreadOf(peaks);
    const off = foreseen / measured - 1;
    const told = `${off < 0 ? "−" : "+"}${(100 * Math.abs(off)).toFixed(1)}%`;
    printNotice(`${one.name}: ${told}`);
    if (Math.abs(off) > MOST_OFF) far++;
    const listed = parts.map(({ what, bytes }) => `${what} ${megabytes(bytes)}`).join(", ");
    const spread = `${megabytes(low)} … ${megabytes(high)}`;
    table.push([one.name, megabytes(foreseen), megabytes(measured), spread, told, listed]);
  }
  printResult(alignColumns(table));
  printNotice(`${cases.length - far} of ${cases.length} within ${100 * MOST_OFF}%`);
  return far === 0 ? 0 : 1;
}

const megabytes = (bytes: number) => (bytes / 1e6).toFixed(0);

function configOfCase({ shape, family = "llama" }: MemoryCase): ModelConfig {
  return { ...configOf(shape), family };
}

/** What is foreseen of the runs that the case's batches are divided into; of unequal pairs, what `plan` says. */
async function foresee(one: MemoryCase): Promise<readonly MemoryPart[]> {
  const config = configOfCase(one);
  if (one.long !== undefined) return await plannedMemory(one, config);
  const { what, rank, lengths, batchPairs, threads } = one;
  const adapter = rank === undefined ? undefined : { rank, targets: TARGET_NAMES };
  const lanes = what === "score" ? threads : trainingLanes({ adapter, threads, batchPairs });
  const size = pairSize(lengths);
  const costs = Array.from({ length: batchPairs }, () => size.tokens);
  const pairs = what === "score" ? STEPS * batchPairs : shareOut(costs, lanes)[0].length;
  const tokens = one.tokensPerRun ?? defaultTokensPerRun(config);
  const vocabularyChunk = chunkOf(one, tokens);
  const runs = divideIntoRuns(Array.from({ length: pairs }, () => size), {
    tokens,
    logitsPerToken: vocabularyChunk,
    hiddenSize: config.hiddenSize,
  }).map((rows) => rows.map(() => lengths));
  const { prompt, chosen, rejected } = lengths;
  const longest = { prompt, reply: Math.max(chosen, rejected ?? 0) };
  const blocks = attentionBlocks(config, longest, { block: one.attentionBlock });
  const foreseen = { runs, vocabularyChunk, attentionBlocks: blocks };
  if (what === "score") {
    const run = scoringRun(config, foreseen);
    return scoringMemory(config, { run, lanes, inBlocks: blocks !== undefined });
  }
  const recomputes = one.gradientCheckpointing ?? false;
  const run = trainingRun(config, { ...foreseen, adapter, recomputes });
  return trainingMemory(config, { run, lanes, adapter, moments: one.moments });
}

/** Entries of the vocabulary whose logits are there at once. */
function chunkOf(
  { what, shape: { V: vocabSize }, lengths, batchPairs: pairs, vocabularyChunk }: MemoryCase,
  tokens: number,
): number {
  if (vocabularyChunk !== undefined) return Math.min(vocabSize, vocabularyChunk);
  const longest = { replies: lengths.chosen + (lengths.rejected ?? 0), pairs };
  return defaultVocabularyChunk({ vocabSize, tokens, ...what === "train" && { longest } });
}

/** The peak memory of a process that starts as a stage's worker does. */
async function measure(one: MemoryCase): Promise<number> {
  const folder = await modelFolder(configOfCase(one));
  const permissions = ["--allow-read", "--allow-run=cat", "--allow-env", "--allow-ffi"];
  const { stdout } = await runProgram({
    name: one.name,
    program: Deno.execPath(),
    args: [
      ...["run", "--no-prompt", ...permissions, "bench/memory/worker.ts"],
      ...[folder, JSON.stringify(one)],
    ],
    env: MALLOCS.one,
  });
  return lastLine(stdout);
}
