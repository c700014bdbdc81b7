import { ExpectedError } from "../../core/problem.ts";
import { readTextIfThere, writeAllSync } from "../../core/write_atomically.ts";
import type { Completion } from "./completion.ts";
import {
  type Budget,
  describeSpent,
  estimateCost,
  price,
  type Prices,
  type Spent,
} from "./cost.ts";
import type { JudgeRequest } from "./request.ts";

/** What an attempt came to. */
export type Usage =
  /** Tokens as the endpoint counted them. */
  | NonNullable<Completion["usage"]>
  /** The judge may have worked, and nobody said how much. */
  | "unknown"
  /** Nobody worked: it was refused, or never sent. */
  | "nothing";

const NOTHING: Spent = { calls: 0, dollars: 0, isAtMost: false };

/**
 * A file of what the judges of a run cost, a line of JSON for each attempt before it begins and one for
 * what it came to: `{"call":0,"dollars":0.01}`, `{"settled":0,"dollars":0.002}`. An attempt that a kill
 * left without the second counts as its estimate. One process writes at a time.
 */
export class Ledger {
  #next: number;
  /** What it held when it was opened. */
  readonly before: Spent;

  /** @param path made when something is written, in a folder that is there */
  constructor(private readonly path: string) {
    const text = readTextIfThere(path) ?? "";
    const open = new Map<number, number>();
    let [calls, dollars, isAtMost] = [0, 0, false];
    for (const line of text.split("\n")) {
      const entry = parseEntry(line);
      if (entry === null) continue;
      if (entry.call === undefined) {
        open.delete(entry.settled!);
        dollars += entry.dollars;
        isAtMost ||= entry.isAtMost === true;
      } else {
        open.set(entry.call, entry.dollars);
        calls++;
      }
    }
    for (const estimate of open.values()) dollars += estimate;
    this.before = { calls, dollars, isAtMost: isAtMost || open.size > 0 };
    this.#next = calls;
    // A line that a kill cut short stays by itself.
    if (text !== "" && !text.endsWith("\n")) this.#append("\n");
  }

  /** Writes down an attempt that is about to begin; gives what settles it. */
  begin(estimate: number): (dollars: number, isAtMost: boolean) => void {
    const call = this.#next++;
    this.#append(`${JSON.stringify({ call, dollars: estimate })}\n`);
    return (dollars, isAtMost) => {
      const entry = { settled: call, dollars, ...(isAtMost ? { isAtMost } : {}) };
      this.#append(`${JSON.stringify(entry)}\n`);
    };
  }

  #append(text: string): void {
    using file = Deno.openSync(this.path, { append: true, create: true });
    writeAllSync(file, new TextEncoder().encode(text));
  }
}

interface Entry {
  readonly call?: number;
  readonly settled?: number;
  readonly dollars: number;
  readonly isAtMost?: boolean;
}

function parseEntry(line: string): Entry | null {
  try {
    return line === "" ? null : JSON.parse(line);
  } catch {
    return null;
  }
}

/** What has been spent, and what is under way. */
export class Spending {
  #calls = 0;
  #dollars = 0;
  #isAtMost = false;
  #reserved = 0;
  readonly #before: Spent;

  /** @param ledger what the run's other judges spent counts too; null where there are none */
  constructor(
    private readonly budget: Budget,
    private readonly prices: Prices | null,
    private readonly ledger: Ledger | null,
  ) {
    this.#before = ledger?.before ?? NOTHING;
  }

  /** By these attempts alone. */
  get own(): Spent {
    return { calls: this.#calls, dollars: this.#dollars, isAtMost: this.#isAtMost };
  }

  /** By the run, these attempts included. */
  get all(): Spent {
    const { calls, dollars, isAtMost } = this.#before;
    return {
      calls: calls + this.#calls,
      dollars: dollars + this.#dollars,
      isAtMost: isAtMost || this.#isAtMost,
    };
  }

  /**
   * Sets aside what an attempt may cost.
   *
   * @returns settles it; what is unknown costs what was set aside
   * @throws ExpectedError when the budget does not cover it
   */
  reserve(request: JudgeRequest): (usage: Usage) => void {
    const { prices } = this;
    const estimate = estimateCost([request], prices).dollars ?? 0;
    this.#require(estimate);
    const settle = this.ledger?.begin(estimate);
    this.#calls++;
    this.#reserved += estimate;
    return (usage) => {
      const isAtMost = usage === "unknown" && prices !== null;
      const dollars = usage === "unknown"
        ? estimate
        : usage === "nothing" || prices === null
        ? 0
        : price(usage, prices);
      this.#reserved -= estimate;
      this.#dollars += dollars;
      this.#isAtMost ||= isAtMost;
      settle?.(dollars, isAtMost);
    };
  }

  #require(estimate: number): void {
    const { calls, dollars } = this.budget;
    const { all } = this;
    if (calls !== null && all.calls + 1 > calls) {
      throw new ExpectedError(
        `The budget of ${calls} calls to the judge is used up. What was answered is kept.`,
      );
    }
    if (dollars !== null && all.dollars + this.#reserved + estimate > dollars) {
      throw new ExpectedError(
        `The budget of $${dollars} for the judge does not cover another call: ` +
          `${describeSpent(all)} is spent. What was answered is kept.`,
      );
    }
  }
}
