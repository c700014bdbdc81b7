import assert from "node:assert/strict";
import { join } from "node:path";
import { sha256 } from "../../../core/digest.ts";
import { keyPlace, objectPlace } from "../../../pipeline/store/names.ts";
import { keyOf } from "../../../pipeline/fingerprint.ts";
import { formatKeyRecord, type KeyRecord } from "../../../pipeline/store/records.ts";
import { listFiles } from "../../../pipeline/store/seal_folder.ts";
import { Store } from "../../../pipeline/store/store.ts";
import { limitedText } from "../../../pipeline/transfer/limited_text.ts";
import { receiveObject } from "../../../pipeline/transfer/receive.ts";
import { pullKeys, receiveList } from "../../../pipeline/transfer/transfer_keys.ts";
import { withStore } from "../store/fixture.ts";
import { commitResult, filesOf, HONESTLY, PretendSource } from "./small_results.ts";

const FILES = { "a.txt": "one\n", "deep/b.txt": "two two two\n" };

interface Place {
  readonly source: PretendSource;
  readonly record: KeyRecord;
  readonly digest: string;
  /** Another, empty store. */
  readonly store: Store;
  pull(): ReturnType<typeof pullKeys>;
  /** Where a file of the object lies in the source. */
  at(file: string): string;
}

/** Runs a test on a source that holds one result, and an empty store. */
function withSource(test: (place: Place) => Promise<void>): Promise<void> {
  return withStore(async (theirs) => {
    const record = await commitResult(theirs, "train", FILES);
    const { digest } = record.outputs.out;
    const source = new PretendSource(filesOf(theirs, [record]));
    await withStore(async (store) => {
      const pull = () => pullKeys(source, [record.key], { store, ...HONESTLY });
      await test({
        source,
        record,
        digest,
        store,
        pull,
        at: (file) => `${objectPlace(digest)}/${file}`,
      });
    });
  });
}

function refusal(what: string, change: (place: Place) => void, message: RegExp): void {
  Deno.test(`pullKeys() refuses ${what}, and nothing of it is in the store`, () =>
    withSource(async (place) => {
      change(place);
      await assert.rejects(place.pull(), { name: "ExpectedError", message });
      const { store } = place;
      assert.deepEqual([store.listKeys(), store.listObjects()], [[], []]);
      const folder = store.path.replace(/\/[^/]*$/, "");
      const left = listFiles(folder).filter((path) => !path.startsWith(".ballast/"));
      assert.deepEqual(left, [], "nothing outside the store");
    }));
}

/** Changes the list of the object's files. */
function edit({ source, at }: Place, change: (record: Record<string, unknown>) => object): void {
  const record = JSON.parse(source.files.get(at("artifact.json"))!);
  source.files.set(at("artifact.json"), JSON.stringify({ ...record, ...change(record) }));
}

/** Puts a changed key record in the place of the true one, its own check right. */
function forge({ source, record }: Place, over: Partial<KeyRecord>): void {
  source.files.set(keyPlace(record.key), formatKeyRecord({ ...record, ...over }));
}

const file = (path: string, text: string) => ({ path, size: text.length, sha256: sha256(text) });
const listing = (...files: ReturnType<typeof file>[]) => () => ({
  files,
  bytes: files.reduce((sum, { size }) => sum + size, 0),
});

refusal("other bytes", ({ source, at }) => {
  source.files.set(at("a.txt"), "uno\n");
}, /a\.txt has other bytes than its list says/);

refusal("other bytes with a list that fits them", (place) => {
  place.source.files.set(place.at("a.txt"), "uno\n");
  edit(place, listing(file("a.txt", "uno\n"), file("deep/b.txt", FILES["deep/b.txt"])));
}, /has the logical digest [0-9a-f]{64}/);

refusal("a file more than the object has", (place) => {
  place.source.files.set(place.at("c.txt"), "more");
  const whole = Object.entries(FILES).map(([path, text]) => file(path, text));
  edit(place, listing(...whole, file("c.txt", "more")));
}, /has the logical digest/);

refusal("another key's record", ({ source, record }) => {
  const other = { ...record, key: sha256("other") };
  source.files.set(keyPlace(record.key), formatKeyRecord(other));
}, /belongs to key/);

refusal("a record with other fields", (place) => {
  const fields = { ...(place.record.fields as object), params: { beta: 9 } };
  forge(place, { fields });
}, /has fields of the key/);

