import assert from "node:assert/strict";
import { foreignRequest, isLoopback, type OwnHost } from "../../core/own_host.ts";

const asked = (own: OwnHost, host: string) =>
  foreignRequest({ headers: new Headers({ host }), url: "http://127.0.0.1/" }, own);

Deno.test("isLoopback() holds for all of 127.0.0.0/8, ::1 and localhost", () => {
  for (const host of ["127.0.0.1", "127.0.0.2", "127.255.0.1", "::1", "localhost", "LOCALHOST"]) {
    assert.equal(isLoopback(host), true, host);
  }
  for (
    const host of ["0.0.0.0", "::", "192.168.1.5", "gpu-1", "127.0.0.1.evil.test", "128.0.0.1"]
  ) {
    assert.equal(isLoopback(host), false, host);
  }
});

Deno.test("foreignRequest() answers a loopback server's own names alone, whichever address it listens on", () => {
  const own = { host: "127.0.0.2" };
  for (const host of ["127.0.0.2", "127.0.0.2:8000", "localhost:8000", "127.0.0.1", "[::1]:80"]) {
    assert.equal(asked(own, host), null, host);
  }
  for (const host of ["evil.test", "127.0.0.3", "192.168.1.5", "127.0.0.2.evil.test", "a, b", ""]) {
    assert.equal(
      asked(own, host),
      "Expected to be asked as 127.0.0.1 or localhost or [::1] or 127.0.0.2.",
      host,
    );
  }
});

Deno.test("foreignRequest() answers addresses and the names of a server that others reach, and no other name", () => {
  for (const own of ["0.0.0.0", "::", "192.168.1.5"].map((host) => ({ host, names: ["GPU-1"] }))) {
    for (const host of ["192.168.1.5:8000", "[fe80::1]:8000", "gpu-1:8000", "Gpu-1", "localhost"]) {
      assert.equal(asked(own, host), null, `${own.host} asked as ${host}`);
    }
    assert.match(asked(own, "evil.test:8000")!, /^Expected to be asked as an address, or as /);
    assert.match(asked(own, "gpu-1.evil.test")!, / or gpu-1\.$/);
  }
});
