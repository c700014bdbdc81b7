import { ExpectedError } from "../../core/problem.ts";
import type { ObjectSource } from "./object_source.ts";
import { limitedText } from "./limited_text.ts";
import { inTime, piecesInTime, SilenceError, SILENT_MS } from "./silence.ts";

/**
 * Objects and key records behind a server that gives files by GET, such as one that serves a folder that was
 * pushed to. It follows no redirect, which might lead to a host that was not named.
 */
export class HttpSource implements ObjectSource {
  readonly name: string;

  /**
   * @param address of the folder, without a slash at its end
   * @param silentMs how long it may be silent, in milliseconds
   */
  constructor(address: string, private readonly silentMs: number = SILENT_MS) {
    this.name = address;
  }

  async readText(path: string, limit: number): Promise<string | null> {
    const response = await this.#get(path);
    if (response === null) return null;
    return await limitedText(response.bytes, limit, `${this.name}/${path}`);
  }

  async open(path: string, offset: number) {
    const headers: Record<string, string> = offset === 0 ? {} : { range: `bytes=${offset}-` };
    const response = await this.#get(path, headers);
    if (response === null) return null;
    const begins = response.headers.get("content-range")?.startsWith(`bytes ${offset}-`) ?? false;
    return {
      offset: response.status === 206 && begins ? offset : 0,
      bytes: response.bytes,
    };
  }

  async #get(
    path: string,
    headers: Record<string, string> = {},
  ): Promise<Pick<Response, "status" | "headers"> & { bytes: ReadableStream<Uint8Array> } | null> {
    const url = `${this.name}/${path.split("/").map(encodeURIComponent).join("/")}`;
    const request = new AbortController();
    const { silentMs } = this;
    const patience = { what: url, silentMs, giveUp: () => request.abort() };
    let response: Response;
    try {
      const answer = fetch(url, {
        headers: { "accept-encoding": "identity", ...headers },
        redirect: "manual",
        credentials: "omit",
        signal: request.signal,
      });
      response = await inTime(answer, patience);
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable || error instanceof SilenceError) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new ExpectedError(`${url} cannot be reached: ${why}. What is there already stays.`);
    }
    const { status, body } = response;
    if (status === 200 || status === 206) {
      const bytes = piecesInTime(body ?? new Blob().stream(), patience);
      return { status, headers: response.headers, bytes };
    }
    await response.body?.cancel();
    if (response.status === 404 || response.status === 410) return null;
    throw new ExpectedError(`Expected ${url} to give a file but it answered ${response.status}.`);
  }
}
