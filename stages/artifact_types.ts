import type { ArtifactType } from "../pipeline/artifact.ts";
import { fileArtifact } from "../pipeline/file_artifact.ts";
import { compareWeights } from "./compare_weights.ts";

/** Weights are compared tensor by tensor. */
const weights = { compareFile: compareWeights };

const types: readonly ArtifactType[] = [
  fileArtifact({
    name: "pairs",
    describe: "preference pairs or demonstrations as text",
    facts: async (folder) => (await import("../data/text_sizes.ts")).measurePairs(folder),
  }),
  fileArtifact({
    name: "prompts",
    describe: "prompts as text",
    facts: async (folder) => (await import("../data/text_sizes.ts")).countPrompts(folder),
  }),
  fileArtifact({
    name: "tokenizer",
    describe: "a tokenizer with its chat template",
    facts: async (folder) => {
      const { vocabularySize } = await import("../data/tokenizer/vocabulary_size.ts");
      return { vocabSize: await vocabularySize(folder) };
    },
  }),
  {
    ...fileArtifact({ name: "tokens", describe: "pairs as token ids: Arrow batches in DuckDB" }),
    digest: async (folder) => {
      const { digestTokens } = await import("../data/store/read_tokens.ts");
      return await digestTokens(folder);
    },
    compare: async (before, after) => {
      const { digestTokens } = await import("../data/store/read_tokens.ts");
      const [a, b] = [await digestTokens(before), await digestTokens(after)];
      return a === b ? [] : [{ path: "token ids", before: a, after: b }];
    },
    facts: async (folder) => {
      const { measureTokens } = await import("../data/store/read_tokens.ts");
      return await measureTokens(folder);
    },
  },
  fileArtifact({ name: "audit", describe: "what an audit of the data found" }),
  fileArtifact({ name: "logps", describe: "log-probs of pairs under a model" }),
  fileArtifact({
    name: "model",
    describe: "a Hugging Face model folder",
    ...weights,
    facts: async (folder) => {
      const { modelSizes } = await import("../train/costs/model_sizes.ts");
      const { loadModelConfig } = await import("../train/models/model.ts");
      return modelSizes(await loadModelConfig(folder));
    },
  }),
  fileArtifact({ name: "weights", describe: "a model, or an adapter to one: a command's output" }),
  fileArtifact({
    name: "snapshots",
    describe: "weights along a training run",
    ...weights,
    facts: async (folder) => {
      const { snapshotSizes } = await import("../train/costs/snapshot_sizes.ts");
      return await snapshotSizes(folder);
    },
  }),
  fileArtifact({ name: "steps", describe: "what each training step saw" }),
  fileArtifact({
    name: "benchmark",
    describe: "a benchmark's prompts, and what its judge needs",
    facts: async (folder) => {
      const { measureBenchmark, openBenchmark } = await import("../eval/benchmark.ts");
      return await measureBenchmark(await openBenchmark(folder));
    },
  }),
  fileArtifact({
    name: "replies",
    describe: "what a model replied to prompts",
    facts: async (folder) => (await import("../eval/reply_facts.ts")).measureReplyTexts(folder),
  }),
  fileArtifact({ name: "texts", describe: "replies as rows of text: a command's output" }),
  fileArtifact({ name: "judgments", describe: "what a judge said of replies, one by one" }),
  fileArtifact({ name: "scores", describe: "tables of what judgments of a benchmark come to" }),
  fileArtifact({
    name: "reconciliation",
    describe: "a paper's printed numbers, each with a verdict",
  }),
  fileArtifact({ name: "evaluation", describe: "what was measured of one system, item by item" }),
  fileArtifact({ name: "curve", describe: "what was measured along a training run" }),
  fileArtifact({ name: "results", describe: "all numbers of a report" }),
  fileArtifact({ name: "report", describe: "tables, figures and pages" }),
];

/** Every artifact type there is, by name. */
export const artifactTypes: ReadonlyMap<string, ArtifactType> = new Map(
  types.map((type) => [type.name, type]),
);
