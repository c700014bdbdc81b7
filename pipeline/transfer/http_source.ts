import { ExpectedError } from "../../core/problem.ts";
import type { ObjectSource } from "./object_source.ts";
import { limitedText } from "./limited_text.ts";

/**
 * Objects and key records behind a server that gives files by GET, such as one that serves a folder that was
 * pushed to. It follows no redirect, which might lead to a host that was not named.
 */
export class HttpSource implements ObjectSource {
  readonly name: string;

  /** @param address of the folder, without a slash at its end */
  constructor(address: string) {
    this.name = address;
  }

  async readText(path: string, limit: number): Promise<string | null> {
    const response = await this.#get(path);
    return response === null
      ? null
      : await limitedText(response.body, limit, `${this.name}/${path}`);
  }

  async open(path: string, offset: number) {
    const headers: Record<string, string> = offset === 0 ? {} : { range: `bytes=${offset}-` };
    const response = await this.#get(path, headers);
    if (response === null) return null;
    const begins = response.headers.get("content-range")?.startsWith(`bytes ${offset}-`) ?? false;
    return {
      offset: response.status === 206 && begins ? offset : 0,
      bytes: response.body ?? new Blob().stream(),
    };
  }

  async #get(path: string, headers: Record<string, string> = {}): Promise<Response | null> {
    const url = `${this.name}/${path.split("/").map(encodeURIComponent).join("/")}`;
    let response: Response;
    try {
      response = await fetch(url, {
        headers: { "accept-encoding": "identity", ...headers },
        redirect: "manual",
        credentials: "omit",
      });
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new ExpectedError(`${url} cannot be reached: ${why}. What is there already stays.`);
    }
    if (response.status === 200 || response.status === 206) return response;
    await response.body?.cancel();
    if (response.status === 404 || response.status === 410) return null;
    throw new ExpectedError(`Expected ${url} to give a file but it answered ${response.status}.`);
  }
}
