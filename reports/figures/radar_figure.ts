import type { TopLevelSpec } from "vega-lite";
import { InputError } from "../../core/problem.ts";
import type { ScoreColumn } from "../../core/score_table.ts";
import { visibleText } from "../../core/visible_text.ts";
import type { Figure, FigureSpec } from "../figure.ts";
import { htmlId } from "../html.ts";
import { formatNumber } from "../number_format.ts";
import type { ScoredTables } from "../score_tables.ts";
import { FAINT, GRID, INK, systemStyle } from "./palette.ts";
import { renderSvg } from "./render_svg.ts";
import { chooseScores, type ChosenScores } from "./score_rows.ts";

type RadarSpec = Extract<FigureSpec, { kind: "radar" }>;

/** A system with its value on each spoke. */
interface Outline {
  readonly label: string;
  /** The system's place among all, which decides how it is drawn. */
  readonly place: number;
  /** Along the spokes. */
  readonly values: readonly number[];
}

/**
 * The categories of a benchmark as spokes, from 0 in the middle to the rim, one outline a system. A system
 * without a value in some category would make a false outline: it is left out, and named.
 *
 * @throws InputError when no table has three categories, for unknown systems, and for values past the rim
 */
export async function radarFigure(
  scores: readonly ScoredTables[],
  spec: RadarSpec,
): Promise<Figure> {
  const chosen = chooseScores(scores, {
    ...{ ...spec, path: "figures.radar", needs: "three categories or more" },
    fits: ({ columns }) => columns.filter(({ part }) => part).length >= 3,
  });
  const spokes = chosen.table.columns.filter(({ part }) => part);
  const { outlines, left } = outlinesOf(chosen, spokes, spec);
  const text = {
    id: `figure-radar-${htmlId(chosen.name)}`,
    title: visibleText(`${chosen.table.title}: by category`),
    description: outlines.map(({ label, values }) => {
      const each = values.map((value, at) =>
        `${visibleText(spokes[at].label)} ${formatNumber(value, spokes[at].digits)}`
      );
      return `${label}: ${each.join(", ")}.`;
    }).join(" "),
  };
  return {
    ...text,
    id: text.id.slice("figure-".length),
    caption:
      `From 0 in the middle to ${spec.rim} at the rim. The order of the spokes is arbitrary, ` +
      `so the area of an outline means nothing.${
        left.length === 0 ? "" : ` Left out, without a value in some category: ${left.join(", ")}.`
      }`,
    svg: await renderSvg(specification(outlines, spokes, spec.rim), text),
  };
}

function outlinesOf(
  { name, table, rows }: ChosenScores,
  spokes: readonly ScoreColumn[],
  { rim }: RadarSpec,
): { outlines: Outline[]; left: string[] } {
  const outlines: Outline[] = [];
  const left: string[] = [];
  for (const row of rows) {
    const values = spokes.flatMap(({ id }) => row.values[id]?.value ?? []);
    const label = visibleText(row.label);
    if (values.length < spokes.length) left.push(label);
    else outlines.push({ label, place: table.rows.indexOf(row), values });
  }
  const most = Math.max(...outlines.flatMap(({ values }) => values));
  if (outlines.length === 0) {
    const message = `No row of ${name} has a value in every category.`;
    throw new InputError([{ path: "figures.radar.table", message }]);
  }
  if (most > rim) {
    const message = `Expected a rim no lower than the highest value, ${most}, but found ${rim}.`;
    throw new InputError([{ path: "figures.radar.rim", message }]);
  }
  return { outlines, left };
}

/** Where a value lies on a spoke; the first points up, the others follow clockwise. */
function onSpoke(value: number, spoke: number, spokes: number): { x: number; y: number } {
  const angle = 2 * Math.PI * spoke / spokes;
  return { x: value * Math.sin(angle), y: value * Math.cos(angle) };
}

