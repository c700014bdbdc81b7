import type { Weights } from "../../../train/models/model.ts";
import type { TrainedModel } from "../../../train/trainer.ts";

/** Of weights that should be equal, as `weightDistance` measures them. */
export const TOLERANCE = 1e-5;

/**
 * The same where moments are in bfloat16. Gradients that are added up in another order differ in last
 * bits; where a moment lies beside the edge between two bfloat16 numbers, that makes it the other one,
 * 2⁻⁸ away, and its element's step so much longer or shorter. An adapter's B begins at zero, so that its
 * steps are all that there is of it: it lies ten times as far.
 */
export const HALF_MOMENTS_TOLERANCE = { weights: 5e-5, adapter: 5e-4 } as const;

/** The weights that were trained. */
export function trainedWeights({ model, adapter }: TrainedModel): Weights {
  return adapter?.weights ?? model.weights;
}

/** How far a weight lies from the expected one. */
export interface Distance {
  readonly name: string;
  readonly value: number;
}

/**
 * The weight that lies farthest from the expected one, by ‖found − expected‖ / ‖expected‖ (L2; of a
 * weight of zeros ‖found‖). Single elements are no measure: where an element's gradients cancel, what is
 * left is rounding, which AdamW's division makes as large as the learning rate, also between runs of one
 * process that divide the batch otherwise.
 */
export function weightDistance(found: Weights, expected: Weights): Distance {
  let worst: Distance = { name: "none", value: 0 };
  for (const [name, { data }] of expected) {
    const other = found.get(name)!.data;
    let [difference, norm] = [0, 0];
    for (let i = 0; i < data.length; i++) {
      difference += (other[i] - data[i]) ** 2;
      norm += data[i] ** 2;
    }
    const value = Math.sqrt(difference / (norm || 1));
    if (!(value <= worst.value)) worst = { name, value };
  }
  return worst;
}
