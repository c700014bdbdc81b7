import { copyModel } from "../../train/models/copy_model.ts";
import { loadModel } from "../../train/models/model.ts";
import { parameterCount } from "../../train/models/parameters.ts";

// Loads one model, or copies it, and prints its bytes in float32 and the most memory that the process
// ever held.
const [path, copy] = Deno.args;
const config = copy === undefined ? (await loadModel(path)).config : await copyModel(path, copy);
const bytes = 4 * parameterCount(config);
// Deno hides /proc from programs without all permissions; `cat` sees it. Not resourceUsage(), which
// counts what the parent held when it began this process.
const { stdout } = await new Deno.Command("cat", { args: [`/proc/${Deno.pid}/status`] }).output();
const [, peak] = /VmHWM:\s+(\d+) kB/.exec(new TextDecoder().decode(stdout))!;
const line = JSON.stringify({ bytes, peak: 1024 * Number(peak) });
await Deno.stdout.write(new TextEncoder().encode(line));
