import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { fetchDataset, fetchModel } from "../../../data/hub/fetch_repository.ts";
import type { HubAccess } from "../../../data/hub/hub_fetch.ts";
import {
  COMMIT,
  dataset,
  filesUnder,
  LARGE,
  type Opened,
  openHub,
  rejection,
  row,
  text,
  TOKEN,
} from "./open_hub.ts";

Deno.test("fetchDataset() resolves a branch, fetches both splits, and asks nothing the second time", async () => {
  await using test = await openHub();
  const first = await test.fetch("main");
  assert.equal(first.commit, COMMIT);
  const folder = `${test.cache}/datasets/o/d@${COMMIT}/data`;
  assert.deepEqual(first.train, [`${folder}/train_prefs.jsonl`]);
  assert.deepEqual(await Deno.readFile(first.test[0]), LARGE);
  assert.equal(await Deno.readTextFile(first.train[0]), row("a") + row("b"));
  assert.deepEqual(test.warnings, [
    `o/d was taken at main, which may move; to pin it: revision: ${COMMIT}`,
  ]);
  assert.equal(test.progress.at(-1), LARGE.length + (row("a") + row("b")).length);
  const asked = test.hub.seen.length;
  await test.fetch(COMMIT);
  assert.equal(test.hub.seen.length, asked, "a commit that is in the cache needs no request");
  assert.equal(test.warnings.length, 1, "a pinned revision is nothing to warn of");
});

Deno.test("fetchDataset() takes large files that the hub describes in Xet's way", async () => {
  await using test = await openHub();
  test.hub.xet = true;
  const { test: [path] } = await test.fetch();
  assert.deepEqual(await Deno.readFile(path), LARGE);
});

Deno.test("a connection cut half-way is resumed where it was cut, and no byte is sent twice", async () => {
  await using test = await openHub();
  test.hub.mishaps.push({ kind: "cut", after: 1_000_000 }); // the small file arrives whole
  test.hub.mishaps.push({ kind: "cut", after: 40_960 }, { kind: "cut", after: 20_480 });
  const { test: [path] } = await test.fetch();
  assert.deepEqual(await Deno.readFile(path), LARGE);
  const requests = test.hub.seen.filter(({ host, range }) =>
    host === "storage" && range !== "bytes=0-0"
  );
  assert.deepEqual(requests.map(({ range }) => range), [null, "bytes=40960-", "bytes=61440-"]);
  assert.equal(requests.reduce((sum, { sent }) => sum + sent, 0), LARGE.length);
});

Deno.test("a fetch that was given up is gone on with by the next one", async () => {
  await using test = await openHub();
  test.hub.mishaps.push({ kind: "cut", after: 1_000_000 }, { kind: "cut", after: 40_960 });
  for (let i = 0; i < 6; i++) test.hub.mishaps.push({ kind: "status", status: 503 });
  const error = await rejection(test.fetch());
  assert.equal(
    error.message,
    `${test.hub.storageHost} answered 503. It was tried 6 times. Try again later: what is there stays.`,
  );
  const left = (await filesUnder(test.cache)).filter((path) => path.endsWith(".part"));
  assert.equal(left.length, 1);
  assert.equal((await Deno.stat(left[0])).size, 40_960);
  test.hub.mishaps.length = 0;
  const before = test.hub.seen.length;
  const { test: [path] } = await test.fetch();
  assert.deepEqual(await Deno.readFile(path), LARGE);
  const sent = test.hub.seen.slice(before).filter(({ host, range }) =>
    host === "storage" && range !== "bytes=0-0"
  );
  assert.deepEqual(sent.map(({ sent }) => sent), [LARGE.length - 40_960]);
});

Deno.test("a server that knows no ranges sends the whole file anew", async () => {
  await using test = await openHub();
  test.hub.ranges = false;
  test.hub.mishaps.push({ kind: "cut", after: 1_000_000 }, { kind: "cut", after: 40_960 });
  const { test: [path] } = await test.fetch();
  assert.deepEqual(await Deno.readFile(path), LARGE);
});

Deno.test("a server that finds nothing behind what is there sends the whole file anew", async () => {
  await using test = await openHub();
  test.hub.mishaps.push({ kind: "cut", after: 1_000_000 }, { kind: "cut", after: 40_960 });
  test.hub.mishaps.push({ kind: "status", status: 416 });
  const { test: [path] } = await test.fetch();
  assert.deepEqual(await Deno.readFile(path), LARGE);
  const asked = test.hub.seen.filter(({ host, range }) =>
    host === "storage" && range !== "bytes=0-0"
  );
  assert.deepEqual(asked.map(({ range }) => range), [null, "bytes=40960-", null]);
});

