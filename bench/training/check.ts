import { alignColumns } from "../../core/align_columns.ts";
import { runSystem, type Surroundings } from "./run_system.ts";
import type { System } from "./systems.ts";
import type { Workload } from "./workload.ts";

/** Relative difference above which two systems do not train alike. */
const TOLERANCE = 1e-3;

/** What the check found: the losses as a table, and whether they agree. */
export interface Agreement {
  readonly table: string;
  readonly agree: boolean;
}

/**
 * Lets every system take the same steps on the same batches from the same weights, and compares the
 * losses with the first system's.
 */
export async function checkAgreement(
  systems: readonly System[],
  workload: Workload,
  { surroundings, onRun }: { surroundings: Surroundings; onRun: (name: string) => void },
): Promise<Agreement> {
  const losses: (readonly number[])[] = [];
  for (const system of systems) {
    onRun(system.name);
    const inFileOrder: System = { ...system, order: "file" };
    losses.push((await runSystem(inFileOrder, workload, surroundings)).losses);
  }
  const differences = losses.map((own) =>
    Math.max(...own.map((loss, step) => Math.abs(loss / losses[0][step] - 1)))
  );
  const head = ["system", ...losses[0].map((_, step) => `step ${step + 1}`), "difference"];
  const rows = systems.map(({ name }, i) => [
    name,
    ...losses[i].map((loss) => loss.toFixed(5)),
    differences[i].toExponential(1),
  ]);
  return {
    table: alignColumns([head, ...rows]),
    agree: differences.every((difference) => difference <= TOLERANCE),
  };
}
