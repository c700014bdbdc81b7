import { LocalExecutor } from "../pipeline/executors/local.ts";
import { CODE } from "./project.ts";
import { machineCapacity } from "./session.ts";

/** URL of the module that a worker takes the artifact types from. */
export const ARTIFACT_TYPES = new URL("../stages/artifact_types.ts", import.meta.url).href;

/** Workers on this machine, over the project's stages; all its cores unless fewer are asked for. */
export function localExecutor(cores?: number): LocalExecutor {
  const capacity = machineCapacity();
  return new LocalExecutor({
    ...CODE,
    cores: cores ?? capacity.cores,
    memory: capacity.memory,
  });
}
