import type { Executor } from "../pipeline/executor.ts";
import { LocalExecutor } from "../pipeline/executors/local.ts";
import { InputError } from "../core/problem.ts";
import { CODE } from "./project.ts";
import { machineCapacity } from "./session.ts";

/** URL of the module that a worker takes the artifact types from. */
export const ARTIFACT_TYPES = new URL("../stages/artifact_types.ts", import.meta.url).href;

/** Where a run's workers are started. */
export interface ExecutorOptions {
  readonly executor: "local" | "slurm";
  readonly cores?: number;
  readonly slurmPartition?: string;
  readonly slurmArg?: readonly string[];
}

/**
 * The executor that the options name.
 *
 * @throws InputError for options of Slurm where another is named
 */
export async function chosenExecutor(options: ExecutorOptions): Promise<Executor> {
  const { executor, cores, slurmPartition: partition, slurmArg: args } = options;
  if (executor === "slurm") {
    const { SlurmExecutor } = await import("../pipeline/executors/slurm.ts");
    return new SlurmExecutor({ ...CODE, cores, partition, args });
  }
  const given = { "--slurm-partition": partition, "--slurm-arg": args };
  const problems = Object.entries(given).filter(([, value]) => value !== undefined)
    .map(([path]) => ({ path, message: "It goes with --executor slurm." }));
  if (problems.length > 0) throw new InputError(problems);
  return localExecutor(cores);
}

/** Workers on this machine, over the project's stages; all its cores unless fewer are asked for. */
export function localExecutor(cores?: number): LocalExecutor {
  const capacity = machineCapacity();
  return new LocalExecutor({
    ...CODE,
    cores: cores ?? capacity.cores,
    memory: capacity.memory,
  });
}