refusal("a record whose stage is not that of its fields", (place) => {
  forge(place, { stage: "report" });
}, /is of stage report and has fields of train/);

refusal("a record that was cut", ({ source, record }) => {
  const path = keyPlace(record.key);
  source.files.set(path, source.files.get(path)!.slice(0, -9));
}, /is cut short/);

refusal("a record of another form", (place) => {
  forge(place, { outputs: { out: { type: "pairs", digest: "../../etc", bytes: 1 } } });
}, /is not of its form: outputs\.out\.digest/);

const OUT = { type: "pairs", digest: "ab".repeat(32), bytes: 1 };
const WORK = { amount: 1, unit: "pairs", perSecond: 1, startSeconds: 0, like: "", scale: 1 };
const FORGED: readonly [Record<string, unknown>, RegExp][] = [
  [{ outputs: { out: { ...OUT, sizes: { pairs: null } } } }, /form: outputs\.out\.sizes\.pairs/],
  [{ outputs: { out: { ...OUT, sizes: [] } } }, /form: outputs\.out\.sizes/],
  [{ work: { ...WORK, amount: "much" } }, /form: work\.amount/],
  [{ work: { ...WORK, unit: {} } }, /form: work\.unit/],
  [{ acceptedFrom: "../../etc" }, /form: acceptedFrom/],
  [{ fields: { stage: "train", inputs: {} } }, /form: fields\.format/],
];
for (const [over, message] of FORGED) {
  refusal(`a record with ${JSON.stringify(over).slice(0, 90)}`, (place) => {
    forge(place, over as Partial<KeyRecord>);
  }, message);
}

Deno.test("pullKeys() refuses a record without the outputs of its stage, and mends one that is here", () =>
  withSource(async ({ source, record, store, pull }) => {
    const asked = { store, ...HONESTLY, stages: { train: { out: "pairs" } } };
    const forged: KeyRecord["outputs"][] = [
      {},
      { out: { ...record.outputs.out, type: "model" } },
      { other: record.outputs.out },
      { ...record.outputs, more: record.outputs.out },
    ];
    const honest = source.files.get(keyPlace(record.key))!;
    for (const outputs of forged) {
      source.files.set(keyPlace(record.key), formatKeyRecord({ ...record, outputs }));
      await assert.rejects(
        pullKeys(source, [record.key], asked),
        /keys\/.* has the outputs .*, not out \(pairs\)\./,
      );
    }
    assert.deepEqual([store.listKeys(), store.listObjects()], [[], []]);
    source.files.set(keyPlace(record.key), formatKeyRecord({ ...record, outputs: {} }));
    assert.equal((await pull()).keys.length, 1); // nobody knows what it should have
    const others = { ...asked, stages: { other: { out: "pairs" } } };
    assert.equal((await pullKeys(source, [record.key], others)).objects, 0);
    source.files.set(keyPlace(record.key), honest);
    assert.equal((await pullKeys(source, [record.key], asked)).objects, 1);
    assert.deepEqual(store.readKey(record.key)?.outputs, record.outputs);
  }));

refusal("a recipe's name that is a path", (place) => {
  forge(place, { recipe: "../../toy" });
}, /is not of its form: recipe/);

refusal("an object of another digest", (place) => {
  edit(place, () => ({ digest: sha256("other") }));
}, /is of pairs [0-9a-f]{64}/);

refusal("an object of another type", (place) => {
  edit(place, () => ({ type: "model" }));
}, /is of model/);

for (
  const name of ["../../../../out", "/tmp/ballast-out", "a/../../b", "a\\..\\b", "artifact.json"]
) {
  refusal(`an object with a file named ${name}`, (place) => {
    edit(place, listing(file(name, "out")));
    if (name !== "artifact.json") place.source.files.set(place.at(name), "out");
  }, /does not stay in its folder|cannot be one of its files/);
}

refusal("an object with a file twice", (place) => {
  edit(place, listing(file("a.txt", "one\n"), file("a.txt", "one\n")));
}, /a\.txt comes twice/);

refusal("an object that counts its bytes wrongly", (place) => {
  edit(place, () => ({ bytes: 1 }));
}, /counts 1 bytes, not 16/);

refusal("an object larger than allowed, before any of it is fetched", (place) => {
  edit(place, listing({ path: "a.txt", size: 2e6, sha256: sha256("") }));
}, /has 2000000 bytes, more than the 1000000 of --limit/);

refusal("a file that never ends", ({ source, at }) => {
  source.endless.add(at("a.txt"));
}, /a\.txt has more than its 4 bytes/);

