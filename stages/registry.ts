import type { Stage } from "../pipeline/stage.ts";
import world from "./world.ts";

const all: readonly Stage[] = [
  world,
];

/** Every stage there is, by name. A new stage is one file and two lines here. */
export const stages: ReadonlyMap<string, Stage> = new Map(all.map((stage) => [stage.name, stage]));
