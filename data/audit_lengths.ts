import { type Spread, spreadOf } from "../core/spread.ts";
import type { TokenizedRow } from "./tokenize.ts";

const PARTS = ["prompt", "chosen", "rejected"] as const;

/** Lengths of a set in tokens, before truncation and after; null where there are none. */
export type SetLengths = {
  readonly [When in "before" | "after"]: {
    readonly [Part in (typeof PARTS)[number]]: Spread | null;
  };
};

/** Gathers how long the parts of a set's pairs are. */
export class LengthsOfSet {
  readonly #before = { prompt: [] as number[], chosen: [] as number[], rejected: [] as number[] };
  readonly #after = { prompt: [] as number[], chosen: [] as number[], rejected: [] as number[] };

  /** Takes a row in. */
  add({ before, ...row }: TokenizedRow): void {
    for (const part of PARTS) {
      const [lengthBefore, ids] = [before[part], row[part]];
      if (lengthBefore !== null) this.#before[part].push(lengthBefore);
      if (ids !== null) this.#after[part].push(ids.length);
    }
  }

  /** What was gathered. */
  summary(): SetLengths {
    const parts = (
      { prompt, chosen, rejected }: Record<(typeof PARTS)[number], readonly number[]>,
    ) => ({
      prompt: spreadOf(prompt),
      chosen: spreadOf(chosen),
      rejected: spreadOf(rejected),
    });
    return { before: parts(this.#before), after: parts(this.#after) };
  }
}
