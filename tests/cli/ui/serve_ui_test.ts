import assert from "node:assert/strict";
import { serveUi } from "../../../cli/ui/serve_ui.ts";
import { ExpectedError } from "../../../core/problem.ts";
import type { Store } from "../../../pipeline/store/store.ts";
import { withStore } from "../../pipeline/store/fixture.ts";
import { beginRun, finishRun, startStage, takeSteps } from "./store_fixture.ts";

const NONE = "0".repeat(64);

/** Serves a store while `use` runs; no fault may have been told by then. */
async function whileServed(store: Store, use: (port: number) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const ready = Promise.withResolvers<number>();
  const faults: unknown[] = [];
  const ended = serveUi({
    store,
    artifactTypes: new Map(),
    port: 0,
    signal: stop.signal,
    onReady: ready.resolve,
    onFault: (error) => faults.push(error),
  });
  try {
    await use(await ready.promise);
  } finally {
    stop.abort();
    await ended;
  }
  assert.deepEqual(faults, []);
}

/** Sends bytes as they are, as no client would, and gives the answer's text. */
async function raw(port: number, lines: readonly string[]): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const text = [...lines, "Connection: close", "", ""].join("\r\n");
  await connection.write(new TextEncoder().encode(text));
  return await new Response(connection.readable).text();
}

Deno.test("what another name or site asks of the port is refused before anything is read", () =>
  withStore((store) =>
    whileServed(store, async (port) => {
      const host = `Host: 127.0.0.1:${port}`;
      assert.match(await raw(port, ["GET / HTTP/1.1", host]), /^HTTP\/1\.1 200 .*<h1>Runs/s);
      const refused: [string[], RegExp][] = [
        [["GET / HTTP/1.1", `Host: evil.test:${port}`], /^HTTP\/1\.1 403/],
        [["GET http://evil.test/ HTTP/1.1", "Host: evil.test"], /^HTTP\/1\.1 40[03]/],
        [["GET / HTTP/1.1", host, "Origin: http://evil.test"], /^HTTP\/1\.1 403/],
        [["POST / HTTP/1.1", host, "Content-Length: 0"], /^HTTP\/1\.1 405 .*allow: GET/is],
        [["GET /reports/../format.json HTTP/1.1", host], /^HTTP\/1\.1 404/],
        [["GET /../../etc/passwd HTTP/1.1", host], /^HTTP\/1\.1 404/],
        [["GET /reports/%2e%2e/%2e%2e/etc/passwd HTTP/1.1", host], /^HTTP\/1\.1 404/],
      ];
      for (const [lines, answer] of refused) {
        assert.match(await raw(port, lines), answer, lines.join(" "));
      }
    })
  ));

Deno.test("a page and its events follow a run to its end; the store stays free and unchanged", () =>
  withStore(async (store) => {
    await whileServed(store, async (port) => {
      const address = `http://127.0.0.1:${port}`;
      const lock = await store.lock();
      const run = await beginRun(store, { parameters: { "train/dpo": {} } });
      startStage(run, "train/dpo");
      const stream = await fetch(`${address}/runs/0001/events`);
      assert.equal(stream.status, 200);
      assert.match(stream.headers.get("content-security-policy")!, /^default-src 'none'/);
      const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
      let heard = "";
      const until = async (words: RegExp) => {
        while (!words.test(heard)) heard += (await reader.read()).value ?? assert.fail(heard);
      };
      await until(/Running.*0 of 1 stages done/);
      takeSteps(run, "train/dpo", { to: 5, loss: 2 });
      await until(/0\.4 at step 5/);
      await finishRun(run, { "train/dpo": { key: NONE, digest: NONE } });
      await until(/Done.*1 stage ran/);
      lock.release();
      const before = snapshot(store.path);
      for (const path of ["/", "/runs/0001", "/diff?a=1&b=1", "/reports/tiny/", "/icon.svg"]) {
        await (await fetch(address + path)).text();
        (await store.lock()).release(); // nobody holds it
      }
      // The lock's own note of its holder is ours.
      assert.deepEqual({ ...snapshot(store.path), lock: "" }, { ...before, lock: "" });
      await reader.cancel();
    });
  }));

Deno.test("as many pages may follow a run as there are places; the next is told so", () =>
  withStore((store) =>
    whileServed(store, async (port) => {
      const open: Deno.TcpConn[] = [];
      const lines = ["GET /events HTTP/1.1", `Host: 127.0.0.1:${port}`, "", ""];
      const answerOf = async () => {
        const connection = await Deno.connect({ hostname: "127.0.0.1", port });
        open.push(connection);
        await connection.write(new TextEncoder().encode(lines.join("\r\n")));
        const bytes = new Uint8Array(1 << 12);
        return new TextDecoder().decode(bytes.subarray(0, await connection.read(bytes) ?? 0));
      };
      for (let i = 0; i < 16; i++) assert.match(await answerOf(), /^HTTP\/1\.1 200/, `stream ${i}`);
      assert.match(await answerOf(), /^HTTP\/1\.1 503 /);
      for (const connection of open) connection.close();
      // A place is free again once the server has noticed.
      let answer = "";
      for (let tries = 0; tries < 100 && !answer.startsWith("HTTP/1.1 200"); tries++) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        answer = await answerOf();
        open.pop()!.close();
      }
      assert.match(answer, /^HTTP\/1\.1 200/);
    })
  ));

Deno.test("a port that is taken is told as such", () =>
  withStore((store) =>
    whileServed(store, async (port) => {
      const again = serveUi({
        store,
        artifactTypes: new Map(),
        port,
        signal: new AbortController().signal,
        onReady: () => {},
        onFault: () => {},
      });
      await assert.rejects(again, (error) => {
        assert.ok(error instanceof ExpectedError);
        assert.match(error.message, /^Port \d+ is in use\. .*--port/);
        return true;
      });
    })
  ));

/** Every file below a folder with its time and size. */
function snapshot(folder: string, below = ""): Record<string, string> {
  return Object.assign(
    {},
    ...[...Deno.readDirSync(`${folder}${below}`)].map(({ name, isDirectory }) => {
      const path = `${below}/${name}`;
      if (isDirectory) return snapshot(folder, path);
      const { mtime, size } = Deno.statSync(folder + path);
      return { [path === "/lock" ? "lock" : path]: `${mtime?.getTime()} ${size}` };
    }),
  );
}