Deno.test("a listing on many pages is read to its end", async () => {
  await using test = await openHub();
  test.hub.pages = true;
  const { test: [path] } = await test.fetch();
  assert.deepEqual(await Deno.readFile(path), LARGE);
  assert.equal(test.hub.seen.filter(({ path }) => path.includes("/tree/")).length, 3);
});

Deno.test("answers and files that a proxy packs are unpacked", async () => {
  await using test = await openHub();
  test.hub.packsAnswers = true;
  test.hub.mishaps.push({ kind: "packed" }, { kind: "packed" });
  const { train: [train], test: [path] } = await test.fetch();
  assert.equal(await Deno.readTextFile(train), row("a") + row("b"));
  assert.deepEqual(await Deno.readFile(path), LARGE);
});

Deno.test("a part of a packed file is refused, and what is there stays", async () => {
  await using test = await openHub();
  test.hub.mishaps.push({ kind: "cut", after: 1_000_000 }, { kind: "cut", after: 40_960 });
  test.hub.mishaps.push({ kind: "packed" });
  const { message } = await rejection(test.fetch());
  assert.equal(
    message,
    `Expected ${test.hub.storageHost} to send bytes as they are but found them packed (gzip): a ` +
      "proxy on the way may do that.",
  );
  const { test: [path] } = await test.fetch();
  assert.deepEqual(await Deno.readFile(path), LARGE);
});

Deno.test("429 and 5xx are waited for, as long as Retry-After asks", async () => {
  await using test = await openHub();
  test.hub.mishaps.push(
    { kind: "status", status: 429, retryAfter: "7" },
    { kind: "status", status: 500 },
    { kind: "status", status: 502 },
  );
  await test.fetch("v1.0");
  assert.deepEqual(test.slept, [7000, 1000, 2000]);
});

