import type { TopLevelSpec } from "vega-lite";
import { InputError } from "../../core/problem.ts";
import type { Score, ScoreColumn, ScoreRow } from "../../core/score_table.ts";
import { visibleText } from "../../core/visible_text.ts";
import type { Figure, FigureSpec } from "../figure.ts";
import { htmlId } from "../html.ts";
import { formatWithInterval } from "../number_format.ts";
import type { ScoredTables } from "../score_tables.ts";
import { FAINT } from "./palette.ts";
import { intervalLayers, type MarkedPoint, pointEncoding } from "./point_layers.ts";
import { renderSvg } from "./render_svg.ts";
import { chooseScores, type ChosenScores } from "./score_rows.ts";
import { unknownNames } from "./unknown_names.ts";

type ScatterSpec = Extract<FigureSpec, { kind: "scatter" }>;

/** The columns that a scatter shows; an error column is null where none was asked for. */
interface Columns {
  readonly x: ScoreColumn;
  readonly y: ScoreColumn;
  readonly xError: ScoreColumn | null;
  readonly yError: ScoreColumn | null;
}

/** The normal distribution's 97.5% quantile. */
const NORMAL = 1.959963984540054;

/**
 * One column of a table of scores against another, one point a system: the length-controlled win rate
 * against the raw one shows whom length helps. Where both have one unit, a line shows where they are equal.
 *
 * @throws InputError for tables, columns and rows that are not there, with the nearest
 */
export async function scatterFigure(
  scores: readonly ScoredTables[],
  spec: ScatterSpec,
): Promise<Figure> {
  const chosen = chooseScores(scores, {
    ...{ ...spec, path: "figures.scatter", needs: `columns ${spec.x} and ${spec.y}` },
    fits: ({ columns }) =>
      spec.table !== undefined ||
      [spec.x, spec.y].every((name) => columns.some(({ id }) => id === name)),
  });
  const columns = columnsOf(chosen, spec);
  const { points, left } = pointsOf(chosen, columns);
  const { x, y } = columns;
  const text = {
    id: `figure-scatter-${htmlId(`${chosen.name}-${y.id}-${x.id}`)}`,
    title: `${titleOf(y)} against ${titleOf(x)}`,
    description: points.map(({ label, ...at }) =>
      `${label}: ${formatWithInterval(at.y, at.yInterval, y.digits)} at ${
        formatWithInterval(at.x, at.xInterval, x.digits)
      }.`
    ).join(" "),
  };
  return {
    ...text,
    id: text.id.slice("figure-".length),
    caption: captionOf(chosen, columns, { points, left }),
    svg: await renderSvg(specification(points, columns), text),
  };
}

function columnsOf({ name, table: { columns } }: ChosenScores, spec: ScatterSpec): Columns {
  const known = columns.map(({ id }) => id);
  const asked = ["x", "y", "xError", "yError"] as const;
  const problems = asked.flatMap((axis) =>
    unknownNames(`figures.scatter.${axis}`, [spec[axis] ?? []].flat(), {
      ...{ kind: "column", within: `in ${name}`, known },
    })
  );
  if (problems.length > 0) throw new InputError(problems);
  const find = (id: string | undefined) => columns.find((column) => column.id === id) ?? null;
  return {
    x: find(spec.x)!,
    y: find(spec.y)!,
    xError: find(spec.xError),
    yError: find(spec.yError),
  };
}

function pointsOf({ name, table, rows }: ChosenScores, { x, y, xError, yError }: Columns) {
  const points: MarkedPoint[] = [];
  const left: string[] = [];
  for (const row of rows) {
    const label = visibleText(row.label);
    const [across, up] = [row.values[x.id] ?? null, row.values[y.id] ?? null];
    if (across === null || up === null) left.push(label);
    else {
      points.push({
        ...{ label, place: table.rows.indexOf(row), x: across.value, y: up.value },
        xInterval: intervalOf(across, row, xError),
        yInterval: intervalOf(up, row, yError),
      });
    }
  }
  if (points.length > 0) return { points, left };
  const message = `No row of ${name} has both ${x.id} and ${y.id}.`;
  throw new InputError([{ path: "figures.scatter", message }]);
}

/** A score's own interval; else the normal one of its standard error, where there is such. */
function intervalOf({ value, ci95 }: Score, row: ScoreRow, error: ScoreColumn | null) {
  if (ci95 !== null || error === null) return ci95;
  const standard = row.values[error.id]?.value;
  if (standard === undefined) return null;
  return [value - NORMAL * standard, value + NORMAL * standard] as const;
}

function captionOf(
  { table }: ChosenScores,
  { x, y }: Columns,
  { points, left }: { points: readonly MarkedPoint[]; left: readonly string[] },
): string {
  const bars = points.some(({ xInterval, yInterval }) => xInterval !== null || yInterval !== null);
  return [
    `${visibleText(table.title)}.`,
    ...(bars ? ["Bars: 95% interval, or 1.96 standard errors where there is none."] : []),
    ...(x.unit === y.unit ? ["Dashed: both equal."] : []),
    ...(left.length === 0 ? [] : [`Left out, without both numbers: ${left.join(", ")}.`]),
  ].join(" ");
}

/** A column's heading with that of its group. */
function titleOf({ label, group }: ScoreColumn): string {
  return visibleText(group === undefined ? label : `${label}, ${group.toLowerCase()}`);
}

function axisOf(column: ScoreColumn): string {
  const { unit } = column;
  return unit === null ? titleOf(column) : `${titleOf(column)} (${visibleText(unit)})`;
}

function specification(points: readonly MarkedPoint[], columns: Columns): TopLevelSpec {
  const { x, y } = columns;
  const encoding = pointEncoding(points, { x: axisOf(x), y: axisOf(y) });
  return {
    width: 420,
    height: 320,
    layer: [
      ...(x.unit === y.unit ? [equalLayer(points, encoding)] : []),
      ...intervalLayers(points, encoding),
      {
        data: { values: points.map((point) => ({ ...point })) },
        mark: { type: "point", size: 110, strokeWidth: 2.2, opacity: 1 },
        encoding,
      },
    ],
  };
}

/** The line on which both numbers are equal, over the range that they share. */
function equalLayer(points: readonly MarkedPoint[], { x, y }: ReturnType<typeof pointEncoding>) {
  const from = Math.max(...(["x", "y"] as const).map((axis) => endsOf(points, axis)[0]));
  const to = Math.min(...(["x", "y"] as const).map((axis) => endsOf(points, axis)[1]));
  const values = from < to ? [from, to].map((value) => ({ x: value, y: value })) : [];
  return {
    data: { values },
    mark: { type: "line" as const, stroke: FAINT, strokeDash: [3, 3], strokeWidth: 1 },
    encoding: { x, y },
  };
}

function endsOf(points: readonly MarkedPoint[], axis: "x" | "y"): [number, number] {
  const of = points.flatMap((point) => [point[axis], ...point[`${axis}Interval`] ?? []]);
  return [Math.min(...of), Math.max(...of)];
}
