import { join } from "node:path";
import { readTextIfThere, removeIfThere } from "../../core/write_atomically.ts";
import { cancel, statusOf } from "./slurm_commands.ts";

/** Where the number of a key's job is kept, so that a later pipeline ends it before it begins its own. */
export const NUMBER_FILE = ".slurm-job";

const LOOK_MS = 250;

/**
 * Ends the Slurm job that a killed pipeline left at the same key: two must not write the same scratch. Where
 * Slurm's commands are not on this machine, nothing can be done: the job ends itself.
 *
 * @param scratch the key's folder
 * @param goesOn false once it need not be waited for any more
 */
export async function endLeftJob(scratch: string, goesOn: () => boolean): Promise<void> {
  const file = join(scratch, NUMBER_FILE);
  const id = readTextIfThere(file)?.trim();
  if (id === undefined || !/^\d+(_\d+)?$/.test(id)) return;
  while (goesOn()) {
    if (!await cancel([id])) return;
    const state = (await statusOf([id]))?.get(id)?.state;
    if (state !== undefined && state !== "waiting" && state !== "running") {
      removeIfThere(file);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
