import { ExpectedError } from "../../core/problem.ts";
import type { HubAccess } from "./hub_fetch.ts";

/** What was asked for. */
export interface Asked {
  readonly kind: "dataset" | "model";
  readonly name: string;
  readonly revision: string;
  readonly access: HubAccess;
}

/** The error for an answer that no other attempt would change, with what a person can do. */
export function refusal(status: number, said: string, asked: Asked): ExpectedError {
  const { kind, name, revision, access } = asked;
  const { endpoint, token } = access.settings;
  const page = `${endpoint}/${kind === "dataset" ? "datasets/" : ""}${name}`;
  const what = `the ${kind} ${name}`;
  if (status === 401) {
    return new ExpectedError(
      token === null
        ? `The hub refuses ${what} (401): it does not exist, or it needs a token. Check the name at ${page}, ` +
          "or set HF_TOKEN to a token that may read it."
        : `The hub refuses ${what} (401): HF_TOKEN is not valid, or the repository does not exist (${page}).`,
    );
  }
  if (status === 403) {
    return new ExpectedError(
      `The hub refuses ${what} (403). Accept its conditions at ${page} with the account whose token HF_TOKEN is.`,
    );
  }
  if (status === 404) {
    return new ExpectedError(
      /\brev/i.test(said)
        ? `The hub has ${what}, but not the revision ${revision}. See ${page}/tree/main for its branches and commits.`
        : `The hub has no ${kind} ${name} (404). Check the name at ${page}.`,
    );
  }
  return new ExpectedError(`The hub answered ${status} when asked for ${what} at ${revision}.`);
}
