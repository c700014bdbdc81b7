import { canonicalJson, type Json } from "../../core/json.ts";
import { escapeMarkdown } from "../markdown.ts";

/** Rows of a table with two columns; both cells are Markdown already. */
export function factsTable(rows: readonly (readonly [string, string])[]): string {
  return ["| | |", "| :--- | :--- |", ...rows.map(([name, value]) => `| ${name} | ${value} |`)]
    .join("\n");
}

/** A value of JSON for a cell: numbers and words as they are, all else as JSON. */
export function cell(value: Json): string {
  return escapeMarkdown(typeof value === "string" ? value : canonicalJson(value));
}

/** Parameters as rows of a table, in code-unit order. */
export function parameterRows(params: Readonly<Record<string, Json>>): [string, string][] {
  return Object.keys(params).sort().map((name) => [escapeMarkdown(name), cell(params[name])]);
}

/** A fenced block of code of our own, into which nothing untrusted may go. */
export function fence(language: string, lines: readonly string[]): string {
  return [`\`\`\`${language}`, ...lines, "```"].join("\n");
}
