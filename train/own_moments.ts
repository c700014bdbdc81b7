import type { Moments, TrainingState } from "./checkpoint.ts";
import { allBlocks, type TrainedBlocks } from "./optimiser_step.ts";
import type { Ranks } from "./parallel/ranks.ts";
import { Shards, type SharedTensors } from "./parallel/shards.ts";
import { isOnHost, keepOnHost, type PlacedState, placeState } from "./placed_state.ts";
import { inPrecision, type MomentPrecision } from "./precision.ts";
import type { Runtime } from "./runtime/open_runtime.ts";

/** How moments are kept. */
export interface MomentsOptions {
  /** Processes that each have a part of them. */
  readonly ranks?: Ranks;
  /** What they are kept in; float32 unless given. */
  readonly moments?: MomentPrecision;
  /** Whether they are in host memory, and pass through a GPU at each update. */
  readonly offloadMoments?: boolean;
}

/** AdamW's moments: all of them, or this rank's. */
export type OwnMoments =
  | {
    readonly firstMoments: PlacedState<MomentPrecision>;
    readonly secondMoments: PlacedState<MomentPrecision>;
  }
  | Shards;

/**
 * Moments where they are kept, and what is updated with them: a state's, whose arrays are taken over, or
 * this rank's part of zeros.
 *
 * @param stack is told of what is to be given back
 */
export function openMoments(
  runtime: Runtime,
  { state, tensors }: { readonly state: TrainingState; readonly tensors: SharedTensors },
  { ranks, moments: precision, offloadMoments = false, stack }: MomentsOptions & {
    readonly stack: AsyncDisposableStack;
  },
): { readonly moments: OwnMoments; readonly blocks: TrainedBlocks } {
  const offloadsMoments = offloadMoments && !isOnHost(runtime);
  if (ranks !== undefined) {
    const moments = new Shards(runtime, tensors, { ranks, precision, offloadsMoments, stack });
    return { moments, blocks: moments.blocks(runtime, stack) };
  }
  const place = (all: Moments) => {
    const kept = new Map(
      [...all].map(([name, moment]) => [name, inPrecision(moment, precision)] as const),
    );
    return offloadsMoments ? keepOnHost(kept, stack) : placeState(runtime, kept, stack);
  };
  const moments = {
    firstMoments: place(state.firstMoments),
    secondMoments: place(state.secondMoments),
  };
  const blocks = allBlocks(runtime, { ...tensors, ...moments }, { offloadsMoments });
  return { moments, blocks };
}
