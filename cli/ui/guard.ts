import { FOREIGN_PAGE, foreignRequest } from "../../core/own_host.ts";

/** A request that is refused before anything is looked at. */
export interface Refusal {
  readonly status: 403 | 405;
  readonly message: string;
}

/**
 * Why a request is not answered; null where it may be. Other sites' pages in the same browser are kept
 * out: by the name that they asked for (a name of theirs may be made to lead here), by the origin that
 * the browser states, and by what it says of who embeds what.
 */
export function refuse(request: Request): Refusal | null {
  const { method, headers } = request;
  const foreign = foreignRequest(request, { host: "127.0.0.1" });
  if (foreign !== null) return { status: 403, message: foreign };
  if (method !== "GET") {
    return { status: 405, message: "Expected GET: these pages change nothing." };
  }
  const site = headers.get("sec-fetch-site");
  if (site === null || site === "same-origin" || site === "none") return null;
  // A link that a person follows, and nothing that a page loads into itself.
  const followed = headers.get("sec-fetch-mode") === "navigate" &&
    headers.get("sec-fetch-dest") === "document";
  return followed ? null : { status: 403, message: FOREIGN_PAGE };
}
