import type { Json } from "../../core/json.ts";
import { escapeMarkdown } from "../markdown.ts";
import { formatCount } from "../number_format.ts";
import type { PairsFacts, TrainingFacts } from "./card_facts.ts";
import { factsTable, parameterRows } from "./card_text.ts";
import { frontMatter, licenseId } from "./front_matter.ts";

/** The file of a data card. */
export const DATA_CARD = "DATA.md";

/**
 * The card of all the data that a model was trained on: where it comes from, what was left out, what
 * audits found, its licence. Equal facts give an equal card.
 *
 * @returns null where no data is known
 */
export function dataCard(training: readonly TrainingFacts[]): string | null {
  const used = training.flatMap(({ instance, pairs }) =>
    pairs === null ? [] : [{ instance, pairs }]
  );
  if (used.length === 0) return null;
  const sets = used.map(({ pairs }) => pairs);
  const sections = [
    "# The data it was trained on",
    "The rows themselves are not here. A digest (SHA-256) tells whether rows that you hold are these.",
    ...used.map(({ instance, pairs }) => setSection(instance, pairs)),
  ];
  return `${frontMatter(hubFields(sets))}\n${sections.join("\n\n")}\n`;
}

function hubFields(sets: readonly PairsFacts[]): Record<string, Json> {
  const licenses = [...new Set(sets.map(({ license }) => licenseId(license)))];
  const sources = [...new Set(sets.flatMap(({ dataset }) => dataset?.name ?? []))];
  return {
    license: licenses.length === 1 ? licenses[0] : licenses,
    ...(sources.length === 0 ? {} : { source_datasets: sources }),
    tags: ["ballast", "preference-data"],
  };
}

function setSection(instance: string, pairs: PairsFacts): string {
  const { tokens } = pairs;
  const rows: [string, string][] = [
    ["Trained on it", escapeMarkdown(instance)],
    ["Source", sourceText(pairs)],
    ["Licence", licenceText(pairs)],
    ["Rows", formatCount(pairs.count)],
    ["Digest of the rows", pairs.digest],
    ["Rows tokenized", formatCount(tokens.pairs)],
    ["Their tokens, of prompts and replies", formatCount(tokens.tokens)],
    ["Digest of the tokens", tokens.digest],
    ["Most tokens of prompt and reply", formatCount(tokens.maxLength)],
    ["Of them the prompt's where that is exceeded", formatCount(tokens.maxPromptLength)],
  ];
  return [
    `## ${escapeMarkdown(pairs.origin)}`,
    factsTable(rows),
    "### How it was made, and what was left out",
    making(pairs),
    "### What audits found",
    audits(pairs),
  ].join("\n\n");
}

function sourceText({ dataset, stage, sources }: PairsFacts): string {
  if (dataset !== null) {
    return `${escapeMarkdown(dataset.name)} at revision ${escapeMarkdown(dataset.revision)}`;
  }
  const files = Object.values(sources);
  if (files.length > 0) return `files with the digest ${files.map(escapeMarkdown).join(", ")}`;
  return `made by the stage ${escapeMarkdown(stage)}`;
}

function licenceText({ license }: PairsFacts): string {
  return license === null
    ? "not stated by the recipe"
    : `${escapeMarkdown(license)}, as the recipe states it`;
}

function making({ stage, params, remarks, count, tokens }: PairsFacts): string {
  const lines = [`By the stage ${escapeMarkdown(stage)} with these parameters:`];
  const rows = parameterRows(params);
  lines.push("", rows.length === 0 ? "(none)" : factsTable(rows));
  if (remarks.length > 0) {
    lines.push("", "When it ran it said:", "");
    lines.push(...remarks.map((remark) => `- ${escapeMarkdown(remark)}`));
  }
  if (tokens.pairs !== count) {
    lines.push("", `Tokenization left out ${formatCount(count - tokens.pairs)} rows.`);
  }
  return lines.join("\n");
}

function audits({ audits }: PairsFacts): string {
  if (audits.length === 0) return "No audit of it is in the store that this comes from.";
  return audits.map(({ instance, digest, findings }) => {
    const head = `${escapeMarkdown(instance)} (digest ${digest}) found ${
      findings.length === 0 ? "nothing." : "this:"
    }`;
    const items = findings.map(({ set, severity, accepted, message }) =>
      `- ${escapeMarkdown(severity)}${accepted ? ", accepted by the recipe" : ""}: ` +
      `${escapeMarkdown(set)}: ${escapeMarkdown(message)}`
    );
    return items.length === 0 ? head : [head, "", ...items].join("\n");
  }).join("\n\n");
}
