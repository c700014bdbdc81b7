import type { ArtifactType } from "../pipeline/artifact.ts";
import { fileArtifact } from "../pipeline/file_artifact.ts";
import { compareWeights } from "./compare_weights.ts";

/** Weights are compared tensor by tensor. */
const weights = { compareFile: compareWeights };

const types: readonly ArtifactType[] = [
  fileArtifact({ name: "pairs", describe: "preference pairs or demonstrations as text" }),
  fileArtifact({ name: "prompts", describe: "prompts as text" }),
  fileArtifact({ name: "tokenizer", describe: "a tokenizer with its chat template" }),
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
      const { countTokens } = await import("../data/store/read_tokens.ts");
      return { ...await countTokens(folder) };
    },
  },
  fileArtifact({ name: "audit", describe: "what an audit of the data found" }),
  fileArtifact({ name: "logps", describe: "log-probs of pairs under a model" }),
  fileArtifact({ name: "model", describe: "a Hugging Face model folder", ...weights }),
  fileArtifact({ name: "snapshots", describe: "weights along a training run", ...weights }),
  fileArtifact({ name: "steps", describe: "what each training step saw" }),
  fileArtifact({ name: "replies", describe: "what a model replied to prompts" }),
  fileArtifact({ name: "evaluation", describe: "what was measured of one system, item by item" }),
  fileArtifact({ name: "curve", describe: "what was measured along a training run" }),
  fileArtifact({ name: "results", describe: "all numbers of a report" }),
  fileArtifact({ name: "report", describe: "tables, figures and pages" }),
];

/** Every artifact type there is, by name. */
export const artifactTypes: ReadonlyMap<string, ArtifactType> = new Map(
  types.map((type) => [type.name, type]),
);
