import { loadModel } from "../../train/models/model.ts";

// Loads one model and prints its bytes and the most memory that the process ever held.
const { weights } = await loadModel(Deno.args[0]);
const bytes = [...weights.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
// Deno hides /proc from programs without all permissions; `cat` sees it. Not resourceUsage(), which
// counts what the parent held when it began this process.
const { stdout } = await new Deno.Command("cat", { args: [`/proc/${Deno.pid}/status`] }).output();
const [, peak] = /VmHWM:\s+(\d+) kB/.exec(new TextDecoder().decode(stdout))!;
const line = JSON.stringify({ bytes, peak: 1024 * Number(peak) });
await Deno.stdout.write(new TextEncoder().encode(line));