Deno.test("pullKeys() takes a whole result, and asks for nothing the second time", () =>
  withSource(async ({ pull, source, store, record, digest }) => {
    const first = await pull();
    assert.deepEqual([first.keys, first.objects, first.bytes], [[record.key], 1, 16]);
    assert.deepEqual(store.readKey(record.key)?.outputs, record.outputs);
    assert.equal(
      Deno.readTextFileSync(join(store.objectPath(digest), "deep/b.txt")),
      "two two two\n",
    );
    assert.deepEqual(source.opened, ["a.txt 0", "deep/b.txt 0"]);
    const second = await pull();
    assert.deepEqual([second.keys, second.objects, second.bytes], [[record.key], 0, 0]);
    assert.equal(source.opened.length, 2);
    assert.equal(store.readInstance("toy", "train"), null, "it is nobody's last result here");
    assert.deepEqual([...Deno.readDirSync(store.folder("incoming"))], []);
  }));

Deno.test("pullKeys() goes on where it was cut off, and fetches no whole file again", () =>
  withSource(async ({ pull, source, store, record, at }) => {
    source.cuts.set(at("deep/b.txt"), 5);
    await assert.rejects(pull(), /cut off in .*b\.txt, after 5 of 12 bytes \(connection reset\)/);
    assert.deepEqual(store.listObjects(), []);
    source.cuts.clear();
    source.opened.length = 0;
    assert.deepEqual((await pull()).keys, [record.key]);
    assert.deepEqual(source.opened, ["deep/b.txt 5"]);
  }));

Deno.test("pullKeys() begins anew where what a cut left turns out to be of something else", () =>
  withSource(async ({ pull, source, store, record, at, digest }) => {
    source.cuts.set(at("deep/b.txt"), 5);
    await assert.rejects(pull(), /cut off/);
    source.cuts.clear();
    await Deno.writeTextFile(join(store.folder("incoming"), digest, "1.part"), "TWO ");
    await Deno.writeTextFile(join(store.folder("incoming"), digest, "files", "a.txt"), "ONE\n");
    await Deno.writeTextFile(join(store.folder("incoming"), digest, "files", "left"), "behind");
    source.opened.length = 0;
    assert.deepEqual((await pull()).keys, [record.key]);
    assert.deepEqual(source.opened, ["a.txt 0", "deep/b.txt 4", "deep/b.txt 0"]);
  }));

Deno.test("pullKeys() leaves out what the source lacks, a record or an object's file", () =>
  withSource(async ({ pull, source, store, record, at }) => {
    const bytes = source.files.get(at("a.txt"))!;
    source.files.delete(at("a.txt"));
    assert.deepEqual((await pull()).missing, [record.key]);
    source.files.set(at("a.txt"), bytes);
    source.files.delete(keyPlace(record.key));
    assert.deepEqual((await pull()).missing, [record.key]);
    assert.deepEqual(store.listKeys(), []);
  }));

Deno.test("receiveObject() takes no result of a type that nobody can digest", () =>
  withSource(async ({ source, store, digest }) => {
    const options = {
      ...HONESTLY,
      store,
      digestOf: () => Promise.reject(new RangeError("no such type")),
    };
    await assert.rejects(
      receiveObject(source, { digest, type: "pairs" }, options),
      /has the logical digest RangeError: no such type/,
    );
  }));

Deno.test("receiveList() refuses another recipe's list, and what is none", () =>
  withSource(async ({ source, record }) => {
    const instances = [{ id: "train", key: record.key }];
    source.files.set("recipes/toy.json", JSON.stringify({ recipe: "toy", instances }));
    assert.deepEqual((await receiveList(source, "toy"))?.instances, instances);
    assert.equal(await receiveList(source, "other"), null);
    const wrong = [
      { recipe: "toy", instances: [{ id: "train", key: "../../key" }] },
      { recipe: "other", instances },
      [],
    ];
    for (const list of wrong) {
      source.files.set("recipes/toy.json", JSON.stringify(list));
      await assert.rejects(receiveList(source, "toy"), /is no list of the keys of toy/);
    }
    assert.equal(keyOf(record.fields as never), record.key);
  }));

Deno.test("limitedText() stops a stream that never ends", async () => {
  let given = 0;
  const endless = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(1000 * Math.min(1, ++given))),
  });
  await assert.rejects(limitedText(endless, 5000, "it"), /it has more than the 5000 bytes/);
  assert(given < 20, `${given}`);
});
