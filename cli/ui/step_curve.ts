/** The figures of a training step that can be drawn, by the name they have in its record. */
export const CURVES = {
  loss: "Loss",
  chosenLogp: "Log-prob of chosen replies (nats)",
  rejectedLogp: "Log-prob of rejected replies (nats)",
  margin: "Reward margin",
  accuracy: "Preference accuracy",
  gradNorm: "Gradient norm",
} as const satisfies Readonly<Record<string, string>>;

/** A figure that can be drawn. */
export type CurveName = keyof typeof CURVES;

/** Figures of one step; null for what it does not have. */
export interface CurvePoint {
  readonly step: number;
  readonly values: Readonly<Record<CurveName, number | null>>;
}

/** Points kept of a curve, at most. */
export const MOST_POINTS = 512;

const NAMES = Object.keys(CURVES) as CurveName[];

/**
 * A curve along training of bounded size: when it has too many points it keeps every second one, and of
 * what follows, one in two, four, … steps. The newest point is always there.
 */
export class StepCurve {
  #kept: CurvePoint[] = [];
  #newest: CurvePoint | null = null;
  #stride = 1;
  #seen = 0;

  /** Takes a step's figures; a step that a resumed attempt takes again replaces what it had told. */
  add(figures: Readonly<Record<string, number | null>>): void {
    const { step } = figures;
    if (typeof step !== "number") return;
    if (this.#newest !== null && step <= this.#newest.step) {
      this.#kept = this.#kept.filter((point) => point.step < step);
    }
    const values = Object.fromEntries(NAMES.map((name) => [name, figures[name] ?? null]));
    this.#newest = { step, values: values as CurvePoint["values"] };
    if (this.#seen++ % this.#stride === 0) this.#kept.push(this.#newest);
    if (this.#kept.length < MOST_POINTS) return;
    this.#kept = this.#kept.filter((_, i) => i % 2 === 0);
    this.#stride *= 2;
  }

  /** Steps and values of one figure, in the order of steps; steps without it are left out. */
  points(name: CurveName): { readonly step: number; readonly value: number }[] {
    const last = this.#newest;
    const all = last === null || this.#kept.at(-1) === last ? this.#kept : [...this.#kept, last];
    return all.flatMap(({ step, values: { [name]: value } }) =>
      value === null ? [] : [{ step, value }]
    );
  }
}
