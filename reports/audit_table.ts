import type { Json } from "../core/json.ts";
import type { ReportInput } from "./report_input.ts";
import { systemColumn } from "./results_table.ts";
import { type Table, textCell } from "./table.ts";

/** Items of a list that are shown one by one; the rest are counted. */
const SHOWN = 5;

/**
 * What the audits found: one row a finding, one column an audit; null when there was no audit. It takes
 * any JSON, so that an audit may find new things without the report having to know them.
 */
export function auditTable(audits: ReportInput["audits"]): Table | null {
  if (audits.length === 0) return null;
  const findings = audits.map(({ findings }) => new Map(leaves(findings, [])));
  const names = [...new Set(findings.flatMap((leaf) => [...leaf.keys()]))];
  return {
    id: "audit",
    title: "Audit of the data",
    caption: "",
    columns: [
      { ...systemColumn, id: "finding", label: "Finding" },
      ...audits.map(({ from }) => ({
        ...systemColumn,
        id: from,
        label: from,
        align: "right" as const,
      })),
    ],
    rows: names.map((name) => ({
      id: name,
      cells: [textCell(name), ...findings.map((leaf) => textCell(leaf.get(name) ?? ""))],
    })),
    notes: [],
  };
}

/** Each scalar of a JSON value with its place in words. */
function leaves(value: Json, path: readonly string[]): [string, string][] {
  if (value === null || typeof value !== "object") return [[path.join(" · "), scalar(value)]];
  if (!Array.isArray(value)) {
    return Object.entries(value).flatMap(([key, item]) => leaves(item, [...path, words(key)]));
  }
  if (value.every((item) => item === null || typeof item !== "object")) {
    const more = value.length > SHOWN ? ` and ${value.length - SHOWN} more` : "";
    const shown = value.slice(0, SHOWN).map((item) => scalar(item as string | number | null));
    return [[path.join(" · "), value.length === 0 ? "none" : shown.join(", ") + more]];
  }
  const rest: [string, string][] = value.length > SHOWN
    ? [[[...path, "further"].join(" · "), String(value.length - SHOWN)]]
    : [];
  return [
    ...value.slice(0, SHOWN).flatMap((item, i) => leaves(item, [...path, String(i + 1)])),
    ...rest,
  ];
}

function scalar(value: string | number | boolean | null): string {
  if (value === null) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number" && !Number.isInteger(value)) {
    return String(Number(value.toPrecision(4)));
  }
  return String(value);
}

/** `promptOverlap` as `prompt overlap`. */
function words(key: string): string {
  return key.replace(/([a-z0-9])([A-Z])/g, "$1 $2").toLowerCase();
}
