import type { Results } from "../../core/results.ts";
import type { LinePoint } from "./curves.ts";
import { systemStyle } from "./palette.ts";

/** Position by step and value, colour and dash by system; a system looks alike in every figure. */
export function systemEncoding(results: Results, points: readonly LinePoint[], title: string) {
  const labels = [...new Map(points.map(({ system, label }) => [system, label]))];
  const styles = labels.map(([id]) =>
    systemStyle(Math.max(0, results.systems.findIndex((system) => system.id === id)))
  );
  const domain = labels.map(([, label]) => label);
  return {
    x: { field: "step", type: "quantitative" as const, title: "Training step" },
    y: {
      field: "value",
      type: "quantitative" as const,
      title,
      scale: { zero: false, padding: 6 },
    },
    color: {
      field: "label",
      type: "nominal" as const,
      scale: { domain, range: styles.map(({ colour }) => colour) },
      legend: { orient: "top" as const, symbolType: "stroke", columns: 4 },
    },
    strokeDash: {
      field: "label",
      type: "nominal" as const,
      scale: { domain, range: styles.map(({ dash }) => dash) },
    },
  };
}

/** Layers over points along training: a thin line a seed, a thick one for the mean. */
export function lineLayers<Encoding extends object>(encoding: Encoding) {
  return [
    {
      transform: [{ filter: "datum.seed !== null" }],
      mark: { type: "line" as const, strokeWidth: 0.9, opacity: 0.55 },
      encoding: { ...encoding, detail: { field: "seed", type: "nominal" as const } },
    },
    {
      transform: [{ filter: "datum.seed === null" }],
      mark: { type: "line" as const, strokeWidth: 2.4 },
      encoding,
    },
  ];
}
