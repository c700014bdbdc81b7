import type { Json } from "../core/json.ts";
import type { Sizes } from "./prediction.ts";
import type { Host } from "./store/records.ts";
import type { CacheName, InputArtifact, Progress, Resources, StepFigures } from "./stage.ts";

/** All that a worker needs to run one instance: plain data, so that it can go to another machine. */
export interface StageJob {
  readonly id: string;
  /** The run that it is part of. */
  readonly run: string;
  readonly stage: string;
  /** URL of the module that exports the stage. */
  readonly module: string;
  /** URL of the module that exports `artifactTypes`. */
  readonly artifactTypes: string;
  readonly params: Json;
  readonly inputs: Readonly<Record<string, readonly InputArtifact[]>>;
  /** The folder to write each output into. */
  readonly outputs: Readonly<Record<string, { readonly type: string; readonly folder: string }>>;
  readonly scratch: string;
  /** The attempt's folder, which holds the outputs; beside it, it may write scratch and `caches`. */
  readonly attempt: string;
  /** The shared folders that it may read and write. */
  readonly caches: Readonly<Partial<Record<CacheName, string>>>;
  /** Files and folders outside the store that it may read. */
  readonly paths: readonly string[];
  readonly resources: Resources;
  /** MiB that it is foreseen or declared to take at most; none where neither is known. */
  readonly memory?: number;
}

/** What a worker says while it runs. */
export type WorkerMessage =
  | { readonly type: "progress"; readonly progress: Progress }
  | { readonly type: "step"; readonly figures: StepFigures }
  | { readonly type: "log"; readonly level: "info" | "warning"; readonly message: string };

/** How a job ended. */
export type JobResult =
  | {
    readonly status: "done";
    /** Logical digest of each output. */
    readonly digests: Readonly<Record<string, string>>;
    /** Facts of each output. */
    readonly sizes: Readonly<Record<string, Sizes>>;
    /** Of several processes, that of the first one. */
    readonly peakMemoryBytes: number | null;
    /** Seconds that it ran, where it waited before it did. */
    readonly seconds?: number;
    /** Where it ran, when that was another machine. */
    readonly host?: Host;
  }
  | { readonly status: "failed"; readonly error: string }
  | { readonly status: "stopped" };

/** A job under way. */
export interface RunningJob {
  /** Of the worker, or of the process that follows it where it runs on another machine. */
  readonly pid: number;
  readonly done: Promise<JobResult>;
  /** Asks it to stop at the next safe point. */
  stop(): void;
  /** Ends it at once. */
  kill(): void;
}

/** Where jobs run. */
export interface Executor {
  readonly name: string;
  /** Names where it runs jobs, for speeds; the machine of the pipeline unless given. */
  readonly machine?: string;
  /** Cores and memory (MiB) that may be in use at once. */
  readonly capacity: { readonly cores: number; readonly memory: number };
  start(job: StageJob, listen: (message: WorkerMessage) => void): RunningJob;
}
