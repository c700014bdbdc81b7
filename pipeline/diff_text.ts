import type { Difference } from "./artifact.ts";
import type { InstanceDifference, OutputDifference, RunDifference } from "./diff.ts";
import { visibleText } from "../core/visible_text.ts";
import { formatCount } from "./reporters/quantities.ts";

const SHOWN_DIFFERENCES = 20;

/** What differs between two runs as text for a person; ends with a line end. */
export function formatRunDifference(diff: RunDifference): string {
  const { before, after } = diff;
  const lines = [`${before.run} (${before.recipe}) → ${after.run} (${after.recipe})`];
  if (diff.host.length > 0) lines.push("host", ...diff.host.map(formatDifference));
  if (diff.parameters.length > 0) {
    lines.push("recipe", ...shortened(diff.parameters.map(formatDifference), "  "));
  }
  for (const instance of diff.instances) lines.push(...formatInstance(instance));
  const changed = formatCount(diff.instances.length, "instance");
  lines.push(
    diff.instances.length === 0
      ? `All ${formatCount(diff.equal, "instance")} are equal.`
      : `${changed} differ${diff.instances.length === 1 ? "s" : ""}, ${diff.equal} equal.`,
  );
  return lines.map((line) => `${visibleText(line)}\n`).join("");
}

function formatInstance({ id, change, fields, outputs }: InstanceDifference): string[] {
  if (change !== "changed") {
    return [`${id}: only in the ${change === "added" ? "second" : "first"} run`];
  }
  const because = fields.length === 0 ? "same key, different result" : "";
  return [
    because === "" ? id : `${id}: ${because}`,
    ...shortened(fields.map(formatDifference), "  "),
    ...outputs.flatMap(formatOutput),
  ];
}

function formatOutput({ port, before, after, differences, type }: OutputDifference): string[] {
  const head = `  output ${port} (${type}) ${shortDigests(before)} → ${shortDigests(after)}`;
  if (differences === null) return [`${head}: no longer both in the store`];
  if (differences.length === 0) return [`${head}: equal within the tolerance`];
  return [head, ...shortened(differences.map((one) => `  ${formatDifference(one)}`), "    ")];
}

function formatDifference({ path, before, after }: Difference): string {
  return `  ${path}: ${shortDigests(before)} → ${shortDigests(after)}`;
}

/** A text with each digest in it by its first digits. */
export function shortDigests(value: string): string {
  return value.replace(/\b[0-9a-f]{64}\b/g, (digest) => digest.slice(0, 12));
}

function shortened(lines: readonly string[], indent: string): string[] {
  if (lines.length <= SHOWN_DIFFERENCES) return [...lines];
  const more = lines.length - SHOWN_DIFFERENCES;
  return [...lines.slice(0, SHOWN_DIFFERENCES), `${indent}and ${more} more`];
}
