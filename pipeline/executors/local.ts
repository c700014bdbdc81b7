import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ExpectedError } from "../../core/problem.ts";
import { TextLineStream } from "../text_lines.ts";
import type { Executor, JobResult, RunningJob, StageJob, WorkerMessage } from "../executor.ts";
import { PLACE_VARIABLE } from "../process_place.ts";
import type { Resources } from "../stage.ts";
import { jobFile, mpiexecWords, sharedVariables, writeJobFile } from "./processes.ts";
import { workerEnvironment } from "./worker_environment.ts";
import { WorkerOutput } from "./worker_output.ts";

/** The code that workers run. */
export interface WorkerCode {
  /** The Deno executable. */
  readonly deno: string;
  /** The project's folder, with `deno.json` and `node_modules`. */
  readonly projectFolder: string;
  /** The folders below it that hold code. */
  readonly codeFolders: readonly string[];
}

/** How workers are started on this machine. */
export interface LocalOptions extends WorkerCode {
  readonly cores: number;
  /** MiB. */
  readonly memory: number;
}

/** Name prefixes of the packages, below `node_modules/.deno`, that hold each native library. */
const NATIVE_PACKAGES: Readonly<Record<NonNullable<Resources["native"]>[number], string>> = {
  onnxruntime: "onnxruntime-node@",
  duckdb: "@duckdb+node-bindings",
  tokenizers: "@anush008+tokenizers",
};

/**
 * How the C library hands out memory to workers: in large pages, since a model's arrays span many;
 * without giving any back midway, since each run takes as much again; and from one arena, since a run
 * on another thread would fill one of its own. Elsewhere it is not read.
 */
export const MALLOC = [
  "glibc.malloc.hugetlb=1",
  "glibc.malloc.mmap_max=0",
  "glibc.malloc.trim_threshold=68719476736",
  "glibc.malloc.arena_max=1",
].join(":");

/** Runs each job in a child process with just the permissions and variables it needs. */
export class LocalExecutor implements Executor {
  readonly name = "local";
  readonly capacity: { readonly cores: number; readonly memory: number };

  constructor(private readonly options: LocalOptions) {
    this.capacity = { cores: options.cores, memory: options.memory };
  }

  start(job: StageJob, listen: (message: WorkerMessage) => void): RunningJob {
    writeJobFile(job);
    const [program, ...args] = workerCommand(job, this.options, "here");
    const child = new Deno.Command(program, {
      args,
      cwd: this.options.projectFolder,
      clearEnv: true,
      env: {
        ...workerEnvironment(job.resources),
        ...sharedVariables(job.resources),
        GLIBC_TUNABLES: MALLOC,
      },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    let asked = false;
    const send = (signal: Deno.Signal) => {
      asked = true;
      try {
        child.kill(signal);
      } catch {
        // It has ended already.
      }
    };
    const ended = follow(child, job, listen).catch(async (error) => {
      // The listener failed, not the worker: it must not run on unheard.
      send("SIGKILL");
      await child.status;
      throw error;
    });
    return {
      pid: child.pid,
      // Without a result it was stopped before it could say so, or killed: as we asked it to.
      done: ended.then((result) =>
        asked && result.status === "failed" ? { status: "stopped" } : result
      ),
      stop: () => send("SIGTERM"),
      kill: () => send("SIGKILL"),
    };
  }
}

/** The words that run a job's worker, in one process or in several, with just the permissions it needs. */
export function workerCommand(
  job: StageJob,
  code: WorkerCode,
  where: "here" | "allocated",
): string[] {
  const worker = fileURLToPath(new URL("../worker.ts", import.meta.url));
  const options = ["--no-prompt", "--cached-only", ...permissionsOf(job, code)];
  const words = [code.deno, "run", ...options, worker];
  const { processes = 1 } = job.resources;
  return processes === 1 ? words : [...mpiexecWords(processes, where), ...words, jobFile(job)];
}

function permissionsOf(job: StageJob, { projectFolder, codeFolders }: WorkerCode): string[] {
  const modules = join(projectFolder, "node_modules");
  const code = codeFolders.map((name) => join(projectFolder, name));
  const inputs = Object.values(job.inputs).flat().map(({ path }) => path);
  const written = [job.attempt, job.scratch, ...Object.values(job.caches)];
  const permissions = [
    `--allow-read=${[...code, modules, ...inputs, ...job.paths, ...written].map(listed)}`,
    `--allow-write=${written.map(listed)}`,
  ];
  const native = job.resources.native ?? [];
  const folders = nativeFolders(projectFolder, native);
  // Deno lets a C API's pointers be followed only where any library may be loaded.
  if (native.includes("onnxruntime")) permissions.push("--allow-ffi");
  else if (folders.length > 0) permissions.push(`--allow-ffi=${folders.map(listed)}`);
  const hosts = job.resources.network ?? [];
  if (hosts.length > 0) permissions.push(`--allow-net=${hosts.map(listed)}`);
  const { environment = [], processes = 1 } = job.resources;
  const variables = processes === 1 ? environment : [...environment, PLACE_VARIABLE];
  if (variables.length > 0) permissions.push(`--allow-env=${variables.map(listed)}`);
  return permissions;
}

/**
 * The folders of the packages that hold native libraries, where they are installed.
 *
 * @param projectFolder the folder with `node_modules`
 */
export function nativeFolders(
  projectFolder: string,
  native: NonNullable<Resources["native"]>,
): string[] {
  if (native.length === 0) return [];
  const store = join(projectFolder, "node_modules", ".deno");
  const packages = [...Deno.readDirSync(store)].map(({ name }) => name);
  return native.flatMap((name) =>
    packages.filter((entry) => entry.startsWith(NATIVE_PACKAGES[name]))
      .map((entry) => join(store, entry))
  );
}

/**
 * A path as a permission lists it.
 *
 * @throws ExpectedError for one with a comma: commas part the paths, and Deno 2.9 has no way to write one
 * that belongs to a path
 */
export function listed(path: string): string {
  if (!path.includes(",")) return path;
  throw new ExpectedError(
    `Deno cannot give a stage access to a path with a comma: ${path}. Choose another folder or rename it.`,
  );
}

async function follow(
  child: Deno.ChildProcess,
  job: StageJob,
  listen: (message: WorkerMessage) => void,
): Promise<JobResult> {
  const input = child.stdin.getWriter();
  const output = new WorkerOutput(listen);
  await input.write(new TextEncoder().encode(`${JSON.stringify(job)}\n`)).catch(() => {});
  const readOutput = async () => {
    for await (const line of child.stdout.pipeThrough(new TextLineStream())) output.read(line);
  };
  const readErrors = async () => {
    for await (const line of child.stderr.pipeThrough(new TextLineStream())) output.print(line);
  };
  const [status] = await Promise.all([child.status, readOutput(), readErrors()]);
  await input.close().catch(() => {});
  if (status.success) return output.end(null);
  return output.end(
    status.signal === null ? `exit code ${status.code}` : `signal ${status.signal}`,
  );
}
