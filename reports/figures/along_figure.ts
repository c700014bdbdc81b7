import type { TopLevelSpec } from "vega-lite";
import type { ScoreColumn, ScoreTable } from "../../core/score_table.ts";
import { visibleText } from "../../core/visible_text.ts";
import type { Figure, FigureSpec } from "../figure.ts";
import { htmlId } from "../html.ts";
import { formatWithInterval } from "../number_format.ts";
import type { ScoredTables } from "../score_tables.ts";
import { systemStyle } from "./palette.ts";
import { renderSvg } from "./render_svg.ts";
import { chooseScores } from "./score_rows.ts";

type AlongSpec = Extract<FigureSpec, { kind: "along" }>;

/** A cell of the table. */
interface AlongPoint {
  /** The column's heading: one line. */
  readonly label: string;
  /** The group's heading: one panel; empty where there are none. */
  readonly panel: string;
  /** The row's label: the place on the axis. */
  readonly x: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/**
 * The columns of a table of scores along its rows, in their order and evenly apart, so that a row for 0 has a
 * place beside rows for powers of ten: one line a heading, one panel a group of columns.
 *
 * @throws InputError for a table that is not there, or several to choose from
 */
export async function alongFigure(
  scores: readonly ScoredTables[],
  spec: AlongSpec,
): Promise<Figure> {
  const { name, table } = chooseScores(scores, {
    ...{ table: spec.table, path: "figures.along", needs: "rows to draw a line along" },
    fits: ({ rows, columns }) => rows.length > 1 && columns.length > 0,
  });
  const points = pointsOf(table);
  const text = {
    id: `figure-along-${htmlId(name)}`,
    title: visibleText(table.title),
    description: describe(table),
  };
  const bars = points.some(({ low, high }) => low !== high);
  return {
    ...text,
    id: text.id.slice("figure-".length),
    caption: `${text.title}, values in their order and evenly apart.` +
      `${bars ? " Bars: 95% interval." : ""}`,
    svg: await renderSvg(specification(points, table), text),
  };
}

function pointsOf({ rows, columns }: ScoreTable): AlongPoint[] {
  return rows.flatMap((row) =>
    columns.flatMap((column) => {
      const score = row.values[column.id] ?? null;
      if (score === null) return [];
      const [low, high] = score.ci95 ?? [score.value, score.value];
      const place = { label: visibleText(column.label), panel: panelOf(column) };
      return [{ ...place, x: visibleText(row.label), value: score.value, low, high }];
    })
  );
}

function panelOf({ group = "" }: ScoreColumn): string {
  return visibleText(group);
}

function specification(points: readonly AlongPoint[], table: ScoreTable): TopLevelSpec {
  const labels = [...new Set(points.map(({ label }) => label))];
  const panels = [...new Set(points.map(({ panel }) => panel))];
  const styles = labels.map((_, place) => systemStyle(place));
  const color = {
    field: "label",
    type: "nominal" as const,
    scale: { domain: labels, range: styles.map(({ colour }) => colour) },
    legend: { orient: "top" as const, symbolType: "stroke", columns: 4 },
  };
  const x = {
    field: "x",
    type: "ordinal" as const,
    sort: table.rows.map(({ label }) => visibleText(label)),
    title: visibleText(table.heading),
    axis: { labelAngle: 0 },
    scale: { type: "point" as const, padding: 0.3 },
  };
  const y = (field: string) => ({
    field,
    type: "quantitative" as const,
    title: unitOf(table),
    scale: { zero: false, padding: 6 },
  });
  const strokeDash = {
    field: "label",
    type: "nominal" as const,
    scale: { domain: labels, range: styles.map(({ dash }) => dash) },
  };
  const layer = [
    {
      transform: [{ filter: "datum.low < datum.high" }],
      mark: { type: "rule" as const, strokeWidth: 1.2, opacity: 0.6 },
      encoding: { x, y: y("low"), y2: { field: "high" }, color },
    },
    {
      mark: { type: "line" as const, strokeWidth: 2.2 },
      encoding: { x, y: y("value"), color, strokeDash },
    },
    {
      mark: { type: "point" as const, filled: true, size: 45, opacity: 1 },
      encoding: { x, y: y("value"), color },
    },
  ];
  const width = Math.max(150, Math.floor(600 / panels.length));
  const values = points.map((point) => ({ ...point }));
  if (panels.length === 1) return { data: { values }, width, height: 280, layer };
  return {
    data: { values },
    facet: { column: { field: "panel", type: "nominal", sort: panels, title: null } },
    spec: { width, height: 240, layer },
  };
}

/** The unit that all columns share. */
function unitOf({ columns }: ScoreTable): string {
  const units = [...new Set(columns.map(({ unit }) => unit ?? ""))];
  return units.length === 1 && units[0] !== "" ? visibleText(units[0]) : "Value";
}

function describe({ columns, rows, heading }: ScoreTable): string {
  return columns.map((column) => {
    const values = rows.flatMap((row) => {
      const score = row.values[column.id] ?? null;
      if (score === null) return [];
      return [`${formatWithInterval(score.value, score.ci95, column.digits)} at ${row.label}`];
    });
    const panel = panelOf(column);
    const name = `${panel === "" ? "" : `${panel}, `}${column.label}`;
    return visibleText(`${name}: ${values.join(", ")} (${heading}).`);
  }).join(" ");
}
