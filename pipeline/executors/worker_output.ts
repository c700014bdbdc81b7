import type { JobResult, WorkerMessage } from "../executor.ts";
import { decodeLine } from "../worker_protocol.ts";

/** Of what a failed worker printed so many lines are told, each of so many characters at most. */
const KEPT_LINES = 40;
const KEPT_CHARACTERS = 2000;

/** What mpiexec prints of a process that a signal has ended. */
const DEAD_PROCESS = /PID (\d+) RUNNING AT/;
const DEATH = /TERMINATED WITH THE EXIT STRING: (.+)/;

/** What a worker has said so far: its messages are passed on, its result and last printed lines kept. */
export class WorkerOutput {
  #printed: string[] = [];
  #result: JobResult | undefined;
  /** Of several processes, the name of each by its number in the system. */
  #names = new Map<number, string>();
  /** The first of several processes that failed by itself. */
  #failed: string | undefined;

  constructor(private readonly listen: (message: WorkerMessage) => void) {}

  /** Takes a line of its standard output. */
  read(line: string): void {
    const decoded = decodeLine(line);
    if (decoded.type === "message") this.listen(decoded.message);
    else if (decoded.type === "result") this.#result = decoded.result;
    else if (decoded.type === "process") this.#names.set(decoded.pid, decoded.name);
    else if (decoded.type === "process-failed") this.#failed ??= decoded.error;
    else if (decoded.type === "printed" && decoded.text !== "") this.print(decoded.text);
  }

  /** Takes a line that is no message. */
  print(line: string): void {
    this.#printed.push(line.slice(0, KEPT_CHARACTERS));
    if (this.#printed.length > KEPT_LINES) this.#printed.shift();
  }

  /**
   * How the job ended, once the worker has.
   * @param how `exit code 7` or `signal SIGKILL`; null when it ended as it should
   */
  end(how: string | null): JobResult {
    const result = this.#result;
    if (result?.status === "failed") return this.#failure(result.error);
    if (result !== undefined && how === null) return result;
    return this.#failure(
      this.#failed ?? this.#deadProcess() ??
        `The worker ended without a result (${how ?? "exit code 0"}).`,
    );
  }

  /** The process that a signal has ended, as mpiexec tells of it. */
  #deadProcess(): string | null {
    const text = this.#printed.join("\n");
    const name = this.#names.get(Number(DEAD_PROCESS.exec(text)?.[1]));
    if (name === undefined) return null;
    const [, how = "for an unknown reason"] = DEATH.exec(text) ?? [];
    return `${name} has ended: ${how}. So have the others.`;
  }

  #failure(error: string): JobResult {
    const lines = this.#printed;
    const last = lines.length === 0 ? "" : `\nIt printed last:\n${lines.join("\n")}`;
    return { status: "failed", error: error + last };
  }
}
