import { join } from "node:path";
import { isFile } from "../../core/is_file.ts";
import { canonicalJson } from "../../core/json.ts";
import { sha256 } from "../../core/digest.ts";
import { PROJECT_FOLDER } from "../../cli/project.ts";
import type { ModelConfig } from "../../train/models/config.ts";
import { formatModelConfig } from "../../train/models/config_format.ts";
import { initializeModel, saveModel } from "../../train/models/model.ts";
import { type BenchPair, countTokens, sortedByLength, writeBenchPairs } from "./bench_pairs.ts";
import type { Job } from "./job.ts";

/** Where models and pairs are kept from one call to the next; git ignores it. */
const WORK_FOLDER = join(PROJECT_FOLDER, "bench", ".work");

/** A set of pairs and a model to train on it, as files that all systems read. */
export interface Workload {
  readonly title: string;
  readonly config: ModelConfig;
  /** Where the model lies. */
  readonly model: string;
  readonly pairs: {
    /** In the order of their source. */
    readonly file: string;
    /** The measured ones in order of length. */
    readonly sorted: string;
  };
  readonly sizes: Pick<Job, "batchPairs" | "warmupSteps" | "steps" | "threads">;
  /** Prompt and reply tokens of the measured pairs. */
  readonly tokens: number;
}

/** Writes the model, unless it is there, and the pairs. */
export async function makeWorkload(
  { title, config, sizes }: Pick<Workload, "title" | "config" | "sizes">,
  pairs: readonly BenchPair[],
): Promise<Workload> {
  const warmup = sizes.warmupSteps * sizes.batchPairs;
  const count = warmup + sizes.steps * sizes.batchPairs;
  const used = pairs.slice(0, count);
  const sorted = sortedByLength(used, warmup);
  return {
    title,
    config,
    sizes,
    model: await modelFolder(config),
    pairs: { file: await pairsFile(used), sorted: await pairsFile(sorted) },
    tokens: countTokens(used.slice(warmup)),
  };
}

/** The folder of the seeded random model of a config, made once. */
export async function modelFolder(config: ModelConfig): Promise<string> {
  const digest = sha256(canonicalJson(formatModelConfig(config))).slice(0, 16);
  const folder = join(WORK_FOLDER, `model-${digest}`);
  if (await isFile(join(folder, "config.json"))) return folder;
  await Deno.mkdir(WORK_FOLDER, { recursive: true });
  const half = await Deno.makeTempDir({ dir: WORK_FOLDER, prefix: "model-" });
  await saveModel(initializeModel(config, 0), half);
  await Deno.rename(half, folder);
  return folder;
}

/** The file of some pairs, under a name that their content decides. */
async function pairsFile(pairs: readonly BenchPair[]): Promise<string> {
  const path = join(WORK_FOLDER, `pairs-${sha256(canonicalJson(pairs)).slice(0, 16)}.jsonl`);
  if (!await isFile(path)) await writeBenchPairs(path, pairs);
  return path;
}
