/** How a fault ended; the last two may never come. */
export type Verdict =
  /** The next run finished by itself, with the digests of the undisturbed one. */
  | "healed"
  /** The run with the fault itself gave the undisturbed digests. */
  | "undisturbed"
  /** The message said what a person must do; after that the run finished, with the same digests. */
  | "told"
  /** A result that is not the undisturbed one, or a run that did not finish, or said nothing of use. */
  | "wrong"
  /** A stage that had finished ran again. */
  | "lost";

/** One fault of a campaign and what became of it. */
export interface Outcome {
  readonly part: Part;
  /** What was done, for the table: `kill -9 in train`. */
  readonly kind: string;
  readonly verdict: Verdict;
  /** What was seen where it is `wrong` or `lost`. */
  readonly detail?: string;
}

/** The parts of a campaign. */
export const PARTS = ["kill", "stage", "store", "disk", "clock", "power"] as const;
export type Part = typeof PARTS[number];

/** Told of each outcome as it comes. */
export type Tell = (outcome: Outcome) => void;

/** Whether a campaign found nothing to mend. */
export function isClean(outcomes: readonly Outcome[]): boolean {
  return outcomes.every(({ verdict }) => verdict !== "wrong" && verdict !== "lost");
}
