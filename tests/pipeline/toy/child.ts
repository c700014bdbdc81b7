import { fileURLToPath } from "node:url";
import type { RunEvent } from "../../../pipeline/events.ts";
import { TextLineStream } from "../../../pipeline/text_lines.ts";
import type { ToyPipeline } from "./pipeline.ts";
import type { ChildResult } from "./run_child.ts";

/** A run in a process of its own; killed when it goes out of scope. */
export class Child implements AsyncDisposable {
  readonly events: RunEvent[] = [];
  readonly result: Promise<ChildResult | null>;
  #child: Deno.ChildProcess;
  #changed = Promise.withResolvers<void>();
  #over = false;

  constructor({ folder }: ToyPipeline, recipe: string) {
    const script = fileURLToPath(new URL("run_child.ts", import.meta.url));
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--no-prompt", "--no-check", "--allow-read", "--allow-write", "--allow-run"],
        ...["--allow-env", "--allow-sys", script, folder, recipe],
      ],
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.result = this.#read();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Waits for an event of a type. */
  async event<T extends RunEvent["type"]>(type: T, where: (id: string) => boolean = () => true) {
    for (;;) {
      const found = this.events.find((event) =>
        event.type === type && (!("id" in event) || where(event.id))
      );
      if (found !== undefined) return found as Extract<RunEvent, { type: T }>;
      if (this.#over) throw new Error(`No ${type}.`);
      await this.#changed.promise;
    }
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.kill();
    } catch {
      // It has ended.
    }
    await this.result;
  }

  async #read(): Promise<ChildResult | null> {
    let result: ChildResult | null = null;
    for await (const line of this.#child.stdout.pipeThrough(new TextLineStream())) {
      if (line === "") continue;
      const value = JSON.parse(line);
      if (value.type === undefined) result = value;
      else this.events.push(value);
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    }
    await this.#child.status;
    this.#over = true;
    this.#changed.resolve();
    return result;
  }
}