/** The corners of a closed outline, in order. */
function closed<Own extends object>(values: readonly number[], own: Own) {
  return [...values, values[0]].map((value, order) => ({
    ...own,
    ...onSpoke(value, order % values.length, values.length),
    order,
  }));
}

const LEVELS = 5;
const ORDER = { field: "order", type: "quantitative" as const };

/** Axes without ticks, whose units are as long across as up; room for names at the sides. */
function axesOf(rim: number) {
  const axis = (field: "x" | "y", reach: number) => ({
    field,
    type: "quantitative" as const,
    axis: null,
    scale: { domain: [-reach * rim, reach * rim], nice: false, zero: false },
  });
  return { x: axis("x", 1.5), y: axis("y", 1.2) };
}

type Axes = ReturnType<typeof axesOf>;

function specification(
  outlines: readonly Outline[],
  spokes: readonly ScoreColumn[],
  rim: number,
): TopLevelSpec {
  const axes = axesOf(rim);
  const values = outlines.flatMap(({ label, values }) => closed(values, { label }));
  const domain = outlines.map(({ label }) => label);
  const styles = outlines.map(({ place }) => systemStyle(place));
  const nominal = { field: "label", type: "nominal" as const };
  const color = {
    ...nominal,
    scale: { domain, range: styles.map(({ colour }) => colour) },
    legend: { orient: "top" as const, columns: 4 },
  };
  const strokeDash = { ...nominal, scale: { domain, range: styles.map(({ dash }) => dash) } };
  const shape = { ...nominal, scale: { domain, range: styles.map(({ shape }) => shape) } };
  return {
    width: 450,
    height: 360,
    layer: [
      ...backgroundLayers(spokes.map(({ label }) => visibleText(label)), rim, axes),
      {
        data: { values },
        mark: { type: "line", strokeWidth: 2.2 },
        encoding: { ...axes, color, strokeDash, order: ORDER },
      },
      {
        data: { values: values.filter(({ order }) => order < spokes.length) },
        mark: { type: "point", size: 50, strokeWidth: 2, opacity: 1 },
        encoding: { ...axes, color, shape },
      },
    ],
  };
}

/** Rings with their values, spokes with their names. */
function backgroundLayers(names: readonly string[], rim: number, axes: Axes) {
  const levels = Array.from({ length: LEVELS }, (_, i) => rim * (i + 1) / LEVELS);
  const rings = levels.flatMap((level) => closed(names.map(() => level), { level }));
  const at = (value: number) =>
    names.map((name, spoke) => ({ name, ...onSpoke(value, spoke, names.length) }));
  const text = (values: readonly object[], mark: object) => ({
    data: { values: [...values] },
    mark: { type: "text" as const, fontSize: 11, ...mark },
    encoding: { ...axes, text: { field: "name", type: "nominal" as const } },
  });
  const isSide = (x: number) => Math.abs(x) > 0.01 * rim;
  return [
    {
      data: { values: rings },
      mark: { type: "line" as const, stroke: GRID, strokeWidth: 1 },
      encoding: { ...axes, detail: { field: "level", type: "nominal" as const }, order: ORDER },
    },
    {
      data: { values: at(rim).map((end) => ({ ...end, x0: 0, y0: 0 })) },
      mark: { type: "rule" as const, stroke: GRID, strokeWidth: 1 },
      encoding: { ...axes, x2: { field: "x0" }, y2: { field: "y0" } },
    },
    text(
      levels.map((level) => ({ x: 0, y: level, name: formatNumber(level, 1).replace(/\.0$/, "") })),
      { fill: FAINT, align: "right", dx: -4, fontSize: 10 },
    ),
    ...([
      ["left", at(1.09 * rim).filter(({ x }) => isSide(x) && x > 0)],
      ["right", at(1.09 * rim).filter(({ x }) => isSide(x) && x < 0)],
      ["center", at(1.09 * rim).filter(({ x }) => !isSide(x))],
    ] as const).map(([align, values]) => text(values, { fill: INK, align })),
  ];
}
