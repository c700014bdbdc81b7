import assert from "node:assert/strict";
import { join } from "node:path";
import { sha256 } from "../../../core/digest.ts";
import { partSize, type S3Settings, S3Target } from "../../../pipeline/transfer/s3_target.ts";
import { pushKeys } from "../../../pipeline/transfer/transfer_keys.ts";
import { ScratchFolder } from "../../end_to_end/scratch_folder.ts";
import { withStore } from "../store/fixture.ts";
import { commitResult } from "./small_results.ts";
import { openSignedBucket, SIGNED_KEYS } from "./signed_bucket.ts";

const MIB = 2 ** 20;

function target(
  endpoint: string,
  keys: Pick<S3Settings, "accessKeyId" | "secretAccessKey" | "silentMs">,
) {
  return new S3Target({ bucket: "lab", prefix: "a b", region: "eu-west-3", endpoint, ...keys });
}

Deno.test("S3Target sends a large file in parts; cut in the middle, nobody finds it, and the same again sends it", async () => {
  await using scratch = await ScratchFolder.make();
  await using bucket = await openSignedBucket(join(scratch.path, "bucket"));
  const place = target(bucket.endpoint, SIGNED_KEYS);
  const bytes = new Uint8Array(40 * MIB).map((_, i) => (i * 2654435761) >>> 24);
  const file = join(scratch.path, "weights");
  await Deno.writeFile(file, bytes);
  bucket.fails = (method, { searchParams }) =>
    method === "PUT" && Number(searchParams.get("partNumber")) > 1;
  await assert.rejects(place.writeFile("weights", file, bytes.length), /cannot be reached/);
  assert(bucket.asked.some((one) => /^PUT .*partNumber=1/.test(one)), "a part of it was sent");
  assert(bucket.asked.some((one) => /^DELETE .*uploadId=/.test(one)), "and is given up");
  assert.equal(await place.open("weights", 0), null);
  bucket.fails = () => false;
  await place.writeFile("weights", file, bytes.length);
  const parts = bucket.asked.filter((one) => /^PUT .*partNumber=[123]&/.test(one));
  assert.equal(parts.length, 1 + 3);
  const { bytes: stream } = (await place.open("weights", 0))!;
  const arrived = new Uint8Array(await new Response(stream).arrayBuffer());
  assert.equal(sha256(arrived), sha256(bytes));
});

Deno.test("a service that checks signatures takes those of the right secret alone", async () => {
  await using scratch = await ScratchFolder.make();
  await using bucket = await openSignedBucket(join(scratch.path, "bucket"));
  const wrong = target(bucket.endpoint, { ...SIGNED_KEYS, secretAccessKey: "another" });
  await assert.rejects(wrong.writeText("a", "text"), /SignatureDoesNotMatch, 403/);
  await assert.rejects(wrong.readText("a", 9), /SignatureDoesNotMatch, 403/);
  assert.deepEqual(bucket.asked, []);
  const right = target(bucket.endpoint, SIGNED_KEYS);
  await right.writeText("a c#%25?.txt", "text");
  assert.equal(await right.readText("a c#%25?.txt", 9), "text");
});

Deno.test("partSize() keeps within what services put together", () => {
  assert.equal(partSize(17 * MIB), 16 * MIB);
  for (const size of [1e11, 1e12, 5e12]) assert(Math.ceil(size / partSize(size)) <= 10_000);
});

/** A bucket that has nothing, and from some time on takes no bytes or gives no answer. */
function openSilentBucket(silent: (request: string) => "unread" | "unanswered" | "slow" | null) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const asked: string[] = [];
  const open = new Set<Deno.Conn>();
  const serve = async (connection: Deno.Conn) => {
    open.add(connection);
    const chunk = new Uint8Array(1 << 16);
    const head = new TextDecoder().decode(chunk.subarray(0, await connection.read(chunk) ?? 0));
    if (head === "") return;
    const [request] = head.split(" HTTP");
    asked.push(request);
    const how = silent(request);
    if (how === "unread") return;
    if (/expect: 100/i.test(head)) {
      await connection.write(new TextEncoder().encode("HTTP/1.1 100 Continue\r\n\r\n"));
    }
    const [top] = head.split("\r\n\r\n");
    const size = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    for (let left = size - (head.length - top.length - 4); left > 0;) {
      if (how === "slow") await new Promise((resolve) => setTimeout(resolve, 8));
      left -= await connection.read(chunk) ?? left;
    }
    if (how === "unanswered") return;
    const status = request.startsWith("GET") ? "404 Not Found" : "200 OK";
    const answer = `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`;
    await connection.write(new TextEncoder().encode(answer));
  };
  const serving = (async () => {
    for await (const connection of listener) serve(connection).catch(() => {});
  })();
  return {
    asked,
    endpoint: `http://127.0.0.1:${(listener.addr as Deno.NetAddr).port}`,
    [Symbol.asyncDispose]: async () => {
      listener.close();
      open.forEach((connection) => connection.close());
      await serving.catch(() => {});
    },
  };
}

const SILENT = { silentMs: 500, ...SIGNED_KEYS };
// The client waits 6 s for leave to send a large body, and closes its connections late.
const late = { sanitizeOps: false, sanitizeResources: false };

for (const [silentTo, how] of [["GET", "unanswered"], ["PUT", "unanswered"], ["PUT", "unread"]]) {
  Deno.test({
    name: `pushKeys() gives up a bucket by which a ${silentTo} goes ${how}, at once`,
    ...late,
    fn: () =>
      withStore(async (store) => {
        const record = await commitResult(store, "train", { "a.bin": "x".repeat(1_000_000) });
        await using bucket = openSilentBucket((request) =>
          request.startsWith(silentTo) ? how as "unread" : null
        );
        const list = { recipe: "toy", instances: [{ id: "train", key: record.key }] };
        const pushing = pushKeys(target(bucket.endpoint, SILENT), list, store);
        await assert.rejects(pushing, /s3:\/\/lab\/a b\/objects\/.* was silent for 0\.5 s\./);
        const [first, ...more] = bucket.asked.filter((request) => request.startsWith(silentTo));
        assert(first !== undefined);
        assert.deepEqual(more, [], "it is asked once");
      }),
  });
}

Deno.test({
  name: "S3Target is patient with a service that takes long and is never silent for long",
  ...late,
  fn: async () => {
    await using bucket = openSilentBucket(() => "slow");
    const begun = performance.now();
    // Many times what the system takes for the connection before the service does.
    const text = "x".repeat(32 * MIB);
    await target(bucket.endpoint, { ...SILENT, silentMs: 2000 }).writeText("a", text);
    assert(performance.now() - begun > 2500, "it took longer than one may be silent");
  },
});

Deno.test({
  name: "S3Target gives up a large file of which a part goes unanswered",
  ...late,
  fn: async () => {
    await using scratch = await ScratchFolder.make();
    await using bucket = await openSignedBucket(join(scratch.path, "bucket"));
    const file = join(scratch.path, "weights");
    await Deno.writeFile(file, new Uint8Array(17 * MIB));
    bucket.hangs = (method, { searchParams }) =>
      method === "PUT" && searchParams.get("partNumber") === "2";
    const place = target(bucket.endpoint, { ...SILENT, silentMs: 3000 });
    await assert.rejects(place.writeFile("weights", file, 17 * MIB), /a b\/weights was silent/);
    assert(
      bucket.asked.some((one) => /^DELETE .*uploadId=/.test(one)),
      "what was sent is given up",
    );
  },
});
