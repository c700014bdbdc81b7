import { join } from "node:path";
import { PROJECT } from "./end_to_end/ballast.ts";

/** Third-party data beside the repository, or where BALLAST_SHARED says. */
export const SHARED = Deno.env.get("BALLAST_SHARED") ?? join(PROJECT, "../shared");

/** A test on a folder of third-party data; without that folder it is shown as ignored. */
export function sharedTest(name: string, folder: string, fn: () => Promise<void>): void {
  let present = true;
  try {
    Deno.statSync(join(SHARED, folder));
  } catch {
    present = false;
  }
  Deno.test({ name: `${name} (needs ../shared/${folder})`, ignore: !present, fn });
}
