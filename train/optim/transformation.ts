import type { Value } from "../graph/value.ts";
import type { Dim } from "../graph/dims.ts";

/** One tensor that is trained, in a graph. */
export interface TrainedParameter {
  readonly name: string;
  readonly value: Value;
}

/** State of a transformation by slot (such as `m`), one value a parameter. */
export type OptimiserState = Readonly<Record<string, readonly Value[]>>;

/** What an update gives: what to add to the parameters, and the state of the next step. */
export interface Updates {
  readonly updates: readonly Value[];
  readonly state: OptimiserState;
}

/**
 * One piece of an optimiser: it turns gradients into updates. Pieces are chained, each reading what
 * the one before it gave.
 */
export interface Transformation {
  /** State it keeps for a parameter of this shape, by slot; all begin at zero. */
  init(dims: readonly Dim[]): Readonly<Record<string, readonly Dim[]>>;
  /** @param gradients one a parameter, or the updates of the piece before */
  update(
    gradients: readonly Value[],
    state: OptimiserState,
    parameters: readonly TrainedParameter[],
  ): Updates;
}

/**
 * Pieces one after the other as one.
 *
 * @throws RangeError when two of them name a slot alike
 */
export function chain(...pieces: readonly Transformation[]): Transformation {
  return {
    init(dims) {
      const slots: Record<string, readonly Dim[]> = {};
      for (const piece of pieces) {
        for (const [slot, shape] of Object.entries(piece.init(dims))) {
          if (slot in slots) {
            throw new RangeError(`Expected slots to differ but found two "${slot}".`);
          }
          slots[slot] = shape;
        }
      }
      return slots;
    },
    update(gradients, state, parameters) {
      let updates = gradients;
      const next: Record<string, readonly Value[]> = {};
      for (const piece of pieces) {
        const result = piece.update(updates, state, parameters);
        updates = result.updates;
        Object.assign(next, result.state);
      }
      return { updates, state: next };
    },
  };
}
