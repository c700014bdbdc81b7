import { canonicalJson } from "../../core/json.ts";
import type { KeyRecord } from "../store/records.ts";

/** Types of outputs, by port. */
export type PortTypes = Readonly<Record<string, string>>;

/** What stages give, by their names. */
export type StageOutputs = Readonly<Record<string, PortTypes>>;

/** The types of a stage's outputs, or of a record's. */
export function portTypes(outputs: Readonly<Record<string, { readonly type: string }>>): PortTypes {
  return Object.fromEntries(Object.entries(outputs).map(([port, { type }]) => [port, type]));
}

/** What a stage gives; null where nobody knows it. */
export function outputsOf(stage: string, stages: StageOutputs): PortTypes | null {
  return Object.hasOwn(stages, stage) ? stages[stage] : null;
}

/**
 * Whether a record has the outputs that its stage has, and no others: a record from elsewhere may claim
 * anything. One that a run made here (`completeRecord`) may have more, such as one kept by `--accept` from code
 * that gave more; nothing reads them.
 */
export function gives({ outputs }: KeyRecord, expected: PortTypes): boolean {
  return canonicalJson(portTypes(outputs)) === canonicalJson(expected);
}
