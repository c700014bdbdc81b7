import { alignColumns } from "../../core/align_columns.ts";
import type { Measured, Round } from "./measure.ts";

/** A median with the values around it. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** The median (of an even number, the mean of the two in the middle), the least and the most. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2;
  return { median, low: sorted[0], high: sorted[sorted.length - 1] };
}

const COLUMNS: readonly {
  readonly title: string;
  readonly digits: number;
  value(figures: Round): number;
}[] = [
  { title: "pairs/s", digits: 3, value: ({ pairsPerSecond }) => pairsPerSecond },
  { title: "tokens/s", digits: 1, value: ({ tokensPerSecond }) => tokensPerSecond },
  { title: "peak MB", digits: 0, value: ({ peakBytes }) => peakBytes / 1e6 },
  { title: "first step s", digits: 1, value: ({ secondsToFirstStep }) => secondsToFirstStep },
  { title: "other cores", digits: 2, value: ({ otherCores }) => otherCores },
];

/** One run's figures in a line, so that none is lost when a later run fails. */
export function describeRun(name: string, round: number, figures?: Round): string {
  if (figures === undefined) return `round ${round}: ${name} …`;
  const parts = COLUMNS.map(({ title, digits, value }) =>
    `${value(figures).toFixed(digits)} ${title}`
  );
  return `round ${round}: ${name}: ${parts.join(", ")}`;
}

/** A row a system: the median over rounds of each figure, with the least and the most. */
export function figuresTable(measured: readonly Measured[]): string {
  const head = ["system", ...COLUMNS.map(({ title }) => title), "what"];
  const rows = measured.map(({ system, rounds }) => [
    system.name,
    ...COLUMNS.map(({ value, digits }) => showSpread(spreadOf(rounds.map(value)), digits)),
    system.what,
  ]);
  return alignColumns([head, ...rows]);
}

/**
 * A row a peer: what Ballast's fastest system is divided by it, round by round. Speed above 1 and
 * memory and time below 1 speak for Ballast.
 */
export function ratiosTable(measured: readonly Measured[]): string | null {
  const isOurs = ({ system }: Measured) => system.name.startsWith("ballast");
  const ours = fastest(measured.filter(isOurs));
  const peers = measured.filter((each) => !isOurs(each));
  if (ours === undefined || peers.length === 0) return null;
  const columns = COLUMNS.filter(({ title }) => title !== "tokens/s" && title !== "other cores");
  const head = [`${ours.system.name} ÷`, ...columns.map(({ title }) => title)];
  const rows = peers.map((peer) => [
    peer.system.name,
    ...columns.map(({ value }) => {
      const ratios = ours.rounds.map((own, i) => value(own) / value(peer.rounds[i]));
      return showSpread(spreadOf(ratios), 2);
    }),
  ]);
  return alignColumns([head, ...rows]);
}

/** Cores of other work above which figures are not to be relied on. */
const DISTURBED = 0.1;

/** Names the systems that ran beside other work; `null` when the machine was quiet. */
export function disturbance(measured: readonly Measured[]): string | null {
  const names = measured.filter(({ rounds }) =>
    rounds.some(({ otherCores }) => otherCores > DISTURBED)
  ).map(({ system }) => system.name);
  if (names.length === 0) return null;
  return `Other processes used more than ${DISTURBED} cores beside ${names.join(", ")}: ` +
    "measure again on a quiet machine before relying on these figures.";
}

function fastest(measured: readonly Measured[]): Measured | undefined {
  const speed = ({ rounds }: Measured) =>
    spreadOf(rounds.map(({ pairsPerSecond }) => pairsPerSecond)).median;
  return measured.toSorted((a, b) => speed(b) - speed(a))[0];
}

/** `median (least … most)`; one number alone when they are the same. */
export function showSpread({ median, low, high }: Spread, digits: number): string {
  const [middle, least, most] = [median, low, high].map((value) => value.toFixed(digits));
  return low === high ? middle : `${middle} (${least} … ${most})`;
}
