import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { RunEvent } from "../../pipeline/events.ts";
import { TextLineStream } from "../../pipeline/text_lines.ts";

/** The project under test. */
export const PROJECT = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** What a call of the command line gave. */
export interface Called {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where a call happens. */
export interface Place {
  /** The project's folder, when it is a copy. */
  readonly project?: string;
  /** Where the user stands. */
  readonly folder?: string;
  /** Environment variables beside those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
  /** A program that runs the command, and its words before it: a tracer. */
  readonly under?: readonly string[];
}

/** Calls the command line as `deno task ballast` does, and waits for its end. */
export async function ballast(args: readonly string[], place: Place = {}): Promise<Called> {
  const { code, stdout, stderr } = await command(args, place).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/**
 * Calls the command line with `--json` and returns the document.
 *
 * @throws Error with its standard error unless it exits with 0
 */
export async function ballastJson<T>(args: readonly string[], place: Place = {}): Promise<T> {
  const called = await ballast([...args, "--json"], place);
  if (called.code !== 0) throw new Error(`ballast ${args.join(" ")}: ${JSON.stringify(called)}`);
  return JSON.parse(called.stdout) as T;
}

/** Starts the command line; its output is for the caller to read. */
export function startBallast(args: readonly string[], place: Place = {}): Deno.ChildProcess {
  return command(args, place).spawn();
}

type EventType = RunEvent["type"];
type EventOf<Type extends EventType> = Extract<RunEvent, { type: Type }>;

/** A run under way, whose events can be awaited; killed when it goes out of scope. */
export class RunningBallast implements AsyncDisposable {
  readonly events: RunEvent[] = [];
  readonly ended: Promise<Called>;
  #child: Deno.ChildProcess;
  #waiting = new Set<() => void>();
  #exited = false;
  #over = false;

  /** Starts a command that takes `--progress`. */
  constructor(args: readonly string[], place: Place = {}) {
    this.#child = command([...args, "--progress", "ndjson"], place).spawn();
    this.ended = this.#read();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /**
   * The first event, past or to come, of a type for which a condition holds.
   *
   * @throws Error when the run ends without one
   */
  async event<Type extends EventType>(
    type: Type,
    where: (event: EventOf<Type>) => boolean = () => true,
  ): Promise<EventOf<Type>> {
    for (;;) {
      const found = this.events.find((event): event is EventOf<Type> =>
        event.type === type && where(event as EventOf<Type>)
      );
      if (found !== undefined) return found;
      if (this.#over) throw new Error(`No ${type}: ${JSON.stringify(await this.ended)}`);
      await this.#change();
    }
  }

  /** Waits until so many events have come, or the run is over. */
  async count(events: number): Promise<void> {
    while (this.events.length < events && !this.#over) await this.#change();
  }

  /** False once its process has ended. */
  get running(): boolean {
    return !this.#exited;
  }

  /** Sends a signal; does nothing when the run is over. */
  kill(signal: Deno.Signal): void {
    if (!this.#exited) this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    await this.ended;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve));
  }

  async #read(): Promise<Called> {
    let stderr = "";
    const readErrors = async () => {
      for await (const line of this.#child.stderr.pipeThrough(new TextLineStream())) {
        if (line.startsWith('{"time":')) this.events.push(JSON.parse(line) as RunEvent);
        else stderr += `${line}\n`;
        this.#wake();
      }
    };
    const status = this.#child.status.finally(() => this.#exited = true);
    const [{ code }, stdout] = await Promise.all([
      status,
      new Response(this.#child.stdout).text(),
      readErrors(),
    ]);
    this.#over = true;
    this.#wake();
    return { code, stdout, stderr };
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    waiting.forEach((resolve) => resolve());
  }
}

/** The command with the very permissions of the task `ballast`. */
function command(
  args: readonly string[],
  { project = PROJECT, folder = project, environment = {}, under = [] }: Place,
) {
  const { tasks } = JSON.parse(Deno.readTextFileSync(join(project, "deno.json")));
  const [, ...words] = (tasks.ballast.command as string).split(" ");
  const [program, ...rest] = [...under, Deno.execPath(), ...words, ...args];
  return new Deno.Command(program, {
    args: rest,
    cwd: project,
    env: { NO_COLOR: "1", ...environment, INIT_CWD: folder },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

/** What `reproduce --json` and `run --json` print. */
export interface RunDocument {
  readonly recipe: string;
  readonly run: string;
  readonly status: string;
  readonly ran: readonly string[];
  readonly cached: readonly string[];
  readonly failed: readonly { id: string; error: string }[];
  readonly stages: readonly {
    id: string;
    key: string;
    outputs: Record<string, { type: string; digest: string; bytes: number }>;
  }[];
  readonly reports: readonly { instance: string; page: string }[];
}

/** What `plan --json` and `explain --json` print. */
export interface PlanDocument {
  readonly recipe: string;
  readonly stages: readonly {
    id: string;
    state: "cached" | "stale" | "missing";
    key: string | null;
    reasons: readonly { field: string; before: string | null; after: string | null }[];
    estimateSeconds: number | null;
    /** What the seconds rest on. */
    estimateBasis: string;
    assumes: readonly string[];
    work: { amount: number; unit: string } | null;
    memoryBytes: number | null;
    memoryParts: readonly { what: string; bytes: number }[] | null;
    calls: { count: number | null; dollars: number | null } | null;
  }[];
  readonly estimateSeconds: number | null;
  readonly calls: { count: number | null; dollars: number | null } | null;
  readonly machines: readonly {
    machine: string;
    memoryBytes: number;
    canRun: boolean;
    cannotRun: readonly { id: string; neededBytes: number; why: string }[];
    computeSeconds: Readonly<Record<string, number>>;
  }[];
}

/** Digest of every artifact of a run, by `instance:port`. */
export function digestsOf({ stages }: RunDocument): Record<string, string> {
  return Object.fromEntries(
    stages.flatMap(({ id, outputs }) =>
      Object.entries(outputs).map(([port, { digest }]) => [`${id}:${port}`, digest])
    ),
  );
}
