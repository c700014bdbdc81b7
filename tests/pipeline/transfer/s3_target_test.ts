import assert from "node:assert/strict";
import { join } from "node:path";
import { sha256 } from "../../../core/digest.ts";
import { partSize, S3Target } from "../../../pipeline/transfer/s3_target.ts";
import { ScratchFolder } from "../../end_to_end/scratch_folder.ts";
import { openSignedBucket, SIGNED_KEYS } from "./signed_bucket.ts";

const MIB = 2 ** 20;

function target(endpoint: string, keys: { accessKeyId: string; secretAccessKey: string }) {
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
