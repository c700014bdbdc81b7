import type { StepRecord } from "./step_record.ts";

/** How the factor of a loss moves; PyTorch's `GradScaler` unless told otherwise. */
export interface LossScaling {
  /** What it begins with: a power of two, so that multiplying by it rounds nothing. */
  readonly initial: number;
  /** Steps in a row with finite gradients after which it doubles. */
  readonly growthInterval: number;
}

/** As `torch.amp.GradScaler` has it (PyTorch 2.13), with its factors 2 and ½. */
export const GRAD_SCALER: LossScaling = { initial: 65536, growthInterval: 2000 };

/** A scale under it would make small gradients smaller: what is not finite then is not the scale's doing. */
export const LEAST_SCALE = 1;

/**
 * What a loss is multiplied by before its gradient is taken in float16, whose smallest number is 2⁻²⁴ and
 * whose largest is 65504 (Micikevicius et al., ICLR 2018, arXiv 1710.03740v3, section 3.2): halved when
 * gradients were not finite, doubled after so many steps at which they were.
 */
export class LossScale {
  #value: number;
  #finiteInRow = 0;
  #skipped = 0;

  constructor(readonly scaling: LossScaling = GRAD_SCALER) {
    this.#value = scaling.initial;
  }

  /** As it is after steps, of which it forgets nothing: records are all that is kept of it. */
  static after(records: readonly Pick<StepRecord, "gradNorm">[], scaling?: LossScaling): LossScale {
    const scale = new LossScale(scaling);
    for (const { gradNorm } of records) scale.update(gradNorm !== null);
    return scale;
  }

  get value(): number {
    return this.#value;
  }

  /** Steps so far whose gradients were not finite. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Told of each step, whether its gradients were finite. */
  update(isFinite: boolean): void {
    if (!isFinite) {
      this.#value /= 2;
      this.#finiteInRow = 0;
      this.#skipped++;
    } else if (++this.#finiteInRow === this.scaling.growthInterval) {
      this.#finiteInRow = 0;
      // Gradients are fed it as float32.
      if (Number.isFinite(Math.fround(2 * this.#value))) this.#value *= 2;
    }
  }
}
