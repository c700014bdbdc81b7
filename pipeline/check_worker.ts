/**
 * Asks stages what is wrong with the modules that their parameters name, in a process that may read
 * those modules alone: they are others' code. Stages and parameters come as one line of JSON on standard
 * input; the answer goes out as one marked line.
 */
import type { Problem } from "../core/problem.ts";
import type { StageToCheck } from "./check_modules.ts";
import { exportedStage } from "./exported_stage.ts";
import { encodeLine } from "./worker_protocol.ts";

async function problemsOf({ module, stage, params }: StageToCheck): Promise<readonly Problem[]> {
  return await (await exportedStage(module, stage)).checkModules?.(params) ?? [];
}

const stages = JSON.parse(await new Response(Deno.stdin.readable).text()) as StageToCheck[];
const problems: (readonly Problem[])[] = [];
for (const stage of stages) problems.push(await problemsOf(stage));
await Deno.stdout.write(new TextEncoder().encode(encodeLine({ type: "checked", problems })));
Deno.exit(0);
