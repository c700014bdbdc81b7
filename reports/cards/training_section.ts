import type { Json } from "../../core/json.ts";
import { escapeMarkdown } from "../markdown.ts";
import { formatCount } from "../number_format.ts";
import type { CardFacts, TrainingFacts } from "./card_facts.ts";
import { cell, factsTable, parameterRows } from "./card_text.ts";
import { DATA_CARD } from "./data_card.ts";

/** What parameters of the stage `train` are called in a card, in the order that they are told in. */
const NAMES: Readonly<Record<string, string>> = {
  loss: "Loss",
  coefficients: "Its coefficients",
  beta: "β",
  eta: "η, or the coefficient of the SFT term",
  sft: "SFT term normalised by",
  lora: "LoRA",
  learningRate: "Peak learning rate of AdamW",
  schedule: "Schedule",
  warmupSteps: "Warm-up steps",
  minimumRate: "Rate at the end, of the peak",
  adamBeta1: "AdamW β₁",
  adamBeta2: "AdamW β₂",
  adamEpsilon: "AdamW ε",
  weightDecay: "Weight decay",
  maxGradNorm: "Gradient norm clipped to",
  batchPairs: "Pairs a step",
  epochs: "Epochs",
  order: "Order of the pairs",
  seed: "Seed",
};

/** How a model was trained, from the first training to the last: losses, optimiser, seeds, data. */
export function trainingSection({ training }: CardFacts): string {
  if (training.length === 0) {
    return "This is a model as it was given; Ballast did not train it here, or does not know how.";
  }
  const parts = training.map(one);
  if (training.length === 1) return parts[0];
  const order = "In these stages, one after the other.";
  return [order, ...parts].join("\n\n");
}

function one(facts: TrainingFacts): string {
  const { instance, key, params, sources, steps, pairs, remarks } = facts;
  const told = Object.entries(NAMES).filter(([name]) => isGiven(params[name]))
    .map(([name, label]): [string, string] => [label, cell(params[name])]);
  const others = Object.fromEntries(
    Object.entries(params).filter(([name, value]) => !Object.hasOwn(NAMES, name) && isGiven(value)),
  );
  const rows: [string, string][] = [
    ...told,
    ...(steps === null ? [] : [["Steps", formatCount(steps)] as [string, string]]),
    ...parameterRows(others),
    ...Object.entries(sources).map(([name, digest]): [string, string] => [
      `Digest of ${escapeMarkdown(name)}`,
      escapeMarkdown(digest),
    ]),
    ["Key", key],
    ...(pairs === null ? [] : dataRows(pairs)),
    ...remarks.map((remark): [string, string] => ["It said", escapeMarkdown(remark)]),
  ];
  return `### ${escapeMarkdown(instance)}\n\n${factsTable(rows)}`;
}

function isGiven(value: Json | undefined): boolean {
  return value !== undefined && value !== null;
}

function dataRows(
  { origin, count, digest, tokens }: NonNullable<TrainingFacts["pairs"]>,
): [string, string][] {
  return [
    ["Data", `${escapeMarkdown(origin)}, see [${DATA_CARD}](${DATA_CARD})`],
    ["Rows", formatCount(count)],
    ["Digest of the rows", digest],
    ["Digest of their tokens", tokens.digest],
    ["Most tokens of a pair's prompt and reply", formatCount(tokens.maxLength)],
  ];
}
