import commandExport from "../../stages/command_export.ts";
import { runStage } from "../stages/run_stage.ts";

// Runs what `ballast export` runs in a worker, and prints the most memory that this process ever held.
await runStage(commandExport, JSON.parse(Deno.args[0]));
// Deno hides /proc from programs without all permissions; `cat` sees it. Not resourceUsage(), which
// counts what the parent held when it began this process.
const { stdout } = await new Deno.Command("cat", { args: [`/proc/${Deno.pid}/status`] }).output();
const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(new TextDecoder().decode(stdout))!;
const line = JSON.stringify({ peak: Number(kibibytes) * 1024 });
await Deno.stdout.write(new TextEncoder().encode(line));
