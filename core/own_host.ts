/** The names under which this machine's own loopback is asked; any port, so that tunnels work. */
const OWN_HOST = /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/;

/**
 * Why a request is not one of this server's own; null where it may be. Pages of other sites, in a browser
 * on this machine, are kept out: by the name that they asked for, where the server is this machine's alone
 * (a name of theirs may be made to lead here), and by the origin that the browser states.
 */
export function foreignRequest(
  { headers, url }: Pick<Request, "headers" | "url">,
  { isLoopback }: { readonly isLoopback: boolean },
): string | null {
  const host = headers.get("host") ?? new URL(url).host;
  if (isLoopback && !OWN_HOST.test(host)) return "Expected to be asked as 127.0.0.1 or localhost.";
  const origin = headers.get("origin");
  return origin === null || origin === `http://${host}` ? null : FOREIGN_PAGE;
}

/** What a page of another site is told. */
export const FOREIGN_PAGE = "Expected a request of this server's own pages.";
