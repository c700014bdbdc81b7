/** What one stage instance did, as the report's page tells it. */
export interface StageFacts {
  /** `train/dpo@seed=1`. */
  readonly instance: string;
  readonly key: string;
  /** `kept`: an edited stage's old result was accepted by hand. */
  readonly state: "ran" | "cached" | "kept";
  /** Seconds that it took when it last ran; null when nobody timed it. */
  readonly seconds: number | null;
  readonly peakMemoryBytes: number | null;
  readonly outputs: readonly {
    readonly port: string;
    readonly type: string;
    readonly digest: string;
    readonly bytes: number;
  }[];
  readonly warnings: readonly string[];
}

/**
 * What is known of a run only once it is over, and differs from run to run: handed in by whoever ran
 * the recipe, kept out of the report artifact so that equal runs make equal artifacts.
 */
export interface RunFacts {
  /** The recipe's name: `tiny`. */
  readonly recipe: string;
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
  /** What it ran on: processor, cores, memory, system. */
  readonly machine: Readonly<Record<string, string>>;
  /** Every stage instance, in the order of the plan. */
  readonly stages: readonly StageFacts[];
  /** Warnings of the run as a whole. */
  readonly warnings: readonly string[];
}
