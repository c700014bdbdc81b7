import { FAINT, systemStyle } from "./palette.ts";

type Interval = readonly [number, number];

/** A system by two quantities. */
export interface MarkedPoint {
  readonly label: string;
  /** The system's place among all, which decides how it is drawn. */
  readonly place: number;
  readonly x: number;
  readonly y: number;
  readonly xInterval: Interval | null;
  readonly yInterval: Interval | null;
}

/** Position by two quantities, colour and shape by system. */
export function pointEncoding(
  points: readonly MarkedPoint[],
  titles: { readonly x: string; readonly y: string },
) {
  const places = new Map(points.map(({ label, place }) => [label, place]));
  const domain = [...places.keys()];
  const styles = [...places.values()].map(systemStyle);
  const axis = (field: "x" | "y", title: string) => ({
    field,
    type: "quantitative" as const,
    title,
    scale: { zero: false, padding: 10 },
  });
  return {
    x: axis("x", titles.x),
    y: axis("y", titles.y),
    color: {
      field: "label",
      type: "nominal" as const,
      scale: { domain, range: styles.map(({ colour }) => colour) },
      legend: { orient: "right" as const },
    },
    shape: {
      field: "label",
      type: "nominal" as const,
      scale: { domain, range: styles.map(({ shape }) => shape) },
    },
  };
}

type PointEncoding = ReturnType<typeof pointEncoding>;

/** Bars over the intervals that points have, along each axis. */
export function intervalLayers(points: readonly MarkedPoint[], { x, y, color }: PointEncoding) {
  const mark = { type: "rule" as const, strokeWidth: 1.3, opacity: 0.8 };
  const bars = (of: "xInterval" | "yInterval", encoded: object) => {
    const values = points.flatMap((point) => {
      const interval = point[of];
      return interval === null ? [] : [{ ...point, from: interval[0], to: interval[1] }];
    });
    return values.length === 0 ? [] : [{ data: { values }, mark, encoding: { ...encoded, color } }];
  };
  return [
    ...bars("xInterval", { x: { ...x, field: "from" }, x2: { field: "to" }, y }),
    ...bars("yInterval", { x, y: { ...y, field: "from" }, y2: { field: "to" } }),
  ];
}

/** A dashed line across each axis that has a place where two are even. */
export function evenLayers(
  even: { readonly x: number | null; readonly y: number | null },
  encoding: PointEncoding,
) {
  const mark = { type: "rule" as const, stroke: FAINT, strokeDash: [3, 3] };
  return (["x", "y"] as const).filter((axis) => even[axis] !== null).map((axis) => ({
    data: { values: [{ [axis]: even[axis] }] },
    mark,
    encoding: { [axis]: encoding[axis] },
  }));
}
