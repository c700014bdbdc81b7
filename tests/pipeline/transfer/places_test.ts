import assert from "node:assert/strict";
import { join } from "node:path";
import { FolderTarget } from "../../../pipeline/transfer/folder_target.ts";
import { HttpSource } from "../../../pipeline/transfer/http_source.ts";
import type { ObjectSource, ObjectTarget } from "../../../pipeline/transfer/object_source.ts";
import type { Store } from "../../../pipeline/store/store.ts";
import { S3Target } from "../../../pipeline/transfer/s3_target.ts";
import { pullKeys, pushKeys, receiveList } from "../../../pipeline/transfer/transfer_keys.ts";
import { ScratchFolder } from "../../end_to_end/scratch_folder.ts";
import { withStore } from "../store/fixture.ts";
import { BUCKET_KEYS, openBucket } from "./bucket.ts";
import { commitResult, HONESTLY } from "./small_results.ts";

const LARGE = "x".repeat(3_000_000);

/** Two ends of one cache: where it is put, and where it is got. */
interface Ends extends AsyncDisposable {
  readonly target: ObjectTarget;
  readonly source: ObjectSource;
}

const PLACES: Readonly<Record<string, () => Promise<Ends>>> = {
  "a folder": async () => {
    const scratch = await ScratchFolder.make();
    const target = new FolderTarget(join(scratch.path, "cache"));
    return { target, source: target, [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose]() };
  },
  "a folder behind a server of files": async () => {
    const scratch = await ScratchFolder.make();
    const server = serveFiles(scratch.path, { ranges: true });
    return ends(scratch, new HttpSource(`${addressOf(server)}/cache`), () => server.shutdown());
  },
  "a server that knows no ranges": async () => {
    const scratch = await ScratchFolder.make();
    const server = serveFiles(scratch.path, { ranges: false });
    return ends(scratch, new HttpSource(`${addressOf(server)}/cache`), () => server.shutdown());
  },
  "a bucket": async () => {
    const scratch = await ScratchFolder.make();
    const bucket = await openBucket(scratch.path);
    const target = new S3Target({
      ...{ bucket: "lab", prefix: "ballast/small", region: "us-east-1" },
      ...{ ...BUCKET_KEYS, endpoint: bucket.endpoint },
    });
    return {
      ...{ target, source: target },
      [Symbol.asyncDispose]: async () => {
        await bucket[Symbol.asyncDispose]();
        await scratch[Symbol.asyncDispose]();
      },
    };
  },
};

function ends(scratch: ScratchFolder, source: ObjectSource, close: () => Promise<void>): Ends {
  return {
    ...{ target: new FolderTarget(join(scratch.path, "cache")), source },
    [Symbol.asyncDispose]: async () => {
      await close();
      await scratch[Symbol.asyncDispose]();
    },
  };
}

function serveFiles(root: string, { ranges }: { ranges: boolean }): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const path = decodeURIComponent(new URL(request.url).pathname);
    const bytes = await Deno.readFile(join(root, path)).catch(() => null);
    if (bytes === null) return new Response("none", { status: 404 });
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.get("range") ?? "")?.[1] ?? 0);
    if (!ranges || from === 0) return new Response(bytes);
    const range = `bytes ${from}-${bytes.length - 1}/${bytes.length}`;
    return new Response(bytes.subarray(from), { status: 206, headers: { "content-range": range } });
  });
}

function addressOf({ addr }: Deno.HttpServer<Deno.NetAddr>): string {
  return `http://127.0.0.1:${addr.port}`;
}

async function textOf(opened: Awaited<ReturnType<ObjectSource["open"]>>): Promise<string> {
  const text = await new Response(opened!.bytes).text();
  return text.slice(0, 20);
}

