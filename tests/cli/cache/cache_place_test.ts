import assert from "node:assert/strict";
import { join } from "node:path";
import { cachePermissions } from "../../../cli/cache/cache_link.ts";
import { cacheHosts, cachePlace, S3_VARIABLES } from "../../../cli/cache/cache_place.ts";
import { userFolder } from "../../../cli/project.ts";

const KEYS: Readonly<Record<string, string>> = {
  AWS_ACCESS_KEY_ID: "AKID",
  AWS_SECRET_ACCESS_KEY: "hidden",
};

function place(text: string, variables: Readonly<Record<string, string>> = KEYS) {
  return cachePlace(text, (name) => variables[name]);
}

Deno.test("cachePlace() reads folders, addresses and buckets", () => {
  assert.deepEqual(place("shared"), { kind: "folder", folder: join(userFolder(), "shared") });
  assert.deepEqual(place("https://example.org/a/"), {
    kind: "http",
    address: "https://example.org/a",
  });
  const bucket = { kind: "s3", bucket: "lab", region: "us-east-1" };
  const endpoint = "https://s3.us-east-1.amazonaws.com";
  assert.deepEqual(place("s3://lab"), { ...bucket, prefix: "", endpoint });
  const own = { ...KEYS, AWS_ENDPOINT_URL: "http://127.0.0.1:9000/", AWS_REGION: "eu-west-3" };
  assert.deepEqual(place("s3://lab/a/b/", own), {
    ...{ ...bucket, region: "eu-west-3", prefix: "a/b" },
    endpoint: "http://127.0.0.1:9000",
  });
});

Deno.test("cachePlace() refuses what is no place, and shows no password", () => {
  const wrong: [string, RegExp][] = [
    ["ftp://example.org", /another kind of address/],
    ["https://me:secret@example.org", /an address without a password/],
    ["https://example.org/?token=secret", /an address without \? and #/],
    ["https://", /Expected an address/],
    ["s3://", /Expected s3:\/\/BUCKET/],
    ["s3://LAB/../x y", /Expected s3:\/\/BUCKET/],
  ];
  for (const [text, message] of wrong) {
    assert.throws(() => place(text), (error: Error) => {
      assert.match(error.message, message);
      return !error.message.includes("secret");
    });
  }
  assert.throws(() => place("s3://lab", {}), /AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY/);
});

Deno.test("the cache's process may talk to its host alone, and write one place", () => {
  const store = "/a/store";
  const allowed = (text: string, writes: "place" | "store", variables = KEYS) =>
    cachePermissions({ place: place(text, variables), store }, writes)
      .filter((permission) => !/^--allow-(read|ffi)=/.test(permission));
  assert.deepEqual(allowed("/b/cache", "store"), [`--allow-write=${store}`]);
  assert.deepEqual(allowed("/b/cache", "place"), ["--allow-write=/b/cache"]);
  const http = "https://example.org/a";
  assert.deepEqual(allowed(http, "store"), [
    `--allow-write=${store}`,
    "--allow-net=example.org:443",
  ]);
  const own = { ...KEYS, AWS_ENDPOINT_URL: "http://127.0.0.1:9000" };
  assert.deepEqual(allowed("s3://lab", "place", own), [
    "--allow-net=127.0.0.1:9000",
    "--allow-env",
  ]);
  assert.deepEqual(cacheHosts(place("http://[::1]:8000/x")), ["[::1]:8000"]);
  const read = cachePermissions({ place: place("/b/cache"), store }, "store")[0];
  assert(read.includes(",/a/store,/b/cache"), read);
  assert(!read.includes(".git") && !read.includes("recipes"), read);
});

Deno.test("the command line may read the variables of a bucket, which it hands on", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile("deno.json"));
  for (const task of [tasks.ballast, tasks.reproduce]) {
    const [, names] = /--allow-env=(\S+)/.exec(task.command)!;
    for (const name of S3_VARIABLES) assert(names.split(",").includes(name), name);
    assert(!/--allow-net|-A\b/.test(task.command), "it has no network itself");
  }
});