/** Collects garbage, often, as long as it is in scope: Deno has been seen to forget what ends a request. */
function collectGarbage(): Disposable {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const timer = setInterval(collect, 100);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** Fetches from a hub that is waited for a quarter of a second at a time. */
const fetchImpatiently = (test: Opened, revision = COMMIT, change: Partial<HubAccess> = {}) =>
  fetchDataset({
    dataset: "o/d",
    revision,
    split: { train: "train_prefs", test: "test_prefs" },
  }, {
    cache: test.cache,
    access: { ...test.access(), idleLimit: 250, ...change },
    warn: () => {},
  });

Deno.test("a server that stays silent is asked again, and a body that stops is gone on with", async () => {
  await using test = await openHub();
  using _ = collectGarbage();
  test.hub.mishaps.push(
    { kind: "stall" }, // the branch's commit
    { kind: "stall" }, // the small file
    { kind: "cut", after: 1_000_000 }, // the small file arrives whole
    { kind: "stall", after: 40_960 },
    { kind: "stall", after: 0 },
  );
  const { test: [path] } = await fetchImpatiently(test, "main", { idleLimit: 500 });
  assert.deepEqual(await Deno.readFile(path), LARGE);
  assert.deepEqual(test.hub.mishaps, []);
  const ranges = test.hub.seen.filter(({ host, range }) =>
    host === "storage" && range !== "bytes=0-0"
  ).map(({ range }) => range);
  assert.deepEqual([...new Set(ranges)], [null, "bytes=40960-"], "no byte is sent twice");
});

Deno.test("a fetch that waits for bytes ends when it is told to stop", async () => {
  await using test = await openHub();
  using _ = collectGarbage();
  test.hub.mishaps.push({ kind: "cut", after: 1_000_000 }, { kind: "stall", after: 40_960 });
  const stopping = new AbortController();
  const change = { idleLimit: 600_000, signal: stopping.signal };
  const fetched = rejection(fetchImpatiently(test, COMMIT, change));
  while (test.hub.sentOf(createHash("sha256").update(LARGE).digest("hex"))[0] !== 40_960) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await new Promise((resolve) => setTimeout(resolve, 200));
  stopping.abort(new Error("told to stop"));
  assert.equal((await fetched).message, "told to stop");
});

Deno.test("a server that stays silent for good is given up by name", async () => {
  await using test = await openHub();
  test.hub.mishaps.push({ kind: "cut", after: 1_000_000 }); // the small file arrives whole
  for (let i = 0; i < 6; i++) test.hub.mishaps.push({ kind: "stall" });
  const { message } = await rejection(fetchImpatiently(test));
  assert.equal(
    message,
    `${test.hub.storageHost} sent nothing for 0.25 s. It was tried 6 times. Try again later: what is there stays.`,
  );
});

Deno.test("a content that is not what the listing says is refused and leaves nothing behind", async () => {
  const files = { ...dataset().files };
  files["data/test_prefs.jsonl"] = { content: LARGE, large: true, digest: "ab".repeat(32) };
  await using test = await openHub(dataset({ files }));
  const { message } = await rejection(test.fetch());
  assert.match(
    message,
    /^Expected data\/test_prefs\.jsonl of o\/d@0123\w+ to be 100000 bytes with the SHA-256 (ab)+ but found 100000 bytes with \w{64}\./,
  );
  const names = (await filesUnder(test.cache)).map((path) => path.slice(test.cache.length));
  assert.deepEqual(names, [
    `/datasets/o/d@${COMMIT}.json`,
    `/datasets/o/d@${COMMIT}.verified/data/train_prefs.jsonl.json`,
    `/datasets/o/d@${COMMIT}/data/train_prefs.jsonl`,
  ]);
});

Deno.test("a file of the right size in the cache with another content is fetched anew, and told of", async () => {
  await using test = await openHub();
  const { test: [path] } = await test.fetch();
  const spoilt = LARGE.slice();
  spoilt[50_000] ^= 1;
  await Deno.writeFile(path, spoilt);
  await Deno.utime(path, 1, 1); // within the same millisecond as the download it would pass
  const offline = await rejection(test.fetch(COMMIT, { HF_HUB_OFFLINE: "1" }));
  assert.match(
    offline.message,
    /1 files of o\/d@.*test_prefs\.jsonl \(100000 bytes\), where another content lies now$/s,
  );
  await test.fetch();
  assert.deepEqual(await Deno.readFile(path), LARGE);
  assert.deepEqual(test.warnings, [`${path} is not what the hub lists: it is fetched anew.`]);
});

Deno.test("a file put into the cache by hand is checked once, and then known by size and time", async () => {
  await using test = await openHub();
  const { test: [path] } = await test.fetch();
  const marks = `${test.cache}/datasets/o/d@${COMMIT}.verified`;
  await Deno.remove(marks, { recursive: true });
  const asked = test.hub.seen.length;
  await test.fetch(COMMIT, { HF_HUB_OFFLINE: "1" });
  assert.equal(test.hub.seen.length, asked);
  const mark = `${marks}/data/test_prefs.jsonl.json`;
  assert.deepEqual(JSON.parse(await Deno.readTextFile(mark)), {
    size: LARGE.length,
    modified: (await Deno.stat(path)).mtime!.getTime(),
    digest: createHash("sha256").update(LARGE).digest("hex"),
  });
  const { mtime } = await Deno.stat(path);
  await Deno.writeFile(path, LARGE.toReversed());
  await Deno.utime(path, mtime!, mtime!);
  await test.fetch(); // the mark stands: nothing is read, nothing is asked
  assert.equal(test.hub.seen.length, asked);
});

Deno.test("the token goes to the endpoint alone, and into no message or file", async () => {
  await using test = await openHub(dataset({ token: TOKEN }));
  const { message } = await rejection(test.fetch());
  assert.equal(
    message,
    "The hub refuses the dataset o/d (401): it does not exist, or it needs a token. Check the name at " +
      `${test.hub.endpoint}/datasets/o/d, or set HF_TOKEN to a token that may read it.`,
  );
  const wrong = await rejection(test.fetch(COMMIT, { HF_TOKEN: "hf_anotherSecret" }));
  assert.match(wrong.message, /HF_TOKEN is not valid/);
  assert.ok(!`${wrong.message}${wrong.stack}`.includes("hf_anotherSecret"));
  test.hub.seen.length = 0;
  await test.fetch(COMMIT, { HF_TOKEN: TOKEN });
  const storage = test.hub.seen.filter(({ host }) => host === "storage");
  assert.ok(storage.length > 0);
  assert.ok(storage.every(({ authorization }) => authorization === null));
  assert.ok(test.hub.seen.some(({ authorization }) => authorization === `Bearer ${TOKEN}`));
  for (const path of await filesUnder(test.cache)) {
    assert.ok(!(await Deno.readTextFile(path)).includes(TOKEN), path);
  }
});

Deno.test("a redirect to a host that was not declared is refused by name, without its signature", async () => {
  await using test = await openHub();
  const access = { ...test.access(), moreHosts: [] };
  const { message } = await rejection(
    fetchModel({ model: "o/d", revision: COMMIT, file: "w.gguf" }, {
      cache: test.cache,
      access,
      warn: () => {},
    }),
  );
  assert.match(message, /^The hub has no model o\/d \(404\)/);
  const split = { train: "train_prefs", test: "test_prefs" };
  const refused = await rejection(
    fetchDataset({ dataset: "o/d", revision: COMMIT, split }, {
      cache: test.cache,
      access,
      warn: () => {},
    }),
  );
  assert.equal(
    refused.message,
    `The hub sends the download from ${test.hub.storageHost}, which this stage may not reach. If you trust ` +
      `that host, add it to the stage's parameters: \`downloadHosts: ["${test.hub.storageHost}"]\`.`,
  );
});

Deno.test("a repository, revision, split or file that is not there is told with what to do", async () => {
  await using test = await openHub();
  assert.match(
    (await rejection(test.fetch("v2"))).message,
    /has the dataset o\/d, but not the revision v2\./,
  );
  const split = { train: "train_pref", test: "test_prefs" };
  const options = { cache: test.cache, access: test.access(), warn: () => {} };
  const wrong = await rejection(fetchDataset({ dataset: "o/d", revision: COMMIT, split }, options));
  assert.equal(
    wrong.message,
    `o/d@${COMMIT}: Expected train_pref.parquet, train_pref.jsonl or train_pref.jsonl.gz (or parts ` +
      "train_pref-00000-of-00002.parquet) but found splits test_prefs, train_prefs. " +
      'Did you mean "train_prefs"?',
  );
  const files = { ...dataset().files };
  files["data/train_prefs.jsonl"] = { content: text("x"), absent: true };
  await using other = await openHub(dataset({ files }));
  assert.equal(
    (await rejection(other.fetch())).message,
    "The hub lists data/train_prefs.jsonl of o/d but does not have it (404).",
  );
});

Deno.test("offline says what is missing and how to get it, and works with what is there", async () => {
  await using test = await openHub();
  const offline = { HF_HUB_OFFLINE: "1" };
  const first = await rejection(test.fetch("main", offline));
  assert.equal(
    first.message,
    "HF_HUB_OFFLINE is set, and the dataset o/d at main has not been fetched before. Run this once with " +
      `HF_HUB_OFFLINE unset (it asks ${test.hub.endpoint}), or take the files from another machine and name ` +
      "their folder instead of the hub.",
  );
  assert.equal(test.hub.seen.length, 0);
  const fetched = await test.fetch("main");
  const asked = test.hub.seen.length;
  assert.deepEqual(await test.fetch("main", offline), fetched);
  await Deno.remove(fetched.test[0]);
  const { message } = await rejection(test.fetch("main", offline));
  assert.equal(
    message,
    `HF_HUB_OFFLINE is set, and 1 files of o/d@${COMMIT} are not in the cache. Run this once with ` +
      "HF_HUB_OFFLINE unset, or fetch them elsewhere and put them here:\n" +
      `  ${test.hub.endpoint}/datasets/o/d/resolve/${COMMIT}/data/test_prefs.jsonl → ${
        fetched.test[0]
      } ` +
      "(100000 bytes)",
  );
  assert.equal(test.hub.seen.length, asked);
});

for (const path of ["../../escape.jsonl", "/etc/passwd", "a\\..\\b", "a//b", "x.part", "./a"]) {
  Deno.test(`a listing with the path ${path} is refused before anything is fetched`, async () => {
    const files = { ...dataset().files, [path]: { content: text("x") } };
    await using test = await openHub(dataset({ files }));
    const { message } = await rejection(test.fetch());
    assert.equal(
      message,
      `o/d: Expected paths inside the repository but found ${
        JSON.stringify(path)
      }; nothing was fetched.`,
    );
    assert.deepEqual(await filesUnder(test.cache), []);
  });
}

for (const name of ["../d", "o/d/e", "", "o/..", "o/d?x", "http://x/y"]) {
  Deno.test(`${JSON.stringify(name)} is no name of a repository`, async () => {
    await using test = await openHub();
    const split = { train: "train_prefs", test: "test_prefs" };
    const { message } = await rejection(
      fetchDataset({ dataset: name, revision: "main", split }, {
        cache: test.cache,
        access: test.access(),
        warn: () => {},
      }),
    );
    assert.match(message, /Expected the name of a repository/);
    assert.equal(test.hub.seen.length, 0);
  });
}