for (const [place, open] of Object.entries(PLACES)) {
  Deno.test(`${place} gives what was pushed, once, and the rest of a file from where it was cut`, async () => {
    await using ends = await open();
    const { target, source } = ends;
    await withStore(async (store) => {
      const records = [
        await commitResult(store, "first", { "a.txt": "one\n", "large.bin": LARGE, "empty": "" }),
        await commitResult(store, "second", { "deep/b c#%25?.txt": "two\n" }),
      ];
      const instances = records.map(({ instance: id, key }) => ({ id, key }));
      const list = { recipe: "toy", instances };
      const sent = await pushKeys(target, list, store);
      assert.deepEqual([sent.keys.length, sent.objects, sent.bytes], [2, 2, LARGE.length + 8]);
      assert.deepEqual((await pushKeys(target, list, store)).objects, 0, "all is there");
      assert.deepEqual(await receiveList(source, "toy"), list);
      assert.equal(await receiveList(source, "none"), null);
      assert.equal(await source.open("objects/none", 0), null);
      await withStore(async (own) => {
        const keys = records.map(({ key }) => key);
        const taken = await pullKeys(source, keys, { store: own, ...HONESTLY, limit: 1e7 });
        assert.deepEqual([taken.keys, taken.bytes], [keys, LARGE.length + 8]);
        const { digest } = records[0].outputs.out;
        const path = `objects/${digest.slice(0, 2)}/${digest}/a.txt`;
        const rest = await source.open(path, 2);
        assert.equal(await textOf(rest), rest!.offset === 2 ? "e\n" : "one\n");
        await assert.rejects(source.readText(path, 3), /more than the 3/);
      });
    });
  });
}

Deno.test("pushKeys() writes anew what is damaged there, and sends nothing that is damaged here", async () => {
  await using scratch = await ScratchFolder.make();
  const target = new FolderTarget(join(scratch.path, "cache"));
  await withStore(async (store) => {
    const record = await commitResult(store, "first", { "a.txt": "one\n" });
    const list = { recipe: "toy", instances: [{ id: "first", key: record.key }] };
    await pushKeys(target, list, store);
    const key = join(target.name, "keys", record.key.slice(0, 2), `${record.key}.json`);
    const whole = await Deno.readTextFile(key);
    await Deno.writeTextFile(key, whole.slice(0, 50));
    await pushKeys(target, list, store);
    assert.equal(await Deno.readTextFile(key), whole);
    const { digest } = record.outputs.out;
    const file = join(store.objectPath(digest), "a.txt");
    await Deno.chmod(file, 0o644);
    await Deno.writeTextFile(file, "uno\n");
    const empty = new FolderTarget(join(scratch.path, "empty"));
    await assert.rejects(pushKeys(empty, list, store), /has changed since it was written/);
    await assert.rejects(Deno.stat(join(empty.name, "keys")), Deno.errors.NotFound);
  });
});

/**
 * A server of files that falls silent after so many bytes of each large answer, and gives none from `until`
 * on; or before any answer.
 */
