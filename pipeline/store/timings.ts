import type { KeyRecord } from "./records.ts";
import { parseObject } from "./records.ts";
import { readTextIfThere, writeAtomically } from "./write_atomically.ts";

/** How long stages last took, in one small file, so that an estimate needs no database. */
export class Timings {
  /** @param path `timings.json`  @param temporary a folder on the same file system */
  constructor(readonly path: string, readonly temporary: string) {}

  /** Seconds that an instance of a recipe last took, else those of the stage's last instance, else `null`. */
  pastSeconds(stage: string, place?: { recipe: string; instance: string }): number | null {
    const { stages, instances } = this.#read();
    const own = place && instances[`${place.recipe}: ${place.instance}`];
    return own ?? stages[stage] ?? null;
  }

  /** Remembers what a finished instance took. */
  async note(record: Pick<KeyRecord, "recipe" | "instance" | "stage" | "seconds">): Promise<void> {
    const { stages, instances } = this.#read();
    stages[record.stage] = record.seconds;
    instances[`${record.recipe}: ${record.instance}`] = record.seconds;
    await writeAtomically(this.path, `${JSON.stringify({ stages, instances })}\n`, this.temporary);
  }

  #read(): Record<"stages" | "instances", Record<string, number>> {
    const value = parseObject(readTextIfThere(this.path));
    return { stages: secondsOf(value?.stages), instances: secondsOf(value?.instances) };
  }
}

function secondsOf(value: unknown): Record<string, number> {
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(Object.entries(value).filter(([, item]) => typeof item === "number"));
}
