import { openRuntime } from "../../train/runtime/open_runtime.ts";

/** Why no GPU can be used here; `null` when one can. */
async function reason(): Promise<string | null> {
  try {
    await openRuntime({ threads: 1, device: "cuda:0" });
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

const found = await reason();

/** There is no GPU: what needs one is ignored. */
export const ignore = found !== null;

/** Why, to end the names of ignored tests with. */
export const unless = found === null ? "" : ` (ignored: ${found})`;