function serveStalling(
  root: string,
  stalls: { after: number; until?: number; times: number; before: boolean; whole?: boolean },
): Deno.HttpServer<Deno.NetAddr> & { readonly ranges: (string | null)[] } {
  const ranges: (string | null)[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    if (stalls.before) return new Promise<Response>(() => {});
    const path = decodeURIComponent(new URL(request.url).pathname).replace(/^\/lab/, "");
    const bytes = Deno.readFileSync(join(root, path));
    const range = stalls.whole ? null : request.headers.get("range");
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0);
    const headers = {
      "content-length": String(bytes.length - from),
      ...range && { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` },
    };
    const status = range ? 206 : 200;
    if (bytes.length < LARGE.length) return new Response(bytes.subarray(from), { status, headers });
    ranges.push(range);
    if (stalls.times-- <= 0) return new Response(bytes.subarray(from), { status, headers });
    const end = Math.min(from + stalls.after, stalls.until ?? Infinity);
    const start = (controller: ReadableStreamDefaultController<Uint8Array>) =>
      end > from ? controller.enqueue(bytes.subarray(from, end)) : undefined;
    return new Response(new ReadableStream({ start }), { status, headers });
  });
  return Object.assign(server as Deno.HttpServer<Deno.NetAddr>, { ranges });
}

const STALLING: Readonly<Record<string, (address: string, silentMs: number) => ObjectSource>> = {
  "a server of files": (address, silentMs) => new HttpSource(address, silentMs),
  "a bucket": (endpoint, silentMs) =>
    new S3Target({
      ...{ bucket: "lab", prefix: "", region: "us-east-1", endpoint },
      ...{ ...BUCKET_KEYS, silentMs },
    }),
};

for (const [place, sourceOf] of Object.entries(STALLING)) {
  Deno.test({
    name: `${place} that falls silent is gone on with from there, a few times, and then given up`,
    // Connections that a server keeps open end with it.
    sanitizeResources: false,
    sanitizeOps: false,
    fn: () =>
      withStore(async (theirs) => {
        const record = await commitResult(theirs, "train", { "large.bin": LARGE });
        const pull = async (stalls: Parameters<typeof serveStalling>[1], own: Store) => {
          const server = serveStalling(theirs.path, stalls);
          const source = sourceOf(addressOf(server), 500);
          try {
            await pullKeys(source, [record.key], { store: own, ...HONESTLY, limit: 1e7 });
            return { ranges: server.ranges, error: "" };
          } catch (error) {
            return { ranges: server.ranges, error: (error as Error).message };
          } finally {
            // Its answers never end.
            server.unref();
          }
        };
        await withStore(async (own) => {
          const { ranges, error } = await pull({ after: 1e6, times: 2, before: false }, own);
          assert.deepEqual([ranges, error], [[null, "bytes=1000000-", "bytes=2000000-"], ""]);
          assert(own.hasObject(record.outputs.out.digest));
        });
        await withStore(async (own) => {
          const given = await pull({ after: 1000, until: 1000, times: 99, before: false }, own);
          assert.equal(given.ranges.length, 1 + 6);
          assert.match(given.error, /was cut off in .*large\.bin, after 1000 of 3000000 bytes/);
          assert.match(
            given.error,
            /was silent for 0\.5 s\)\. The same again asks for the rest\./,
          );
          assert.deepEqual([own.listKeys(), own.listObjects()], [[], []]);
          const { ranges } = await pull({ after: 0, times: 0, before: false }, own);
          assert.deepEqual(ranges, ["bytes=1000-"]);
          assert(own.hasObject(record.outputs.out.digest));
        });
        await withStore(async (own) => {
          const given = await pull({ after: 4e5, times: 99, before: false }, own);
          assert.deepEqual([given.ranges.length, given.error], [8, ""], "each time it gave more");
        });
        await withStore(async (own) => {
          const stalls = { after: 1000, times: 99, before: false, whole: true };
          const { ranges, error } = await pull(stalls, own);
          assert.equal(ranges.length, 1 + 6);
          assert.match(error, /after 1000 of .*whole files alone, so that the same again begins/);
        });
        await withStore(async (own) => {
          const { error } = await pull({ after: 0, times: 0, before: true }, own);
          assert.match(error, /keys\/.*\.json was silent for 0\.5 s\./);
        });
      }),
  });
}

Deno.test("HttpSource follows no redirect, and tells an answer that is none", async () => {
  const asked: string[] = [];
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => {
      const { pathname } = new URL(request.url);
      asked.push(pathname);
      if (pathname === "/moved") return Response.redirect(new URL("/elsewhere", request.url));
      return new Response("no", { status: 500 });
    },
  );
  const source = new HttpSource(addressOf(server as Deno.HttpServer<Deno.NetAddr>));
  await assert.rejects(source.readText("moved", 9), /moved to give a file but it answered 302/);
  await assert.rejects(source.open("broken", 0), /broken to give a file but it answered 500/);
  assert.deepEqual(asked, ["/moved", "/broken"]);
});

Deno.test("S3Target tells no secret when it is refused", async () => {
  const target = new S3Target({
    ...{ bucket: "lab", prefix: "", region: "us-east-1", endpoint: "http://127.0.0.1:9" },
    ...{ accessKeyId: "AKIDSECRET", secretAccessKey: "verysecret" },
  });
  await assert.rejects(target.readText("a", 9), (error: Error) => {
    assert.match(error.message, /^s3:\/\/lab\/a cannot be reached: /);
    return !/AKIDSECRET|verysecret/.test(`${error.message} ${error.cause}`);
  });
});
