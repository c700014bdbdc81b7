import type { Feasibility } from "../../pipeline/feasibility.ts";
import { isNamed } from "../../pipeline/graph.ts";
import type { PlannedInstance } from "../../pipeline/plan.ts";
import { gpuBytes, hostBytes, totalCalls } from "../../pipeline/prediction.ts";
import { estimateWallSeconds } from "../../pipeline/schedule.ts";
import { callsToMake } from "../call_text.ts";
import { feasibilities, GPU_ASSUMPTIONS } from "../machines.ts";
import { misfitText, planLines, reasonText } from "../plan_text.ts";
import { printJson, printNotice, printResult } from "../output.ts";
import { machineCapacity, openSession, type RecipeOptions } from "../session.ts";

/** Prints each stage's state; writes nothing. */
export async function plan(options: RecipeOptions & { json: boolean }): Promise<void> {
  const session = await openSession(options);
  session.warnings.forEach((warning) => printNotice(`warning: ${warning}`));
  const planned = await session.plan();
  const machines = await feasibilities(planned);
  if (options.json) {
    return printJson({
      recipe: session.source.recipe.recipe,
      stages: planned.map(stageJson),
      estimateSeconds: estimateWallSeconds(planned, machineCapacity().cores),
      calls: totalCalls(callsToMake(planned)),
      machines: machines.map(machineJson),
      gpuAssumptions: GPU_ASSUMPTIONS,
    });
  }
  printResult(planLines(planned, machineCapacity().cores, machines).join("\n"));
}

/** Prints each field of the key that changed, for the named stages. */
export async function explain(
  names: readonly string[],
  options: RecipeOptions & { json: boolean },
): Promise<void> {
  const session = await openSession({ ...options, to: names });
  const planned = (await session.plan()).filter(({ instance }) =>
    names.some((name) => isNamed(instance, name))
  );
  if (options.json) {
    return printJson({ recipe: session.source.recipe.recipe, stages: planned.map(stageJson) });
  }
  printResult(
    planned.map((one) => {
      const { instance, state, key, reasons } = one;
      const title = `${instance.id}: ${state}${key === null ? "" : ` (key ${key.slice(0, 12)}…)`}`;
      return [title, ...reasons.map((reason) => `  ${reasonText(reason)}`)].join("\n");
    }).join("\n"),
  );
}

function stageJson({ instance, state, key, reasons, forecast }: PlannedInstance) {
  const { seconds, basis, memory, work, calls = null, assumes = [] } = forecast;
  return {
    id: instance.id,
    state,
    key,
    reasons,
    estimateSeconds: seconds,
    estimateBasis: basis,
    assumes,
    work: work === undefined ? null : { amount: work.amount, unit: work.unit },
    memoryBytes: hostBytes(memory),
    gpuMemoryBytes: gpuBytes(memory),
    memoryParts: memory ?? null,
    calls,
  };
}

function machineJson(feasibility: Feasibility) {
  const { machine, needs, misfits, elsewhere, seconds, exchangeSeconds } = feasibility;
  const { name, memoryBytes, gpus = 0 } = machine;
  return {
    machine: name,
    memoryBytes,
    gpus,
    canRun: misfits.length === 0,
    needs,
    cannotRun: misfits.map((misfit) => ({ ...misfit, why: misfitText(misfit, memoryBytes) })),
    elsewhere,
    computeSeconds: Object.fromEntries(seconds.map(({ name, seconds }) => [name, seconds])),
    exchangeSeconds,
  };
}
