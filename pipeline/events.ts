import type { Sizes } from "./prediction.ts";
import type { Progress, StepFigures } from "./stage.ts";

/** Where an instance stands before a run. */
export type InstanceState = "cached" | "stale" | "missing";

/** Why an instance is not cached: one field of its key that changed. */
export interface Reason {
  /** `train.beta`, `code train/losses/rpo.ts`, `input tokens`, `never run`. */
  readonly field: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** An artifact an instance made. */
export interface OutputRecord {
  readonly type: string;
  readonly digest: string;
  readonly bytes: number;
  /** Facts that tell its size, from its type (`ArtifactType.facts`). */
  readonly sizes?: Sizes;
}

/** All that happens in a run: one closed union; terminal, plain text, NDJSON and the catalog subscribe to it. */
export type RunEvent =
  & { /** Milliseconds since the epoch. */ readonly time: number }
  & (
    | {
      readonly type: "run-started";
      readonly run: string;
      readonly recipe: string;
      /** Instances in the plan, by state. */
      readonly cached: number;
      readonly todo: number;
      /** Estimated seconds of work left; null when unknown. */
      readonly estimateSeconds: number | null;
    }
    | { readonly type: "stage-cached"; readonly id: string; readonly key: string }
    | {
      /** Another process computes the same key, or what the instance takes turns at. */
      readonly type: "stage-waiting";
      readonly id: string;
      readonly key: string;
      /** Of that process, where it left word. */
      readonly pid: number | null;
      readonly host: string | null;
    }
    | {
      readonly type: "stage-started";
      readonly id: string;
      readonly key: string;
      readonly pid: number;
      /** True when an earlier attempt left something in scratch. */
      readonly resumed: boolean;
      readonly reasons: readonly Reason[];
    }
    | { readonly type: "stage-progress"; readonly id: string; readonly progress: Progress }
    | { readonly type: "stage-step"; readonly id: string; readonly figures: StepFigures }
    | {
      readonly type: "stage-log";
      readonly id: string;
      readonly level: "info" | "warning";
      readonly message: string;
    }
    | {
      readonly type: "stage-finished";
      readonly id: string;
      readonly key: string;
      readonly seconds: number;
      readonly peakMemoryBytes: number | null;
      readonly outputs: Readonly<Record<string, OutputRecord>>;
    }
    | {
      readonly type: "stage-failed";
      readonly id: string;
      readonly key: string;
      readonly seconds: number;
      readonly error: string;
    }
    | { readonly type: "stage-skipped"; readonly id: string; readonly because: string }
    | {
      readonly type: "run-finished";
      readonly run: string;
      readonly status: "done" | "failed" | "interrupted";
      readonly ran: number;
      readonly cached: number;
      readonly failed: number;
      readonly seconds: number;
    }
  );

/** Receives every event of a run, in order. */
export interface EventSubscriber {
  receive(event: RunEvent): void;
  /** Flushes what is buffered; called once at the end. */
  close?(): Promise<void> | void;
}
