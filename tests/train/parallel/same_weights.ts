import type { Weights } from "../../../train/models/model.ts";
import type { TrainedModel } from "../../../train/trainer.ts";

/** Of weights that should be equal, as `weightDistance` measures them. */
export const TOLERANCE = 1e-5;

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
