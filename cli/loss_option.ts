import { InvalidArgumentError } from "./commander.ts";
import type { Json } from "../core/json.ts";
import { InputError } from "../core/problem.ts";
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

/**
 * Reads `--coefficients`: a record in YAML, such as `{beta: 2, gamma: 0.5}`.
 *
 * @throws InputError for anything else
 */
export async function parseCoefficients(text: string): Promise<Record<string, Json>> {
  const { parse } = await import("yaml");
  try {
    const record = parse(text) as Json;
    if (record !== null && typeof record === "object" && !Array.isArray(record)) return record;
  } catch {
    // Told below.
  }
  const message = `Expected a record such as {beta: 2, gamma: 0.5} but found: ${text}`;
  throw new InputError([{ path: "--coefficients", message }]);
}
