/** Where a server listens, and by which names it is reached. */
export interface OwnHost {
  /** A name or address of this machine, as it was asked to listen on. */
  readonly host: string;
  /** Names of this machine beside it. */
  readonly names?: readonly string[];
}

/** `127.0.0.1:80`, `localhost`, `[::1]:80`; any port, so that tunnels work. */
const HOST = /^(\[[0-9a-f:.]+\]|[^[\]:,\s]+)(?::\d{1,5})?$/i;
const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|localhost)$/;
const LOOPBACK_NAMES = ["127.0.0.1", "localhost", "[::1]"];

/** Whether only this machine reaches what listens on a host: all of 127.0.0.0/8, `::1`, `localhost`. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host.toLowerCase());
}

/**
 * Why a request is not one of this server's own; null where it may be. Pages of other sites, in a browser
 * that reaches this server, are kept out: by the name that they asked for (a name of theirs may be made to
 * lead here), and by the origin that the browser states. No name leads elsewhere than it says where it is
 * an address; so a server that others reach answers to any.
 */
export function foreignRequest(
  { headers, url }: Pick<Request, "headers" | "url">,
  own: OwnHost,
): string | null {
  const asked = headers.get("host") ?? new URL(url).host;
  const name = HOST.exec(asked)?.[1].toLowerCase();
  const names = ownNames(own);
  const isOwn = name !== undefined &&
    (names.includes(name) || !isLoopback(own.host) && isAddress(name));
  if (!isOwn) {
    const any = isLoopback(own.host) ? "" : "an address, or as ";
    return `Expected to be asked as ${any}${names.join(" or ")}.`;
  }
  const origin = headers.get("origin");
  return origin === null || origin === `http://${asked}` ? null : FOREIGN_PAGE;
}

/** What a page of another site is told. */
export const FOREIGN_PAGE = "Expected a request of this server's own pages.";

function ownNames({ host, names = [] }: OwnHost): string[] {
  const given = [host, ...names].map((name) => name.toLowerCase())
    .filter((name) => name !== "0.0.0.0" && name !== "::")
    .map((name) => name.includes(":") ? `[${name}]` : name);
  return [...new Set([...LOOPBACK_NAMES, ...given])];
}

function isAddress(name: string): boolean {
  return name.startsWith("[") || /^\d{1,3}(\.\d{1,3}){3}$/.test(name);
}
