import { InvalidArgumentError } from "@commander-js/extra-typings";
import { parse } from "yaml";
import type { Json } from "../core/json.ts";
import type { LossName } from "../train/losses/losses.ts";

const LOSS_NAMES: Readonly<Record<LossName, true>> = {
  dpo: true,
  rpo: true,
  ipo: true,
  hinge: true,
  sft: true,
};

/** Whether `--loss` names a file that exports a loss. */
export function isLossFile(loss: string): boolean {
  return /\.[jt]s$/.test(loss);
}

/** Reads `--loss`: a loss of the project, or the path of a file. */
export function parseLoss(value: string): string {
  if (Object.hasOwn(LOSS_NAMES, value) || isLossFile(value)) return value;
  throw new InvalidArgumentError(
    `Allowed choices are ${
      Object.keys(LOSS_NAMES).join(", ")
    }, or a file (.ts) with a loss of one's own.`,
  );
}

/** Reads `--coefficients`: a record in YAML, such as `{beta: 2, gamma: 0.5}`. */
export function parseCoefficients(value: string): Record<string, Json> {
  try {
    const record = parse(value) as Json;
    if (record !== null && typeof record === "object" && !Array.isArray(record)) return record;
  } catch {
    // Told below.
  }
  throw new InvalidArgumentError("Expected a record such as {beta: 2, gamma: 0.5}.");
}
