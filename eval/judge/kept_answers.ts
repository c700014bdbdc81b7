import { canonicalJson } from "../../core/json.ts";
import { InputError } from "../../core/problem.ts";
import { readTextIfThere, writeAtomically } from "../../core/write_atomically.ts";
import { type JudgeRequest, requestDigest } from "./request.ts";

/** What came of asking. */
export type Outcome =
  /** The endpoint's answer, byte for byte: a chat completion. */
  | { readonly state: "answered"; readonly raw: string }
  /** It gave none, after every attempt. */
  | { readonly state: "failed"; readonly reason: string };

/**
 * A folder of requests and what came of them, a file each: `3f/3f2a….json` for an answer,
 * `3f/3f2a….failed.json` for the last failure. Each is written at once and whole. An answer is for
 * ever; a failure stands until the request is made again.
 */
export class KeptAnswers {
  /**
   * @param folder made when something is kept
   * @param temporary folder on the same file system, for files in the making
   */
  constructor(private readonly folder: string, private readonly temporary: string) {}

  /**
   * What came of a request; null when nothing is kept of it.
   *
   * @throws InputError for a file that is damaged, or that holds another request
   */
  find(request: JudgeRequest): Outcome | null {
    const answer = this.#read(request, "answered");
    return answer ?? this.#read(request, "failed");
  }

  /** Keeps what came of a request. It is on the disk when this is done. */
  async keep(request: JudgeRequest, outcome: Outcome): Promise<void> {
    const { body, swapped, digest } = request;
    const text = canonicalJson({ format: 1, request: { body, swapped }, ...outcome });
    await writeAtomically(this.#path(digest, outcome.state), `${text}\n`, this.temporary);
    if (outcome.state === "answered") {
      await Deno.remove(this.#path(digest, "failed")).catch((error) => {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      });
    }
  }

  #read({ digest }: JudgeRequest, state: Outcome["state"]): Outcome | null {
    const path = this.#path(digest, state);
    const text = readTextIfThere(path);
    if (text === null) return null;
    const refuse = (found: string): never => {
      throw new InputError([{
        path,
        message:
          `Expected a kept judgment of this request but found ${found}. Remove the file to ask again.`,
      }]);
    };
    let value;
    try {
      value = JSON.parse(text);
    } catch {
      return refuse("text that is no JSON");
    }
    const field = state === "answered" ? value?.raw : value?.reason;
    if (value?.format !== 1 || value.state !== state || typeof field !== "string") {
      return refuse("other fields");
    }
    const { body, swapped } = value.request ?? {};
    if (requestDigest(body ?? null, swapped ?? null) !== digest) return refuse("another one");
    return state === "answered" ? { state, raw: field } : { state, reason: field };
  }

  #path(digest: string, state: Outcome["state"]): string {
    return `${this.folder}/${keptPlace(digest, state)}`;
  }
}

/** Where what became of a request lies in the folder of kept answers, by the request's digest. */
export function keptPlace(digest: string, state: Outcome["state"]): string {
  const end = state === "answered" ? ".json" : ".failed.json";
  return `${digest.slice(0, 2)}/${digest}${end}`;
}
