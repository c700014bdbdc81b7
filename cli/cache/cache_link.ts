import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ExpectedError } from "../../core/problem.ts";
import { listed, nativeFolders } from "../../pipeline/executors/local.ts";
import { workerEnvironment } from "../../pipeline/executors/worker_environment.ts";
import { TextLineStream } from "../../pipeline/text_lines.ts";
import { CODE } from "../project.ts";
import { cacheHosts, S3_VARIABLES } from "./cache_place.ts";
import type { StageOutputs } from "../../pipeline/transfer/port_types.ts";
import type { KeyList, Transferred } from "../../pipeline/transfer/transfer_keys.ts";
import type { AnswerTo, CacheOrder, CacheRequest } from "./cache_process.ts";

/** A process that speaks to a cache, until it goes out of scope. */
export class CacheLink implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: AsyncIterator<string>;

  /** @param writes whether the place itself is written to, or the store */
  constructor(order: CacheOrder, writes: "place" | "store") {
    const { deno, projectFolder } = CODE;
    const network = cacheHosts(order.place);
    const environment = order.place.kind === "s3" ? S3_VARIABLES : [];
    this.#child = new Deno.Command(deno, {
      args: [
        ...["run", "--no-prompt", "--cached-only", ...cachePermissions(order, writes)],
        fileURLToPath(new URL("./cache_process.ts", import.meta.url)),
      ],
      cwd: projectFolder,
      clearEnv: true,
      env: workerEnvironment({ network, environment }),
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#lines = this.#child.stdout.pipeThrough(new TextLineStream())[Symbol.asyncIterator]();
    this.#send(order);
  }

  /** Sends the results of keys there. */
  async push(keys: KeyList): Promise<Transferred> {
    return (await this.#ask({ push: keys })).transferred;
  }

  /**
   * Takes the results of keys into the store.
   * @param stages the outputs that they must have, by their stages
   */
  async pull(keys: readonly string[], stages: StageOutputs): Promise<Transferred> {
    return (await this.#ask({ pull: keys, stages })).transferred;
  }

  /** The keys of a recipe's run that was pushed last; null when none was. */
  async list(recipe: string): Promise<KeyList | null> {
    return (await this.#ask({ list: recipe })).listed;
  }

  /**
   * Asks for one thing, and waits for the answer.
   * @throws ExpectedError in the process's own words
   */
  async #ask<Request extends CacheRequest>(request: Request): Promise<AnswerTo<Request>> {
    this.#send(request);
    const { done, value } = await this.#lines.next();
    if (done) throw new ExpectedError("The process that speaks to the cache ended too soon.");
    const answer = JSON.parse(value) as AnswerTo<Request> | { readonly error: string };
    if ("error" in answer) throw new ExpectedError(answer.error);
    return answer;
  }

  #send(line: CacheOrder | CacheRequest): void {
    this.#input.write(new TextEncoder().encode(`${JSON.stringify(line)}\n`)).catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close().catch(() => {});
    await this.#child.status;
  }
}

/**
 * What the process may do: see `cache_process.ts`. A folder that is pulled from is read, one that is pushed to
 * is read and written.
 *
 * @throws ExpectedError when a path cannot be written as a permission
 */
export function cachePermissions(
  { place, store }: Pick<CacheOrder, "place" | "store">,
  writes: "place" | "store",
): string[] {
  const { projectFolder, codeFolders } = CODE;
  const code = [...codeFolders, "cli", "node_modules"].map((name) => join(projectFolder, name));
  const folder = place.kind === "folder" ? [place.folder] : [];
  const written = writes === "store" ? [store] : folder;
  const hosts = cacheHosts(place);
  const native = nativeFolders(projectFolder, ["duckdb"]);
  return [
    `--allow-read=${[...code, store, ...folder].map(listed)}`,
    ...(written.length === 0 ? [] : [`--allow-write=${written.map(listed)}`]),
    ...(hosts.length === 0 ? [] : [`--allow-net=${hosts.map(listed)}`]),
    // The service's library asks for many variables; none is set but those that it was given.
    ...(place.kind === "s3" ? ["--allow-env"] : []),
    ...(native.length === 0 ? [] : [`--allow-ffi=${native.map(listed)}`]),
  ];
}
