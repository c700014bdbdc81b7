/**
 * Makes the same folder over and over, as other processes do at the same time, and prints how often it
 * was let in and how often another one was inside as well.
 */
import { join } from "node:path";
import { withNewFolder } from "../../cli/new_folder.ts";
import { ExpectedError } from "../../core/problem.ts";

const [folder, times] = Deno.args;
const inside = join(folder, "inside");
let [entered, met] = [0, 0];
for (let i = 0; i < Number(times); i++) {
  try {
    await withNewFolder({ out: join(folder, "out"), verb: "train" }, async () => {
      entered++;
      try {
        Deno.mkdirSync(inside);
      } catch {
        met++;
        return 1;
      }
      await new Promise((resolve) => setTimeout(resolve, i % 3));
      Deno.removeSync(inside);
      return 0;
    });
  } catch (error) {
    if (!(error instanceof ExpectedError)) throw error;
  }
}
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify({ entered, met })));
