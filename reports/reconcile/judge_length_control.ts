import type { PublishedCell } from "../../core/published_cell.ts";
import type { FoundScore } from "../paper/find_score.ts";
import type { JudgedCell } from "./judge_cell.ts";
import { isWithin, printedBand } from "./reconciliation.ts";

/** A length-controlled win rate of which some instructions lack a judgment. */
interface ShiftedRate {
  readonly judged: number;
  readonly instructions: number;
  /** What it may be with each difficulty at its own instruction; null where nothing tells. */
  readonly byInstruction: readonly [number, number] | null;
  /** How that is known: `By a fit`. */
  readonly by: string;
}

const POSITIONAL =
  "alpaca_eval takes an instruction's difficulty by the row's position, so that rows after a missing one " +
  "are fitted with another instruction's (positional difficulty).";

/**
 * Judges a length-controlled win rate of which some instructions lack a judgment: it is not comparable,
 * also where its value is met again.
 *
 * @returns null for any other number
 */
export function judgeLengthControl(cell: PublishedCell, found: FoundScore): JudgedCell | null {
  const shifted = shiftedRate(found);
  if (shifted === null) return null;
  const { judged, instructions, byInstruction, by } = shifted;
  const { value } = found.score;
  const again = isWithin(value, printedBand(cell)) ? "is met again" : "is not met again";
  const rests = `rests on n = ${judged} of ${instructions} instructions`;
  const [low, high] = (byInstruction ?? []).map((end) => end.toFixed(cell.digits));
  const range = low === high ? low : `from ${low} to ${high}`;
  const possible = byInstruction === null
    ? "What it would be with each difficulty at its own instruction, these files do not tell."
    : `${by}, with each difficulty at its own instruction it would be ${range}.`;
  const printed = cell.value.toFixed(cell.digits);
  return {
    ...{ reproduced: value, n: judged, interval: byInstruction, verdict: "not comparable" },
    origin: found.origin,
    sentences: [`The value ${again}, but it ${rests}: ${POSITIONAL}`, possible],
    findings: [{
      kind: "missing judgments",
      table: cell.table,
      sentence: `${cell.row}, ${cell.column}: ${printed} ${again}, but ${rests}. ${possible}`,
    }],
  };
}

/** The rate's counts, from the table that has it; null for one with every judgment, or that is none. */
function shiftedRate({ table, row: { values }, source }: FoundScore): ShiftedRate | null {
  if (table.id === "leaderboard" && source.value === "overAll") {
    const [judged, instructions] = [values.lengthControlled?.n, values.overAll?.n];
    if (typeof judged !== "number" || typeof instructions !== "number") return null;
    if (judged >= instructions) return null;
    const byInstruction = values.byInstruction?.ci95 ?? null;
    return { judged, instructions, byInstruction, by: "In 95% of a simulation's draws" };
  }
  if (table.id === "annotations" && source.value === "harnessLengthControlled") {
    const { lengthControlled: own, harnessLengthControlled: harness, winRate } = values;
    if (!own || !harness || own.value === harness.value) return null;
    return {
      ...{ judged: winRate?.n ?? own.n ?? 0, instructions: own.n ?? 0, by: "By a fit" },
      byInstruction: [own.value, own.value],
    };
  }
  return null;
}
