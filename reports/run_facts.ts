import type { Json } from "../core/json.ts";

/** What one stage instance did, as the report's page tells it. */
export interface StageFacts {
  /** `train/dpo@seed=1`. */
  readonly instance: string;
  /** The stage: several entries of a recipe may use one. */
  readonly stage: string;
  readonly key: string;
  /** `kept`: an edited stage's old result was accepted by hand. */
  readonly state: "ran" | "cached" | "kept";
  /** Seconds that it took when it last ran; null when nobody timed it. */
  readonly seconds: number | null;
  /** Seconds from the run's begin to its own; null where it did not run in this run. */
  readonly begun: number | null;
  /** When its result was made, ISO 8601 in UTC. */
  readonly finishedAt: string;
  readonly peakMemoryBytes: number | null;
  /** Answers of its judge that are in no stage before; null where none was asked. */
  readonly answers: number | null;
  /** What they cost when they were asked for; null where no prices are known. */
  readonly dollars: number | null;
  /** What it read, port by port. */
  readonly inputs: readonly {
    readonly port: string;
    readonly instance: string;
    readonly digest: string;
  }[];
  readonly outputs: readonly {
    readonly port: string;
    readonly type: string;
    readonly digest: string;
    readonly bytes: number;
  }[];
  /** Its parameters, without paths. */
  readonly params: Json;
  /** Digests of the files and folders that parameters name. */
  readonly sources: Readonly<Record<string, string>>;
  /** Digest of the code that its stage reaches. */
  readonly code: string;
  /** Packages that the code reaches, with their locked versions. */
  readonly packages: readonly string[];
  /** What else is in its key: the provider, the type of numbers, the judge. */
  readonly facts: Readonly<Record<string, string>>;
  /** What its result was made on: the processor's instruction set, the system, Deno. */
  readonly host: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
}

/**
 * What is known of a run only once it is over, and differs from run to run: handed in by whoever ran
 * the recipe, kept out of the report artifact so that equal runs make equal artifacts.
 */
export interface RunFacts {
  /** The recipe's name: `tiny`. */
  readonly recipe: string;
  /** The run's number in its store: `0001`. */
  readonly run: string;
  /** The instance that made the report, and the digest of the report. */
  readonly report: { readonly instance: string; readonly digest: string };
  /** The recipe as resolved, overrides applied, in the words a person would write: YAML. */
  readonly resolved: string;
  /** The command that makes this page again; null when unknown. */
  readonly command: string | null;
  /** When the run began, ISO 8601 in UTC. */
  readonly startedAt: string | null;
  /** Wall-clock seconds of the whole run. */
  readonly seconds: number | null;
  /** What was used, by name: Ballast, Deno, onnxruntime, … */
  readonly versions: Readonly<Record<string, string>>;
  /** Digest of all the code that the stages reach. */
  readonly code: string;
  /** What it ran on: processor, cores, memory, system. */
  readonly machine: Readonly<Record<string, string>>;
  /** Every stage instance, in the order of the plan: each after what it reads. */
  readonly stages: readonly StageFacts[];
  /** Warnings of the run as a whole. */
  readonly warnings: readonly string[];
}

/** Every warning of a run, each with the instance that gave it. */
export function warningsOf({ warnings, stages }: Pick<RunFacts, "warnings" | "stages">): string[] {
  const kept = stages.filter(({ state }) => state === "kept").map(({ instance }) =>
    `${instance}: the stage was edited, its old result was kept by request.`
  );
  return [
    ...warnings,
    ...kept,
    ...stages.flatMap(({ instance, warnings }) => warnings.map((text) => `${instance}: ${text}`)),
  ];
}
