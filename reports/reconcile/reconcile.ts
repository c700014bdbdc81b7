import type { PublishedCell } from "../../core/published_cell.ts";
import { findScore } from "../paper/find_score.ts";
import { seriesOf } from "../paper/paper_tables.ts";
import { type Evidence, judgeCell, type JudgedCell, placeOf } from "./judge_cell.ts";
import {
  type Finding,
  type FindingKind,
  isWithin,
  printedBand,
  type Reconciliation,
} from "./reconciliation.ts";
import { findSwappedColumns, type SwappedColumns, turnedCell } from "./swapped_columns.ts";

const KINDS: Readonly<Record<FindingKind, number>> = {
  "swapped columns": 0,
  "another value": 1,
  "missing judgments": 2,
  "truncated outputs": 3,
  "another setting": 4,
};

/**
 * Holds every printed number to what the files give, and the numbers of a table to one another.
 *
 * @param published every number once
 */
export function reconcile(
  published: readonly PublishedCell[],
  evidence: Evidence,
): Reconciliation {
  const swapped = findSwappedColumns(published, (cell) => {
    const place = placeOf(cell);
    return place === null ? null : findScore(place, evidence.scores)?.score.value ?? null;
  });
  const judged = published.map((cell) =>
    heldToNeighbours(cell, judgeCell(cell, evidence), { published, swapped })
  );
  return {
    rows: published.map((cell, i) => {
      const { sentences, findings: _, ...row } = judged[i];
      const { value: published, ...place } = cell;
      const why = sentences.join(" ");
      return { ...place, published, ...row, band: printedBand(cell), why };
    }),
    findings: inOrder([
      ...swapped.map(({ cells: [{ table }], sentence }): Finding => ({
        ...{ kind: "swapped columns", table, sentence },
      })),
      ...judged.flatMap(({ findings }) => findings),
    ]),
  };
}

/** Adds what the printed neighbours of a duel say: swapped columns, complements that do not add up. */
function heldToNeighbours(
  cell: PublishedCell,
  judged: JudgedCell,
  { published, swapped }: {
    readonly published: readonly PublishedCell[];
    readonly swapped: readonly SwappedColumns[];
  },
): JudgedCell {
  const own = swapped.find(({ cells }) => cells.includes(cell));
  if (own !== undefined) {
    return { ...judged, sentences: [own.sentence, ...judged.sentences], findings: [] };
  }
  const turned = placeOf(cell)?.layout.kind === "duels" ? turnedCell(cell, published) : undefined;
  if (judged.reproduced !== null && judged.verdict === "not comparable") {
    return heldToSeries(cell, judged, published);
  }
  if (turned === undefined) return judged;
  const other = swapped.find(({ cells }) => cells.includes(turned));
  if (other !== undefined && judged.reproduced === null) {
    return { ...judged, sentences: [...judged.sentences, other.sentence] };
  }
  if (judged.verdict !== "outside") return judged;
  const complement = (100 - turned.value).toFixed(cell.digits);
  const sentence =
    `The same table prints ${turned.value.toFixed(turned.digits)} for ${turned.row} over ` +
    `${cell.row}, the complement of ${complement}.`;
  return { ...judged, sentences: [...judged.sentences, sentence] };
}

/** Says which other models of the series and column a number may not be told apart from. */
function heldToSeries(
  cell: PublishedCell,
  judged: JudgedCell,
  published: readonly PublishedCell[],
): JudgedCell {
  const { interval } = judged;
  const series = seriesOf(cell.row);
  const held = published.filter((other) =>
    other !== cell && other.table === cell.table && other.column === cell.column &&
    seriesOf(other.row) === series && interval !== null && isWithin(other.value, interval)
  );
  if (held.length === 0) return judged;
  const shown = held.map(({ row, value, digits }) => `${row}, ${value.toFixed(digits)}`);
  const sentence = `That range holds what is printed for ${shown.join("; ")}.`;
  return {
    ...judged,
    sentences: [...judged.sentences, sentence],
    findings: judged.findings.map((finding) => ({
      ...finding,
      sentence: `${finding.sentence} ${sentence}`,
    })),
  };
}

/** By kind, each sentence once, otherwise as they came. */
function inOrder(findings: readonly Finding[]): Finding[] {
  const first = findings.filter(({ table, sentence }, i) =>
    findings.findIndex((other) => other.table === table && other.sentence === sentence) === i
  );
  return first.toSorted((a, b) => KINDS[a.kind] - KINDS[b.kind]);
}
