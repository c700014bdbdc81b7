import type { ZodType } from "../core/zod.ts";
import type { Problem } from "../core/problem.ts";
import type { Prediction, PredictionInput } from "./prediction.ts";

/** What a stage reads from others. */
export interface InputPort {
  /** The artifact type it takes. */
  readonly type: string;
  /** Takes every instance of the stages wired to it, in the recipe's order, instead of exactly one. */
  readonly many?: boolean;
  /**
   * What its rows decide: `choice` which of several models goes on, `table` what is reported of a model.
   * Rows that chose a model may not be those that it is reported on.
   */
  readonly decides?: "choice" | "table";
  /** May be left unwired. */
  readonly optional?: boolean;
  readonly describe?: string;
}

/** What a stage writes: one folder for each port. */
export interface OutputPort {
  readonly type: string;
  readonly describe?: string;
  /** The input whose rows these are in another form, such as token ids of pairs. */
  readonly rowsOf?: string;
}

/** What one instance needs while it runs. */
export interface Resources {
  /** Processor cores it keeps busy, of all its processes together. */
  readonly cores: number;
  /**
   * Processes that compute it together, over MPI: each runs the stage with the same job, the first one
   * alone writes and tells. 1 unless given.
   */
  readonly processes?: number;
  /** Peak memory in MiB, an upper estimate, for stages that do not predict it. */
  readonly memory?: number;
  /** GPUs it computes on; none unless given. */
  readonly gpus?: number;
  /** Native libraries it loads; nothing else may be loaded. */
  readonly native?: readonly ("onnxruntime" | "duckdb" | "tokenizers")[];
  /** Host names (with port) it may talk to. */
  readonly network?: readonly string[];
  /** Environment variables that it gets and may read: secrets and places, never what changes results. */
  readonly environment?: readonly string[];
  /** Folders of the store that it may read and write: what can be had again from elsewhere. */
  readonly caches?: readonly CacheName[];
  /** What instances take turns at, by names of their own: no two that share one run at once. */
  readonly turns?: readonly string[];
}

/**
 * A folder of the store that belongs to no key: `hub` holds downloads by repository and commit,
 * `judgments` what was asked of a judge and its answers, by the digest of the request, `spending` what
 * the judges of each run cost.
 */
export type CacheName = "hub" | "judgments" | "spending";

/** An artifact that an instance reads. */
export interface InputArtifact {
  /** The folder, read only. */
  readonly path: string;
  readonly type: string;
  /** Logical digest (see `ArtifactType.digest`). */
  readonly digest: string;
  /**
   * The instance that made it, such as `train/dpo@seed=1`. On a `many` port it enters the key; on a
   * plain port it is for messages only.
   */
  readonly from: string;
  /** That instance's place on the recipe's axes, such as `{ method: "dpo", seed: 1 }`; as `from`. */
  readonly axes: Readonly<Record<string, string | number>>;
}

/** How far an instance has come. */
export interface Progress {
  readonly done: number;
  readonly total: number;
  /** What is counted: `steps`, `pairs`. */
  readonly unit: string;
  /** A few figures to show beside the bar, such as `loss 0.52`. */
  readonly note?: string;
}

/** Figures of one training step by name, such as `{ step: 3, loss: 0.52, seconds: 0.1 }`. */
export type StepFigures = Readonly<Record<string, number | null>>;

/** What a stage's `run` is given. */
export interface StageContext<P> {
  readonly params: P;
  /** For messages only: it is not in the key, so no output may depend on it. */
  readonly instanceId: string;
  /** The run that this is part of, such as `0012`: for what its instances share while it lasts. */
  readonly run: string;
  /** The one artifact wired to a port; throws RangeError when the port holds another number. */
  input(port: string): InputArtifact;
  /** All artifacts wired to a port, in the recipe's order; empty when it is optional and unwired. */
  inputs(port: string): readonly InputArtifact[];
  /** The empty folder to write an output into. */
  output(port: string): string;
  /**
   * A folder that outlives a killed attempt: the next attempt *with the same key* finds it as it was.
   * Training keeps checkpoints here. Removed once the instance is done.
   */
  readonly scratch: string;
  /**
   * A folder of the store that all instances share, declared in `resources`. What is in it must be known by
   * its content, since no key says how it came there.
   *
   * @throws RangeError when it is not declared
   */
  cache(name: CacheName): string;
  readonly signal: AbortSignal;
  progress(progress: Progress): void;
  /** What a training step saw and took, kept with the run's events. */
  measure(figures: StepFigures): void;
  /** A line for a person, kept with the run's events. */
  log(message: string): void;
  /** As `log`, shown in every report as well. */
  warn(message: string): void;
}

/**
 * A stage is a value. Its module is the root from which the code digest is computed, so `run` imports
 * the domain function it calls (with a literal `import("…")`, which keeps start-up fast and is found
 * by the module graph all the same).
 */
export interface Stage<P = unknown> {
  readonly name: string;
  /** One line for `--help`, `plan` and the documentation. */
  readonly describe: string;
  /**
   * The parameters: a strict zod object. A parameter made with `pathParam()` (pipeline/path_param.ts) names a file or
   * folder outside the store; the *content* it holds enters the key, its path does not.
   */
  readonly params: ZodType<P>;
  readonly inputs: Readonly<Record<string, InputPort>>;
  readonly outputs: Readonly<Record<string, OutputPort>>;
  /** For a gate: the input that it checks. Who reads the same without waiting for it is warned of. */
  readonly guards?: string;
  /**
   * What is wrong with a recipe's wiring that types do not tell, before anything runs: paths are those
   * of parameters (`systems[0].from`).
   */
  checkInputs?(
    params: P,
    inputs: Readonly<Record<string, readonly Pick<InputArtifact, "from" | "axes">[]>>,
  ): readonly Problem[];
  /**
   * What is wrong with the modules that `moduleParam()`s name, before anything runs, in a process that
   * may read those alone: paths are those of parameters (`coefficients.beta`).
   */
  checkModules?(params: P): Promise<readonly Problem[]>;
  resources(params: P): Resources;
  /**
   * The parameters as they enter the key, for stages with some that change no bit of a result, such as which
   * of several like GPUs computes it; what it gives must be parameters as well. All enter unless given.
   */
  keyParams?(params: P): P;
  /** Facts of the runtime that change results, such as `{ onnxruntime: "1.29.0", provider: "cpu" }`. */
  facts?(params: P): Readonly<Record<string, string>>;
  /** What an instance will take and give, from the sizes of what it reads. */
  predict?(about: PredictionInput<P>): Prediction | Promise<Prediction>;
  /** A guess in seconds before any run was timed, for stages that do not predict their work. */
  estimateSeconds?(params: P): number;
  /** `import.meta.url` of the module that defines the stage. */
  readonly module: string;
  run(context: StageContext<P>): Promise<void>;
}

/** Types a stage's `run` by its `params`; returns it unchanged. */
export function defineStage<P>(stage: Stage<P>): Stage<P> {
  return stage;
}
