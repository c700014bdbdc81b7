import { availableParallelism, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { workerEnvironment } from "../../pipeline/executors/worker_environment.ts";
import { formatBytes } from "../../pipeline/reporters/quantities.ts";
import { thisHost } from "../host.ts";
import { printJson, printResult } from "../output.ts";
import { PROJECT_FOLDER } from "../project.ts";
import { openStore } from "../session.ts";

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly found: string;
  /** False where a run without it is as good, unless its recipe asks for it. */
  readonly needed?: boolean;
  /** What to do when it is not well. */
  readonly remedy?: string;
}

const DENO = "2.9.6";
const LEAST_MEMORY = 4 * 2 ** 30;

/** Checks what a run needs; returns 1 when something is missing. */
export async function doctor(options: { store?: string; json: boolean }): Promise<number> {
  const checks: Check[] = [
    denoCheck(),
    machineCheck(),
    await nativeCheck("onnxruntime", () => probe("runtime_probe.ts")),
    { ...await nativeCheck("cuda", () => probe("cuda_probe.ts")), needed: false },
    await nativeCheck("duckdb", async () => (await import("@duckdb/node-api")).version()),
    await storeCheck(options.store),
  ];
  if (options.json) printJson({ host: thisHost(), checks });
  else {
    printResult(
      checks.map(lineOf).join("\n"),
    );
  }
  return checks.every(({ ok, needed = true }) => ok || !needed) ? 0 : 1;
}

function lineOf({ name, ok, needed = true, found, remedy }: Check): string {
  if (ok) return `ok      ${name}: ${found}`;
  if (!needed) return `-       ${name}: ${found}; only device: cuda:N needs it`;
  return `MISSING ${name}: ${found}${remedy === undefined ? "" : `. ${remedy}`}`;
}

/** What a module prints in a process of its own, as in workers: the command line may not use the C API. */
async function probe(module: string): Promise<string> {
  const path = join(PROJECT_FOLDER, "cli", module);
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--cached-only", "--allow-read", "--allow-ffi", path],
    cwd: PROJECT_FOLDER,
    clearEnv: true,
    env: workerEnvironment({}),
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  if (!success) throw new Error(text(stderr));
  return text(stdout);
}

function denoCheck(): Check {
  const found = Deno.version.deno;
  return {
    name: "deno",
    ok: found.split(".")[0] === DENO.split(".")[0],
    found: found === DENO ? found : `${found} (tested with ${DENO})`,
    remedy: `Use Deno ${DENO}: npm install -g deno@${DENO}, or npx --yes deno@${DENO} task …`,
  };
}

function machineCheck(): Check {
  const memory = totalmem();
  return {
    name: "machine",
    ok: memory >= LEAST_MEMORY,
    found: `${availableParallelism()} cores, ${formatBytes(memory)} memory, ${thisHost().isa}`,
    remedy: "The recipe tiny needs about 2 GB; larger models need more.",
  };
}

async function nativeCheck(name: string, version: () => Promise<string>): Promise<Check> {
  const remedy = `Run deno install in ${PROJECT_FOLDER}.`;
  try {
    return { name, ok: true, found: await version() };
  } catch (error) {
    const found = error instanceof Error ? error.message.split("\n")[0] : String(error);
    return { name, ok: false, found, remedy };
  }
}

/** The path itself or the nearest above it that is there: what a first run would write into. */
function nearestFolder(path: string): string {
  try {
    Deno.statSync(path);
    return path;
  } catch {
    return dirname(path) === path ? path : nearestFolder(dirname(path));
  }
}

async function storeCheck(path: string | undefined): Promise<Check> {
  const store = openStore(path);
  const folder = nearestFolder(store.path);
  const probe = `${folder}/.write-probe-${crypto.randomUUID()}`;
  try {
    await Deno.writeTextFile(probe, "");
    await Deno.remove(probe);
    return { name: "store", ok: true, found: `${store.path} can be written` };
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    return { name: "store", ok: false, found, remedy: "Choose another folder with --store." };
  }
}
