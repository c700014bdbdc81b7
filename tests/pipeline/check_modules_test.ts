import assert from "node:assert/strict";
import { join } from "node:path";
import { CODE } from "../../cli/project.ts";
import { ExpectedError } from "../../core/problem.ts";
import { checkModules } from "../../pipeline/check_modules.ts";
import train from "../../stages/train.ts";

Deno.test("checkModules() gives up on a module that never ends, kills it, and names the file", async () => {
  const folder = await Deno.makeTempDir();
  const file = join(folder, "endless.ts");
  // Deaf to what asks a process to end, too.
  await Deno.writeTextFile(file, 'Deno.addSignalListener("SIGTERM", () => {});\nfor (;;);\n');
  const stage = {
    stage: train,
    params: { loss: "custom", file, coefficients: {} },
    paths: { file },
    modules: { file: ["ballast/losses", "zod"] },
  };
  await assert.rejects(
    checkModules([stage], { ...CODE, limit: 2000 }),
    new ExpectedError(`${file} could not be checked: not done after 2 s.`),
  );
  await Deno.remove(folder, { recursive: true });
});
