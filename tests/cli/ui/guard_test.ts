import assert from "node:assert/strict";
import { refuse } from "../../../cli/ui/guard.ts";

const HOST = "127.0.0.1:4870";

function refused(headers: Record<string, string>, method = "GET"): number | null {
  const request = new Request(`http://${HOST}/`, { method, headers: { host: HOST, ...headers } });
  return refuse(request)?.status ?? null;
}

Deno.test("the loopback's own names are answered, on any port", () => {
  for (const host of [HOST, "localhost:4870", "localhost", "[::1]:80", "127.0.0.1:9"]) {
    assert.equal(refused({ host }), null, host);
  }
});

Deno.test("a name of someone else's that leads here is refused, so is a list of names", () => {
  const hosts = ["evil.test", "evil.test:4870", "127.0.0.1.evil.test", "localhost.evil.test"];
  for (const host of [...hosts, "127.0.0.2", `${HOST}, evil.test`, "localhost:x", "[::2]"]) {
    assert.equal(refused({ host }), 403, host);
  }
});

Deno.test("only the server's own origin may ask", () => {
  assert.equal(refused({ origin: `http://${HOST}` }), null);
  for (const origin of ["http://evil.test", "null", `https://${HOST}`, "http://127.0.0.1:1"]) {
    assert.equal(refused({ origin }), 403, origin);
  }
});

Deno.test("what another site embeds is refused, a link that is followed is not", () => {
  const from = (site: string, mode: string, dest: string) =>
    refused({ "sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": dest });
  assert.equal(from("same-origin", "cors", "empty"), null);
  assert.equal(from("none", "navigate", "document"), null);
  assert.equal(from("cross-site", "navigate", "document"), null);
  assert.equal(from("cross-site", "no-cors", "image"), 403);
  assert.equal(from("cross-site", "no-cors", "script"), 403);
  assert.equal(from("cross-site", "navigate", "iframe"), 403);
  assert.equal(from("same-site", "cors", "empty"), 403);
});

Deno.test("only GET is answered", () => {
  for (const method of ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"]) {
    assert.equal(refused({}, method), 405, method);
  }
});
